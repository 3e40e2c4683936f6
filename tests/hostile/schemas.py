"""The forms that are shown: each keyword of JSON Schema at its dearest, and harmless ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.domain.form_worst_cases import DearCase, worst_cases
from tests.hostile.texts import FRAME_BYTES, harmless


def _unbounded() -> Iterator[DearCase]:
    """As many values as a frame holds, however few a form may have."""
    wrong = ["w"] * 40_000
    mixed = [([], {}, 1, "1", True, None, 1.5)[i % 7] if i % 2 else f"{i}" for i in range(20_000)]
    of_each: dict[str, tuple[dict[str, Any], Any]] = {
        "enum": ({"items": {"enum": [f"c{i}" for i in range(200)]}}, wrong),
        "uniqueItems": ({"uniqueItems": True}, mixed),
        "uniqueItems, lists": ({"uniqueItems": True}, [[i] for i in range(20_000)]),
        "type": ({"items": {"type": ["integer", "null"]}}, wrong),
        "pattern": ({"items": {"pattern": r"^(\w+\s?)*$"}}, ["a" * 40 + "!"] * 2_000),
        "additionalProperties": (
            {"additionalProperties": False},
            {f"n{i}": 0 for i in range(20_000)},
        ),
    }
    for name, (schema, value) in of_each.items():
        yield DearCase(f"{name}, a whole frame", {"properties": {"x": schema}}, {"x": value})


def harmless_forms() -> Iterator[DearCase]:
    values = {"x": harmless(FRAME_BYTES - 1_000)}
    yield DearCase("words in a small form", {"type": "object"}, values)
    large = {"type": "object", "description": harmless(1_000_000)}
    yield DearCase("words in a large form", large, values)


def _every() -> Iterator[DearCase]:
    for number, case in enumerate((*harmless_forms(), *_unbounded(), *worst_cases())):
        yield case._replace(name=f"{number}: {case.name}")


CASES = {case.name.partition(":")[0]: case for case in _every()}
SCHEMAS: dict[str, dict[str, Any]] = {number: case.schema for number, case in CASES.items()}
