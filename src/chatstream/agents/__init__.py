"""The contract that an agent is written against, and how code that is not ours is run."""
