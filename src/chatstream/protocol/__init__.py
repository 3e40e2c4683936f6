"""The wire protocol: frames, codes and the socket's rules, one set for sockets, HTTP and the schema."""
