"""How well the built-in assistant understands people: ``make eval DATA=DIR``."""
