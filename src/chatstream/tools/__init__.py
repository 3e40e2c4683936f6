"""What the command line does with a database: read it, move chats in and out, check it."""
