"""`python -m tests.badinput --cases N --seed S`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.badinput.run import run
from tests.kit.server import SECRET, Server

parser = argparse.ArgumentParser()
parser.add_argument("--cases", type=int, default=2000, help="generated ones")
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
with (
    tempfile.TemporaryDirectory() as folder,
    Server(Path(folder), SECRET=SECRET, RATE_LIMIT=0) as server,
):
    tally = asyncio.run(run(server, options.cases, options.seed))
print(tally.table())
for one in tally.unanswered[:50]:
    print("  ", one)
sys.exit(bool(tally.crashes or tally.tracebacks or tally.unanswered))
