"""A node among others on one database: membership, the bus, forwarding, answers across nodes."""
