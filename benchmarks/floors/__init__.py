"""Servers that do the least that could be called the same: what a turn must cost at any rate."""
