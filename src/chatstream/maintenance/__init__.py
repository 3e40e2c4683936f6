"""Verify, rebuild, copy, migrate, export, read: no printing, the server calls some of it."""
