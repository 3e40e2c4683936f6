"""The conformance suite: what the protocol page promises, checked against a real server process."""
