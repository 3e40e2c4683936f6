"""``python -m tests.hostile [--long] [--engine postgres]``: a table; 1 if something missed."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import time
from pathlib import Path

from tests.hostile import suite
from tests.kit.server import REPOSITORY

parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
parser.add_argument("--long", action="store_true", help="every case; minutes")
parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
parser.add_argument("--only", default="", help="the kinds whose name begins so")
parser.add_argument("--no-page", action="store_true", help="without what needs Node")
parser.add_argument(
    "--source", type=Path, default=REPOSITORY, help="a checkout whose server is tried instead"
)
options = parser.parse_args()
os.environ["CHATSTREAM_TEST_ENGINE"] = options.engine
begun_at, folder = time.monotonic(), suite.new_folder()
try:
    outcome = asyncio.run(
        suite.run(folder, options.source.resolve(), is_long=options.long, only=options.only)
    )
finally:
    shutil.rmtree(folder, ignore_errors=True)
held, line = (True, "") if options.no_page else suite.page()
cases = sum(result.cases for result in outcome.results)
print(outcome.table())
print(line)
print(f"{cases} cases on {options.engine} in {time.monotonic() - begun_at:.0f} s")
sys.exit(not (outcome.held and held))
