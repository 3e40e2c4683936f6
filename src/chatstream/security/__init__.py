"""Who calls, from where, and how much one caller may ask for."""
