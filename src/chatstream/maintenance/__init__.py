"""What looks after stored chats: checks that the server and the command line share."""
