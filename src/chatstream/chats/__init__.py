"""The write path: from a command to its append and its answer.

``service`` is the way in and does all I/O; ``pipeline`` decides what happens, one chat at a
time, and is pure; ``appends`` turns a decision into what is stored; ``policy`` says what differs
where other nodes write to the same database; ``repository`` reads states from the log; ``cache``
keeps the chats in memory; ``publisher`` feeds the readers once a batch is committed.
"""
