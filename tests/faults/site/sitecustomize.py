"""Imported by a server process at its start, before anything of it: installs what a test asks
for. On the path of those processes only."""

import os

if "FAULTS_SEAMS" in os.environ:
    from tests.faults import seams

    seams.install(os.environ["FAULTS_SEAMS"])
