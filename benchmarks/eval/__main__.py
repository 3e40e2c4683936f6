"""``python -m benchmarks.eval [--data DIR] [--json FILE]``: prints the table; fails if a target
is missed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.eval import dialogues, intents, values
from benchmarks.eval.report import print_table, write_json


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = [
        *intents.figures(options.data),
        *values.figures(options.data),
        *dialogues.figures(options.data),
    ]
    print_table(figures)
    if options.json is not None:
        write_json(figures, options.json)
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
