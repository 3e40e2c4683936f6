"""Equality of JSON values as a text: two values are equal if their canonical texts are.

Texts, because their hash is keyed by a secret of the process. Numbers that share one hash are
easy to choose, and make a set of n of them cost n² comparisons.
"""

from __future__ import annotations

import json
from typing import Any, Final, cast

from chatstream.domain.form_schema.budget import Budget

_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_EXACT: Final = 2**53
"""Up to here every whole number is a float."""
_CHARACTERS_A_STEP: Final = 256
_BITS_A_STEP: Final = 256


def canonical(value: object, budget: Budget) -> str:
    """The text of ``value``, a value of JSON. 1 and 1.0 are equal, 1 and true are not, and
    the order of an object's members does not matter.

    Raises:
        BudgetExceeded: the value is too large.
    """
    match value:
        case str():
            budget.spend(1 + len(value) // _CHARACTERS_A_STEP)
            return f'"{value}'
        case int() | float() if not isinstance(value, bool):
            budget.spend()
            return repr(_number(value, budget))
        case _:
            return _encode(_normalised(value, budget))


def _normalised(value: object, budget: Budget) -> object:
    budget.spend()
    match value:
        case bool() | None:
            return value
        case str():
            budget.spend(len(value) // _CHARACTERS_A_STEP)
            return value
        case int() | float():
            return _number(value, budget)
        case list():
            return [_normalised(item, budget) for item in cast("list[object]", value)]
        case _:
            members = cast("dict[str, Any]", value)
            budget.spend(sum(map(len, members)) // _CHARACTERS_A_STEP)
            return {name: _normalised(item, budget) for name, item in members.items()}


def _number(value: float, budget: Budget) -> int | float:
    if isinstance(value, float):
        return int(value) if abs(value) <= _EXACT and value.is_integer() else value
    if abs(value) <= _EXACT:
        return value
    budget.spend(value.bit_length() // _BITS_A_STEP)
    try:
        return float(value) if int(float(value)) == value else value
    except OverflowError:  # beyond every float
        return value
