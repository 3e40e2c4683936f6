"""Real recorded dialogues, driven through real sockets while connections and servers die.

``python -m benchmarks.demo`` (``make demo``) says in one table what came of it.
"""
