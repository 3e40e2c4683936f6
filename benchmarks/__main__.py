"""``python -m benchmarks``: measure chatstream beside its floors; a table and a JSON file."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
import traceback
from pathlib import Path

from benchmarks import against
from benchmarks.lines import acks, connections, log_size, long_chats, peers, postgres, start, turns
from benchmarks.servers import take_last_core
from benchmarks.table import FULL, QUICK, Line, Scale, machine, text_of, write_json

PARTS = {
    "turns": turns.measure,
    "paced": turns.measure_paced,
    "acks": acks.measure,
    "long": long_chats.measure,
    "sockets": connections.measure,
    "start": start.measure,
    "log": log_size.measure,
    "peers": peers.measure,
    "postgres": postgres.measure,
}

_PART_SECONDS = 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without")
    parser.add_argument("--quick", action="store_true", help="small and rough, in five minutes")
    parser.add_argument("--against", metavar="COMMIT", help="beside another version, by turns")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    wanted = parser.parse_args()
    scale = QUICK if wanted.quick else FULL
    # A time-out from outside must end the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    take_last_core()
    if wanted.against is not None:
        _compare(wanted.against, wanted.parts or list(against.PARTS), scale, wanted.json)
        return
    lines, failed = asyncio.run(measure(scale, wanted.parts or list(PARTS)))
    write_json(wanted.json, lines, scale)
    print(f"\n{machine()}\n")
    print(text_of(lines))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _compare(commit: str, parts: list[str], scale: Scale, path: Path) -> None:
    unknown = set(parts) - set(against.PARTS)
    if unknown:
        sys.exit(f"--against measures {', '.join(against.PARTS)}, and not {', '.join(unknown)}")
    lines = asyncio.run(against.compare(commit, parts, scale))
    against.write_json(path, commit, lines)
    print(f"\n{machine()}\n")
    print(against.text_of(commit, lines))


async def measure(scale: Scale, parts: list[str]) -> tuple[list[Line], list[str]]:
    """The lines of all parts, and the parts that failed or hung: the others have their table."""
    lines: list[Line] = []
    failed: list[str] = []
    for name in parts:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_PART_SECONDS):
                lines += await PARTS[name](scale)
        except Exception:  # noqa: BLE001 - whatever it is, it is told
            traceback.print_exc()
            failed.append(name)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return lines, failed


if __name__ == "__main__":
    main()
