"""The fault suite: real servers under load are killed, cut off and starved, and a checker reads
what every client saw. `python -m tests.faults` runs the long form."""
