"""The read models: tables that hold state, written inline, and ``history``, a reading."""
