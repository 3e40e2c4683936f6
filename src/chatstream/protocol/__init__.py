"""The wire protocol: one set of frames for sockets, HTTP and the schema."""
