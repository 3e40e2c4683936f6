"""One hostile client against a real server, beside one that talks all the time."""
