"""Where a ``$ref`` leads: always into the schema it stands in, never to another document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast
from urllib.parse import unquote

from chatstream.domain.form_schema.budget import Budget

SCHEMA: Final = frozenset(
    {
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
"""Keywords whose value is a schema."""
SCHEMA_LIST: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords whose value is a list of schemas."""
SCHEMA_MAP: Final = frozenset({"$defs", "dependentSchemas", "patternProperties", "properties"})
"""Keywords whose value is an object of schemas."""
REFERENCES: Final = frozenset({"$dynamicRef", "$ref"})
"""Keywords whose value refers to a schema. Within one document a dynamic reference leads where
a plain one does: the outermost anchor of that name is the only one."""
_CHARACTERS_A_STEP: Final = 16
_INDEX: Final = re.compile(r"[0-9]{1,7}")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")


class BadSchema(Exception):
    """A schema that cannot be used; the message says why."""


class References:
    """What the references of one document lead to, each looked up once.

    Attributes:
        budget: the steps that are left for the check that asks.
    """

    def __init__(self, root: object, budget: Budget) -> None:
        self.budget = budget
        self._root = root
        self._targets: dict[str, object] = {}
        self._anchors: dict[str, object] | None = None
        """The schemas that have an anchor, once the first anchor was asked for."""

    def target(self, reference: str) -> object:
        """The schema that ``reference`` leads to.

        Raises:
            BadSchema: it leads out of the document, or to nothing.
            BudgetExceeded: the document is too large.
        """
        if reference not in self._targets:
            self._targets[reference] = self._resolved(reference)
        return self._targets[reference]

    def _resolved(self, reference: str) -> object:
        self.budget.spend(1 + len(reference) // _CHARACTERS_A_STEP)
        if reference and not reference.startswith("#"):
            raise BadSchema(f"the reference {shortened(reference)} leads out of the schema")
        fragment = unquote(reference[1:])
        if fragment and not fragment.startswith("/"):
            found = self._anchored(fragment)
        else:
            found = self._pointed(fragment)
        if found is _NOTHING:
            raise BadSchema(f"the reference {shortened(reference)} leads to nothing")
        return found

    def _pointed(self, pointer: str) -> object:
        found = self._root
        for part in pointer.split("/")[1:]:
            found = _member(found, part.replace("~1", "/").replace("~0", "~"))
        return found

    def _anchored(self, name: str) -> object:
        if self._anchors is None:
            self._anchors = dict(self._found_anchors())
        return self._anchors.get(name, _NOTHING)

    def _found_anchors(self) -> Iterator[tuple[str, object]]:
        waiting = [self._root]
        while waiting:
            schema = waiting.pop()
            if isinstance(schema, dict):
                keywords = cast("dict[str, Any]", schema)
                yield from ((str(keywords[one]), keywords) for one in _ANCHORS if one in keywords)
                waiting += [inner for _, inner in subschemas(keywords, self.budget)]


_NOTHING: Final = object()


def _member(value: object, name: str) -> object:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).get(name, _NOTHING)
    if isinstance(value, list) and _INDEX.fullmatch(name):
        items = cast("list[object]", value)
        return items[int(name)] if int(name) < len(items) else _NOTHING
    return _NOTHING


def subschemas(schema: dict[str, Any], budget: Budget) -> Iterator[tuple[tuple[str, ...], object]]:
    """The schemas directly inside ``schema``, each with its path from there.

    Raises:
        BudgetExceeded: there are too many.
    """
    budget.spend(len(schema))
    for keyword, wanted in schema.items():
        if keyword in SCHEMA:
            yield (keyword,), wanted
        elif keyword in SCHEMA_LIST and isinstance(wanted, list):
            budget.spend(len(cast("list[object]", wanted)))
            for index, inner in enumerate(cast("list[object]", wanted)):
                yield (keyword, str(index)), inner
        elif keyword in SCHEMA_MAP and isinstance(wanted, dict):
            budget.spend(len(cast("dict[str, object]", wanted)))
            for name, inner in cast("dict[str, object]", wanted).items():
                yield (keyword, name), inner


def shortened(text: str, characters: int = 60) -> str:
    """``text`` in quotes, cut where it is long."""
    return repr(text if len(text) <= characters else text[: characters - 1] + "…")
