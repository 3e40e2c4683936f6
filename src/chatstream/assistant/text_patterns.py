r"""The ``pattern`` of a text parameter, on an engine whose time is bounded.

msgspec runs a ``Meta(pattern=...)`` on Python's ``re``, which takes exponential time for
``^(\w+\s?)*$`` and holds the server for all of it. So the pattern is taken out of the type, and
texts are matched by the engine that forms are checked with.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from msgspec import Meta, Struct, ValidationError
from msgspec import inspect as types

from chatstream.domain.form_schema.budget import Budget, BudgetExceeded
from chatstream.domain.form_schema.patterns import (
    SUBJECT_CHARACTERS,
    BadPattern,
    compiled,
    matches,
)
from chatstream.errors import ConfigurationError

_CONSTRAINTS = (
    "gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "tz", "title",
    "description", "examples", "extra_json_schema", "extra",
)  # fmt: skip


def without_pattern(hint: Any, where: str) -> tuple[Any, str | None]:  # noqa: ANN401 - any type
    """The type without the pattern of its text, and that pattern.

    Args:
        hint: the type of a parameter: ``Annotated[str, Meta(pattern=...)]``, or that or None.
        where: what the parameter is called in an error.

    Raises:
        ConfigurationError: the pattern cannot be run, there are two, or it stands inside a list
            or a struct, where it cannot be taken out.
    """
    found: list[str] = []
    plain = _plain(hint, found)
    if len(found) > 1 or _has_pattern(types.type_info(plain), set()):
        raise ConfigurationError(f"the {where} has a pattern inside its type: give it to the text")
    if not found:
        return hint, None
    try:
        compiled(found[0], Budget())
    except (BadPattern, BudgetExceeded) as error:
        raise ConfigurationError(f"the pattern of the {where} cannot be used: {error}") from None
    return plain, found[0]


def check_pattern(pattern: str, text: str) -> None:
    """Look for ``pattern`` in ``text``.

    Raises:
        msgspec.ValidationError: it is not there, or the text is too long to look.
    """
    if len(text) <= SUBJECT_CHARACTERS:
        budget = Budget()
        try:
            if matches(compiled(pattern, budget), text, budget):
                return
        except BudgetExceeded:
            pass
    raise ValidationError(f"Expected `str` matching regex {pattern!r}")


def _plain(hint: Any, found: list[str]) -> Any:  # noqa: ANN401 - any type
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return Union[tuple(_plain(one, found) for one in get_args(hint))]  # noqa: UP007 - made at run time
    if origin is not Annotated:
        return hint
    base, *metas = get_args(hint)
    kept = [_without(one, found) if isinstance(one, Meta) else one for one in metas]
    return Annotated[(base, *kept)]


def _without(meta: Meta, found: list[str]) -> Meta:
    if meta.pattern is None:
        return meta
    found.append(meta.pattern)
    return Meta(**{name: getattr(meta, name) for name in _CONSTRAINTS})


def _has_pattern(part: object, seen: set[type]) -> bool:
    """Whether there is a pattern anywhere in what msgspec tells of a type."""
    match part:
        case types.StrType():
            return part.pattern is not None
        case types.StructType() if part.cls in seen:
            return False
        case types.StructType():
            seen.add(part.cls)
        case _:
            pass
    if isinstance(part, tuple):
        return any(_has_pattern(one, seen) for one in cast("tuple[object, ...]", part))
    if not isinstance(part, Struct) or isinstance(part, types.LiteralType | types.EnumType):
        return False
    return any(_has_pattern(getattr(part, name), seen) for name in part.__struct_fields__)
