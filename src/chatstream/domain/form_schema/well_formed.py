"""Whether a schema can be used for a form, told to its author when the form is made.

Each keyword's value has the type that JSON Schema gives it, each reference leads to a schema of
the same document, each pattern runs on RE2, and no schema applies itself to the same value again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from chatstream.domain.form_schema.assertions import TYPES, is_integer, is_number
from chatstream.domain.form_schema.budget import Budget, BudgetExceeded
from chatstream.domain.form_schema.canonical import canonical
from chatstream.domain.form_schema.patterns import BadPattern, compiled
from chatstream.domain.form_schema.references import (
    REFERENCES,
    SCHEMA_LIST,
    SCHEMA_MAP,
    BadSchema,
    References,
    subschemas,
)
from chatstream.domain.steps import JsonObject

_CHAIN: Final = 32
"""Schemas that one value may pass through, each inside or referred to by the one before."""
_PARTS: Final = 8
_PART_CHARACTERS: Final = 40
_NAMES_A_STEP: Final = 16
_MESSAGE_CHARACTERS: Final = 400

# Applied to the value itself, not to a part of it: a circle of these never ends.
_IN_PLACE: Final = frozenset(
    {"allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then"}
)
_SCHEMA: Final = "a schema (an object, true or false)"
_Path = tuple[str, ...]


def refuse_bad_schema(schema: object, budget: Budget) -> None:
    """Look through ``schema`` and all that it refers to.

    Raises:
        BadSchema: it cannot be used; the message has at most 400 characters.
    """
    try:
        _Inspection(schema, budget).run()
    except BudgetExceeded:
        raise BadSchema("it is too large to be checked") from None


class _Inspection:
    """One look through a schema.

    Attributes:
        budget: the steps that are left for the whole look.
    """

    def __init__(self, root: object, budget: Budget) -> None:
        self.budget = budget
        self._waiting: list[tuple[_Path, object]] = [((), root)]
        self._seen: dict[int, JsonObject] = {}
        """The schemas that were looked at, by their identity."""
        self._references = References(root, budget)
        self._chains: dict[int, int] = {}
        """The longest chain from each schema, by its identity; 0 while it is looked for."""

    def run(self) -> None:
        while self._waiting:
            path, schema = self._waiting.pop()
            if isinstance(schema, dict):
                self._look_at(path, cast("JsonObject", schema))
            elif not isinstance(schema, bool):
                raise _bad(path, f"{_SCHEMA} is needed")
        for schema in self._seen.values():
            self._chain(schema, 0)

    def _look_at(self, path: _Path, schema: JsonObject) -> None:
        if id(schema) in self._seen:
            return
        self._seen[id(schema)] = schema
        inside = [((*path, *inner), found) for inner, found in subschemas(schema, self.budget)]
        if path and "$id" in schema:
            raise _bad(path, "only the whole schema may have an $id")
        for keyword, wanted in schema.items():
            if keyword in _CHECKS:
                self._look_at_keyword((*path, keyword), keyword, wanted)
        self._waiting += inside

    def _look_at_keyword(self, path: _Path, keyword: str, wanted: Any) -> None:  # noqa: ANN401
        if isinstance(wanted, list | dict):
            self.budget.spend(len(cast("JsonObject", wanted)) // _NAMES_A_STEP)
        fits, needed = _CHECKS[keyword]
        if not fits(cast("object", wanted)):
            raise _bad(path, f"{needed} is needed")
        try:
            self._look_deeper(keyword, wanted)
        except (BadPattern, BadSchema) as error:
            raise _bad(path, str(error)) from None

    def _look_deeper(self, keyword: str, wanted: Any) -> None:  # noqa: ANN401
        match keyword:
            case "pattern":
                compiled(wanted, self.budget)
            case "patternProperties":
                for pattern in wanted:
                    compiled(pattern, self.budget)
            case "enum" | "const":
                canonical(wanted, self.budget)
            case "$ref" | "$dynamicRef":
                self._waiting.append(((wanted,), self._references.target(wanted)))
            case _:
                pass

    def _chain(self, schema: JsonObject, depth: int) -> int:
        """How many schemas a value passes through from here, ``depth`` being before it."""
        known = self._chains.get(id(schema))
        if known:
            return known
        self.budget.spend()
        self._chains[id(schema)] = 0
        longest = 1
        for inner in self._applied(schema):
            if depth >= _CHAIN or self._chains.get(id(inner)) == 0:
                raise BadSchema("it applies itself, or too many schemas, to the same value")
            longest = max(longest, 1 + self._chain(inner, depth + 1))
        self._chains[id(schema)] = longest
        if longest > _CHAIN:
            raise BadSchema("it applies itself, or too many schemas, to the same value")
        return longest

    def _applied(self, schema: JsonObject) -> Iterator[JsonObject]:
        """The schemas that judge the same value as ``schema``."""
        inside = subschemas({name: schema[name] for name in _IN_PLACE & schema.keys()}, self.budget)
        inner = [found for _, found in inside]
        targets = [self._references.target(schema[name]) for name in REFERENCES & schema.keys()]
        for found in (*inner, *targets):
            if isinstance(found, dict):
                yield cast("JsonObject", found)


def _bad(path: _Path, reason: str) -> BadSchema:
    where = ".".join(
        part if len(part) <= _PART_CHARACTERS else f"{part[: _PART_CHARACTERS - 1]}…"
        for part in path[-_PARTS:]
    )
    text = f"{where}: {reason}" if where else reason
    return BadSchema(text[:_MESSAGE_CHARACTERS])


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return is_integer(value) and cast("float", value) >= 0


def _is_step(value: object) -> bool:
    return is_number(value) and cast("float", value) > 0


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_schema_list(value: object) -> bool:
    return isinstance(value, list) and bool(cast("list[object]", value))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, cast("list[object]", value)))


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _are_text_lists(value: object) -> bool:
    return isinstance(value, dict) and all(map(_are_texts, cast("JsonObject", value).values()))


def _is_type(value: object) -> bool:
    names = cast("list[object]", value) if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


_Check = tuple[Callable[[object], bool], str]
_CHECKS: Final[dict[str, _Check]] = {
    **dict.fromkeys(SCHEMA_LIST, (_is_schema_list, "a list of schemas")),
    **dict.fromkeys(SCHEMA_MAP, (_is_object, "an object of schemas")),
    **dict.fromkeys(REFERENCES, (_is_text, "a text")),
    **dict.fromkeys(
        (
            "maxContains",
            "maxItems",
            "maxLength",
            "maxProperties",
            "minContains",
            "minItems",
            "minLength",
            "minProperties",
        ),
        (_is_count, "a whole number from 0 on"),
    ),
    **dict.fromkeys(
        ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"), (is_number, "a number")
    ),
    "const": (lambda _: True, "a value"),
    "dependentRequired": (_are_text_lists, "an object of lists of texts"),
    "enum": (_is_list, "a list"),
    "format": (_is_text, "a text"),
    "multipleOf": (_is_step, "a number above 0"),
    "pattern": (_is_text, "a text"),
    "required": (_are_texts, "a list of texts"),
    "type": (_is_type, f"one or several of {', '.join(TYPES)}"),
    "uniqueItems": (_is_flag, "true or false"),
}
