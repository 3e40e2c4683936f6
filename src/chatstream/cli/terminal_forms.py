"""What a form asks, field by field, and what a typed answer means.

For clients that have lines of text and nothing else. The subset of JSON Schema is the one that
forms use: texts, numbers, yes or no, choices, and one level of objects. The server has the
last word on what is valid.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Literal, TypeAlias, cast

import msgspec

from chatstream.client.frames import Values

Kind: TypeAlias = Literal["text", "integer", "number", "boolean", "choice", "choices"]

# How a time is written where the schema names its format, and what reads it.
TIMES: dict[str, tuple[str, Callable[[str], object]]] = {
    "date-time": ("2026-11-24 17:00", datetime.fromisoformat),
    "date": ("2026-11-24", date.fromisoformat),
    "time": ("17:00", time.fromisoformat),
}
YES = frozenset({"y", "yes", "true", "1"})
NO = frozenset({"n", "no", "false", "0"})


class Field(msgspec.Struct, frozen=True):
    """One question of a form; ``path`` is where its answer goes in the values."""

    path: tuple[str, ...]
    label: str
    kind: Kind
    required: bool
    default: object = None
    choices: tuple[object, ...] = ()
    description: str = ""
    format: str = ""

    @property
    def is_time(self) -> bool:
        """Whether it asks for a time, which people say in many words."""
        return self.format in TIMES

    @property
    def prompt(self) -> str:
        """The question as one line."""
        hints = [*self._hints()]
        return f"{self.label} ({', '.join(hints)})" if hints else self.label

    def _hints(self) -> list[str]:
        hints = [self.description] if self.description else []
        match self.kind:
            case "choice" | "choices":
                options = (f"{n} {choice}" for n, choice in enumerate(self.choices, start=1))
                hints.append("; ".join(options))
            case "boolean":
                hints.append("yes or no")
            case "integer" | "number":
                hints.append("a number")
            case "text":
                hints += [f"like {TIMES[self.format][0]}"] if self.is_time else []
        if self.default is not None:
            hints.append(f"empty: {self.default}")
        elif not self.required:
            hints.append("may be empty")
        return hints


def fields_of(schema: Values, path: tuple[str, ...] = ()) -> list[Field]:
    """The questions of a form, in the schema's order."""
    required = schema.get("required")
    wanted = cast("list[object]", required) if isinstance(required, list) else []
    fields: list[Field] = []
    for name, described in _object(schema.get("properties")).items():
        field = _object(described)
        if field.get("type") == "object":
            fields += fields_of(field, (*path, name))
        else:
            fields.append(_field(field, (*path, name), required=name in wanted))
    return fields


def parse(field: Field, text: str) -> object:
    """What ``text`` says; None: nothing, and that is allowed.

    Raises:
        ValueError: it is no answer to the question; the message says why.
    """
    text = text.strip()
    if not text:
        if field.required and field.default is None:
            raise ValueError("an answer is needed")
        return field.default
    match field.kind:
        case "text":
            return _time(field, text) if field.is_time else text
        case "integer" | "number":
            return _number(text, whole=field.kind == "integer")
        case "boolean":
            return _yes_or_no(text)
        case "choice":
            return _choice(field, text)
        case "choices":
            return [_choice(field, part.strip()) for part in text.split(",")]


def put(values: Values, path: tuple[str, ...], value: object) -> Values:
    """``values`` with ``value`` at ``path``."""
    name, *rest = path
    inner = put(_object(values.get(name)), tuple(rest), value) if rest else value
    return {**values, name: inner}


def _field(schema: Values, path: tuple[str, ...], *, required: bool) -> Field:
    items = _object(schema.get("items"))
    choices = schema.get("enum", items.get("enum"))
    return Field(
        path=path,
        label=str(schema.get("title", path[-1])),
        kind=_kind(schema),
        required=required,
        default=schema.get("default"),
        choices=tuple(cast("list[object]", choices)) if isinstance(choices, list) else (),
        description=str(schema.get("description", "")),
        format=str(schema.get("format", "")),
    )


def _kind(schema: Values) -> Kind:
    if "enum" in schema:
        return "choice"
    match schema.get("type"):
        case "array":
            return "choices"
        case "integer":
            return "integer"
        case "number":
            return "number"
        case "boolean":
            return "boolean"
        case _:
            return "text"


def _time(field: Field, text: str) -> str:
    like, read = TIMES[field.format]
    try:
        read(text)
    except ValueError:
        raise ValueError(f"{text!r} is not written like {like}") from None
    return text


def _number(text: str, *, whole: bool) -> int | float:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no {'whole ' if whole else ''}number") from None


def _yes_or_no(text: str) -> bool:
    if text.lower() in YES | NO:
        return text.lower() in YES
    raise ValueError(f"{text!r} is neither yes nor no")


def _choice(field: Field, text: str) -> object:
    for number, choice in enumerate(field.choices, start=1):
        if text in (str(number), str(choice)):
            return choice
    if field.choices:
        raise ValueError(f"{text!r} is none of the choices")
    return text


def _object(value: object) -> Values:
    return cast("Values", value) if isinstance(value, dict) else {}
