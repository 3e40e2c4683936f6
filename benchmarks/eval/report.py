"""The table that ``make eval`` prints, and the same as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct, to_builtins


class Figure(Struct, frozen=True):
    """What was measured; ``target`` is the least (``at_least``) or the most it may be."""

    name: str
    value: float
    unit: str = "%"
    target: float | None = None
    at_least: bool = True
    of: int | None = None

    @property
    def is_met(self) -> bool:
        if self.target is None:
            return True
        return self.value >= self.target if self.at_least else self.value <= self.target


def share(hits: int, of: int) -> float:
    """In percent; 0 of nothing."""
    return 100 * hits / of if of else 0.0


def print_table(figures: list[Figure]) -> None:
    width = max(len(figure.name) for figure in figures)
    print(f"{'':{width}}  {'measured':>10}  {'target':>10}  {'of':>6}")
    for figure in figures:
        target = (
            "" if figure.target is None else f"{'≥' if figure.at_least else '≤'} {figure.target:g}"
        )
        mark = "" if figure.is_met else "  MISSED"
        of = "" if figure.of is None else figure.of
        measured = (
            f"{figure.value:.2f} {figure.unit}" if figure.unit != "%" else f"{figure.value:.1f} %"
        )
        print(f"{figure.name:{width}}  {measured:>10}  {target:>10}  {of:>6}{mark}")


def write_json(figures: list[Figure], path: Path) -> None:
    path.write_text(json.dumps(to_builtins(figures), indent=2) + "\n")
