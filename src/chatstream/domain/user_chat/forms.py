"""Whether the values that a user submitted fit the component they were asked by, and whether an
agent's form can be asked at all. Pure, and bounded: both run on the event loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, cast

from chatstream.domain.form_schema.budget import Budget, BudgetExceeded
from chatstream.domain.form_schema.patterns import BadPattern, warm_up
from chatstream.domain.form_schema.references import BadSchema
from chatstream.domain.form_schema.validation import MOST_PROBLEMS, Path, problems
from chatstream.domain.form_schema.well_formed import refuse_bad_schema
from chatstream.domain.steps import JsonObject
from chatstream.domain.user_chat.state import ShownComponent
from chatstream.errors import Refused

__all__ = ["MOST_VALUES", "check_schema", "check_values", "warm_up"]

MOST_VALUES: Final = 10_000
"""Texts, numbers, lists and objects in what is submitted, each inner one counted."""
_FIELD_CHARACTERS: Final = 200


def check_schema(schema: JsonObject | None) -> None:
    """Refuse a form's schema that values could not be checked against.

    Args:
        schema: of a form or another component; None is none.

    Raises:
        Refused: ``invalid_content``, with the place in the schema and the reason.
    """
    if schema is None:
        return
    try:
        refuse_bad_schema(schema, Budget())
    except BadSchema as error:
        reason = f"the schema of the form cannot be used: {error}"
        raise Refused("invalid_content", reason) from None


def check_values(component: ShownComponent, values: JsonObject) -> None:
    """Raise ``Refused("invalid_form")`` with a reason for each field that does not fit.

    At most 20 fields are named. A name is the path to the field, its parts joined by dots, and
    is cut after 200 characters; ``""`` stands for the form as a whole.
    """
    fields: dict[str, str] = {}
    for name, reason in _problems(component, values):
        fields.setdefault(name, reason)
    if fields:
        raise Refused("invalid_form", fields=fields)


def _problems(component: ShownComponent, values: JsonObject) -> Iterator[tuple[str, str]]:
    if component.kind == "buttons":
        yield from _button_problems(component, values)
    elif component.schema is not None:
        yield from _schema_problems(component.schema, values)


def _button_problems(component: ShownComponent, values: JsonObject) -> Iterator[tuple[str, str]]:
    allowed = [option.value for option in component.options or ()]
    if values.keys() != {"value"}:
        yield "value", "exactly one value is needed"
    elif values["value"] not in allowed:
        yield "value", "this is none of the options"


def _schema_problems(schema: JsonObject, values: JsonObject) -> Iterator[tuple[str, str]]:
    if _has_too_many(values):
        yield "", f"the form holds more than {MOST_VALUES} values"
        return
    try:
        for problem in islice(problems(schema, values, Budget()), MOST_PROBLEMS):
            yield _field(problem.path), problem.reason
    except BudgetExceeded:
        yield "", "the form holds too much to be checked"
    except (BadPattern, BadSchema) as error:
        yield "", f"the form's schema cannot be used: {error}"
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as broken:
        # Forms that an older version stored were not looked at when they were made.
        yield "", f"the form's schema cannot be used: {type(broken).__name__}"


def _field(path: Path) -> str:
    name = ".".join(map(str, path))
    return name if len(name) <= _FIELD_CHARACTERS else f"{name[: _FIELD_CHARACTERS - 1]}…"


def _has_too_many(values: JsonObject) -> bool:
    waiting: list[object] = [values]
    count = 0
    while waiting and count <= MOST_VALUES:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict):
            waiting += cast("JsonObject", value).values()
        elif isinstance(value, list):
            waiting += cast("list[object]", value)
    return count > MOST_VALUES
