"""Imported by a server process at its start, before anything of it: lets its loop be measured.
On the path of those processes only."""

import os

if "HOSTILE_PROBE" in os.environ:
    from tests.hostile import probe

    probe.install(os.environ["HOSTILE_PROBE"])
