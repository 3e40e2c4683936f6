"""Whether the values that a user submitted fit the component they were asked by. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from chatstream.domain.steps import JsonObject
from chatstream.domain.user_chat.state import ShownComponent
from chatstream.errors import Refused

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

# A ``pattern`` runs on a backtracking engine (26 characters cost 1.9 s with ``^(a+)+$``), so a
# long value, and a repetition of a repetition, are refused instead of matched.
PATTERN_MAX_CHARACTERS = 256
_STEP_TOLERANCE = 1e-9
_NESTED_REPEAT = re.compile(r"[+*}]\)*[)][+*{]")


def warm_up() -> None:
    """Import beforehand what the first form would wait for: a tenth of a second, or seconds."""
    _validator_class()


def check_values(component: ShownComponent, values: JsonObject) -> None:
    """Raise ``Refused("invalid_form")`` with a reason for each field that does not fit."""
    fields = dict(_problems(component, values))
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
    try:
        errors = list(_validator_class()(schema).iter_errors(values))
    except Exception as broken:  # noqa: BLE001 - an agent's schema must not break the chat
        yield "", f"the form's schema cannot be used: {type(broken).__name__}"
        return
    for error in errors:
        yield _field(error), error.message


def _field(error: ValidationError) -> str:
    path = [str(part) for part in error.absolute_path]
    if error.validator == "required":
        needed, given = cast("list[str]", error.validator_value), cast("JsonObject", error.instance)
        path.append(next((name for name in needed if name not in given), ""))
    return ".".join(path)


@cache
def _validator_class() -> Callable[[JsonObject], Validator]:
    # Late: the import costs as much as a tenth of the server's start, and seconds where the
    # packages of all of its formats are installed.
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]

    formats = FormatChecker(formats=())
    for name, check in _FORMATS.items():
        formats.checks(name, raises=ValueError)(check)
    bounded = cast(
        "Callable[..., Validator]",
        extend(  # type: ignore[no-untyped-call]
            Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of}
        ),
    )

    def validator(schema: JsonObject) -> Validator:
        return bounded(schema, format_checker=formats)

    return validator


def _pattern(_: Validator, pattern: str, instance: object, __: object) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not isinstance(instance, str):
        return
    if len(instance) > PATTERN_MAX_CHARACTERS:
        yield ValidationError(f"is longer than {PATTERN_MAX_CHARACTERS} characters")
    elif _NESTED_REPEAT.search(pattern) or not re.search(pattern, instance):
        yield ValidationError(f"does not match {pattern!r}")


def _multiple_of(_: Validator, step: float, instance: object, __: object) -> Iterator[Any]:
    """With a tolerance, as in the browser: to a person 0.3 is a multiple of 0.1."""
    from jsonschema import ValidationError

    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return
    if abs(math.remainder(instance, step)) > _STEP_TOLERANCE * step:
        yield ValidationError(f"is not a multiple of {step!r}")


def _texts(check: Callable[[str], object]) -> Callable[[object], bool]:
    def checks(value: object) -> bool:
        return not isinstance(value, str) or bool(check(value))

    return checks


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        parse(text)  # a ``ValueError`` says no
        return True

    return check


def _is_uri(text: str) -> bool:
    return bool(urlsplit(text).scheme) and not any(character.isspace() for character in text)


_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")
_FORMATS: dict[str, Callable[[object], bool]] = {
    "date": _texts(lambda text: date.fromisoformat(text) and len(text) == len("2026-11-23")),
    "time": _texts(_parses(time.fromisoformat)),
    "date-time": _texts(_parses(datetime.fromisoformat)),
    "email": _texts(_EMAIL.fullmatch),
    "uri": _texts(_is_uri),
}
