"""The widget in a real Chromium against a real server."""
