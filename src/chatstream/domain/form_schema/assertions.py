"""Keywords that judge one value by itself: each gives the reason why it does not fit, or None.

A reason never quotes the value: it would grow with what was sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, cast

from chatstream.domain.form_schema.budget import Budget
from chatstream.domain.form_schema.canonical import canonical
from chatstream.domain.form_schema.formats import FORMAT_CHARACTERS, FORMATS, fits_format
from chatstream.domain.form_schema.references import shortened

_STEP_TOLERANCE: Final = 1e-9
_BITS_A_STEP: Final = 64
_EXACT_DIVISION_STEPS: Final = 40
_FORMAT_CHARACTERS_A_STEP: Final = 16

Assertion = Callable[[Any, Any, Budget], str | None]
"""Takes the keyword's value and the value to judge."""


def is_number(value: object) -> bool:
    """Whether ``value`` is a number of JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: object) -> bool:
    """Whether ``value`` is a whole number, however it is written."""
    return is_number(value) and (isinstance(value, int) or cast("float", value).is_integer())


TYPES: Final[dict[str, Callable[[object], bool]]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": is_integer,
    "null": lambda value: value is None,
    "number": is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def shown(value: object) -> str:
    """``value``, of a schema, as a reason may quote it."""
    match value:
        case str():
            return shortened(value)
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case float():
            return repr(value)
        case int() if value.bit_length() <= _BITS_A_STEP:
            return repr(value)
        case _:
            return "what the form says"


def _type(wanted: str | list[str], value: object, budget: Budget) -> str | None:
    names = [wanted] if isinstance(wanted, str) else wanted
    budget.spend(len(names))
    if any(TYPES[name](value) for name in names):
        return None
    return f"is not of type {' or '.join(names)}"


def _const(wanted: object, value: object, budget: Budget) -> str | None:
    if canonical(value, budget) == canonical(wanted, budget):
        return None
    return f"is not {shown(wanted)}"


def _format(wanted: str, value: object, budget: Budget) -> str | None:
    if not isinstance(value, str) or wanted not in FORMATS:
        return None
    if len(value) > FORMAT_CHARACTERS:
        return f"is longer than {FORMAT_CHARACTERS} characters"
    budget.spend(1 + len(value) // _FORMAT_CHARACTERS_A_STEP)
    return None if fits_format(wanted, value) else f"is not a valid {wanted}"


def _multiple_of(step: float, value: object, budget: Budget) -> str | None:
    """With a tolerance, as in the browser: to a person 0.3 is a multiple of 0.1."""
    if not is_number(value):
        return None
    number = cast("int | float", value)
    _count_digits(number, budget)
    return None if _is_multiple(number, step, budget) else f"is not a multiple of {shown(step)}"


def _is_multiple(number: float, step: float, budget: Budget) -> bool:
    if isinstance(number, int) and isinstance(step, int):
        return number % step == 0
    if _is_nearly_multiple(number, step):
        return True
    budget.spend(_EXACT_DIVISION_STEPS)
    return _decimal(number) % _decimal(step) == 0


def _is_nearly_multiple(number: float, step: float) -> bool:
    try:
        return abs(math.remainder(number, step)) <= _STEP_TOLERANCE * step
    except OverflowError:  # one of them is beyond every float
        return False


def _decimal(number: float) -> Fraction:
    """``number`` as it is written: 0.1 is a tenth, which no float is."""
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _count_digits(number: float, budget: Budget) -> None:
    """Whole numbers have as many digits as Python reads, about 4,300."""
    if isinstance(number, int):
        budget.spend(number.bit_length() // _BITS_A_STEP)


def _bound(is_broken: Callable[[float, float], bool], words: str) -> Assertion:
    def check(limit: float, value: object, budget: Budget) -> str | None:
        if not is_number(value):
            return None
        _count_digits(cast("int | float", value), budget)
        broken = is_broken(cast("int | float", value), limit)
        return f"is {words} {shown(limit)}" if broken else None

    return check


def _size(kind: type, unit: str, *, is_most: bool) -> Assertion:
    def check(limit: float, value: object, _: Budget) -> str | None:
        if not isinstance(value, kind):
            return None
        size = len(cast("str", value))
        if size <= limit if is_most else size >= limit:
            return None
        return f"has {'more' if is_most else 'fewer'} than {shown(limit)} {unit}"

    return check


def _unique_items(wanted: bool, value: object, budget: Budget) -> str | None:  # noqa: FBT001 - the keyword's value
    if not wanted or not isinstance(value, list):
        return None
    items = cast("list[object]", value)
    distinct = {canonical(item, budget) for item in items}
    return None if len(distinct) == len(items) else "has an item twice"


ASSERTIONS: Final[dict[str, Assertion]] = {
    "const": _const,
    "exclusiveMaximum": _bound(lambda value, limit: value >= limit, "not less than"),
    "exclusiveMinimum": _bound(lambda value, limit: value <= limit, "not more than"),
    "format": _format,
    "maxItems": _size(list, "items", is_most=True),
    "maxLength": _size(str, "characters", is_most=True),
    "maxProperties": _size(dict, "fields", is_most=True),
    "maximum": _bound(lambda value, limit: value > limit, "more than"),
    "minItems": _size(list, "items", is_most=False),
    "minLength": _size(str, "characters", is_most=False),
    "minProperties": _size(dict, "fields", is_most=False),
    "minimum": _bound(lambda value, limit: value < limit, "less than"),
    "multipleOf": _multiple_of,
    "type": _type,
    "uniqueItems": _unique_items,
}
"""By keyword. ``enum`` and ``pattern`` are not among them: a check keeps what they compile."""
