"""``python -m benchmarks.eval [--data DIR] [--json FILE] [--development]``: prints the table; fails
if a target is missed, or if there was nothing to measure."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.eval import dialogues, intents, values
from benchmarks.eval.report import Figure, print_table, write_json

CLINC = "intents_clinc150.jsonl"
SNIPS = "intents_snips.jsonl"
SGD = ("dialogues_sgd.jsonl", "sgd_schema.json")
Part = tuple[Callable[[Path], list[Figure]], tuple[str, ...]]
"""What is measured, and the files that it needs."""
TESTED: tuple[Part, ...] = (
    (intents.clinc_figures, (CLINC,)),
    (intents.snips_figures, (SNIPS,)),
    (values.alarm_figures, SGD[:1]),
    (values.categorical_figures, SGD),
    (dialogues.figures, SGD[:1]),
    (dialogues.development_figures, SGD[:1]),
)
DEVELOPED: tuple[Part, ...] = (
    (intents.development_figures, (CLINC, SNIPS)),
    (values.development_figures, SGD),
    (dialogues.development_figures, SGD[:1]),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--development", action="store_true", help="only what may be tuned on")
    options = parser.parse_args()
    figures = measured(options.data, DEVELOPED if options.development else TESTED)
    if not figures:
        print("Nothing was measured: name a folder with such files, make eval DATA=DIR.")
        return 1
    print_table(figures)
    if options.json is not None:
        write_json(figures, options.json)
    return 0 if all(figure.is_met for figure in figures) else 1


def measured(folder: Path, parts: tuple[Part, ...]) -> list[Figure]:
    """The figures of the parts whose files are there; the others are named aloud."""
    figures: list[Figure] = []
    for measure, files in parts:
        missing = [name for name in files if not (folder / name).is_file()]
        if missing:
            print(f"{folder} has no {' and no '.join(missing)}: what needs it is not measured.")
        else:
            figures += measure(folder)
    return figures


if __name__ == "__main__":
    sys.exit(main())
