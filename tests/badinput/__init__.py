"""Everything that a client should not send, and what a server must make of it."""
