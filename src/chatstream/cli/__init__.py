"""What an operator types, and the printing."""
