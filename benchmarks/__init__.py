"""What chatstream costs, beside servers that do the least: ``make bench``."""
