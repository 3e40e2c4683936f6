"""Verify, rebuild, copy, migrate, export, read. Nothing here prints: the server calls some of it, too."""
