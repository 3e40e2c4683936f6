"""What a user would pick instead, each in an environment of its own: the same turn, saved."""
