"""Whether a value fits a schema: a lazy stream of problems, so that the first ones are enough.

An applicator applies schemas to the value (``anyOf``) or to parts of it (``properties``). What
a schema *evaluated* of an object's names and an array's indexes is collected on the way, and
only where ``unevaluatedProperties`` or ``unevaluatedItems`` will ask for it: to find it out
afterwards, as libraries do, takes twice the time for each level of nesting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple, cast

from chatstream.domain.form_schema.assertions import ASSERTIONS
from chatstream.domain.form_schema.budget import DEPTH, Budget, BudgetExceeded
from chatstream.domain.form_schema.canonical import canonical
from chatstream.domain.form_schema.patterns import SUBJECT_CHARACTERS, Pattern, compiled, matches
from chatstream.domain.form_schema.references import References, shortened

MOST_PROBLEMS: Final = 20
"""So many of one value are looked for."""
_NAMES_A_STEP: Final = 16
_UNEVALUATED: Final = ("unevaluatedItems", "unevaluatedProperties")

Path = tuple[str | int, ...]
Evaluated = set[str | int]


class Problem(NamedTuple):
    """One reason why a value does not fit: ``path`` leads to the field, ``keyword`` refused it."""

    path: Path
    reason: str
    keyword: str


class Site(NamedTuple):
    """Where a schema meets a value.

    ``evaluated`` collects the names and indexes that the schema looks at; None: nobody asks.
    ``depth`` counts the schemas around this one.
    """

    schema: dict[str, Any]
    value: Any
    path: Path
    evaluated: Evaluated | None
    depth: int


def problems(schema: object, value: object, budget: Budget) -> Iterator[Problem]:
    """The reasons why ``value`` does not fit ``schema``, which is well formed; lazily.

    Raises:
        BadSchema: a reference leads to nothing.
        BadPattern: a pattern cannot be run.
        BudgetExceeded: to find the next one costs more than ``budget`` has.
    """
    return _Validation(schema, budget).of(schema, value, (), None, 0)


class _Validation:
    """One check of one value.

    Attributes:
        budget: the steps that are left for the whole check.
    """

    def __init__(self, root: object, budget: Budget) -> None:
        self.budget = budget
        self.references = References(root, budget)
        self._patterns: dict[str, Pattern] = {}
        """Those that were compiled for this check."""
        self._choices: dict[int, frozenset[str]] = {}
        """The canonical values of each ``enum``, by the identity of its list."""

    def of(
        self, schema: object, value: object, path: Path, evaluated: Evaluated | None, depth: int
    ) -> Iterator[Problem]:
        """The problems of ``value``, which stands at ``path``, with ``schema``."""
        self.budget.spend()
        if schema is True:
            return
        if schema is False:
            yield Problem(path, "is not allowed", "false")
            return
        if depth > DEPTH:
            raise BudgetExceeded
        keywords = cast("dict[str, Any]", schema)
        own = set[str | int]() if evaluated is not None or _asks(keywords) else None
        yield from self._all(Site(keywords, value, path, own, depth))
        if evaluated is not None and own:
            self.budget.spend(len(own) // _NAMES_A_STEP)
            evaluated |= own

    def _all(self, site: Site) -> Iterator[Problem]:
        self.budget.spend(len(site.schema))
        for keyword, wanted in site.schema.items():
            if keyword in ASSERTIONS:
                reason = ASSERTIONS[keyword](wanted, site.value, self.budget)
                if reason is not None:
                    yield Problem(site.path, reason, keyword)
            elif keyword in _APPLICATORS:
                yield from _APPLICATORS[keyword](self, site, wanted)
        for keyword in _UNEVALUATED:  # last: they need to know what the others looked at
            if keyword in site.schema:
                yield from _unevaluated(self, site, keyword)

    def here(
        self, site: Site, schema: object, evaluated: Evaluated | None = None
    ) -> Iterator[Problem]:
        """The problems of the value of ``site`` with another schema."""
        return self.of(schema, site.value, site.path, evaluated, site.depth + 1)

    def inside(self, site: Site, schema: object, name: str | int) -> Iterator[Problem]:
        """The problems of the member ``name`` of the value of ``site`` with ``schema``."""
        if site.evaluated is not None:
            site.evaluated.add(name)
        return self.of(schema, site.value[name], (*site.path, name), None, site.depth + 1)

    def fits(self, site: Site, schema: object) -> bool:
        """Whether the value of ``site`` fits ``schema``; if so, counts what that evaluated."""
        return not self.failures(site, schema, at_most=1)

    def failures(
        self, site: Site, schema: object, *, at_most: int = MOST_PROBLEMS
    ) -> list[Problem]:
        """The first problems of the value of ``site`` with ``schema``; if there are none, counts
        what ``schema`` evaluated."""
        evaluated = None if site.evaluated is None else set[str | int]()
        found = list(islice(self.here(site, schema, evaluated), at_most))
        if site.evaluated is not None and evaluated and not found:
            site.evaluated.update(evaluated)
        return found

    def choices(self, enum: list[object]) -> frozenset[str]:
        """The canonical values of ``enum``."""
        known = self._choices.get(id(enum))
        if known is None:
            known = frozenset(canonical(choice, self.budget) for choice in enum)
            self._choices[id(enum)] = known
        return known

    def matches(self, pattern: str, text: str) -> bool:
        """Whether ``pattern`` is found in ``text``; in none that is too long for it."""
        if pattern not in self._patterns:
            self._patterns[pattern] = compiled(pattern, self.budget)
        return len(text) <= SUBJECT_CHARACTERS and matches(
            self._patterns[pattern], text, self.budget
        )


_Applicator = Callable[[_Validation, Site, Any], Iterator[Problem]]


def _asks(schema: dict[str, Any]) -> bool:
    return any(keyword in schema for keyword in _UNEVALUATED)


# ---------------------------------------------------------------------------- the value itself


def _enum(check: _Validation, site: Site, wanted: list[object]) -> Iterator[Problem]:
    if canonical(site.value, check.budget) not in check.choices(wanted):
        yield Problem(site.path, "is none of the choices", "enum")


def _pattern(check: _Validation, site: Site, wanted: str) -> Iterator[Problem]:
    if not isinstance(site.value, str):
        return
    if len(site.value) > SUBJECT_CHARACTERS:
        yield Problem(site.path, f"is longer than {SUBJECT_CHARACTERS} characters", "pattern")
    elif not check.matches(wanted, site.value):
        yield Problem(site.path, f"does not match {shortened(wanted)}", "pattern")


def _ref(check: _Validation, site: Site, wanted: str) -> Iterator[Problem]:
    yield from check.here(site, check.references.target(wanted), site.evaluated)


def _all_of(check: _Validation, site: Site, wanted: list[object]) -> Iterator[Problem]:
    for schema in wanted:
        yield from check.here(site, schema, site.evaluated)


def _any_of(check: _Validation, site: Site, wanted: list[object]) -> Iterator[Problem]:
    found: list[list[Problem]] = []
    for schema in wanted:
        found.append(check.failures(site, schema))
        if not found[-1] and site.evaluated is None:
            return
    if all(found):
        yield from _closest(site, found)


def _one_of(check: _Validation, site: Site, wanted: list[object]) -> Iterator[Problem]:
    found = [check.failures(site, schema) for schema in wanted]
    fitting = sum(not one for one in found)
    if fitting > 1:
        yield Problem(site.path, "fits more than one of the alternatives", "oneOf")
    elif not fitting:
        yield from _closest(site, found)


def _closest(site: Site, found: list[list[Problem]]) -> Iterator[Problem]:
    """The problems of the alternative that was meant: the only one of the value's own type, and
    whose constants it has."""
    meant = [one for one in found if not any(_is_another(site, problem) for problem in one)]
    if len(meant) == 1:
        yield from meant[0]
    else:
        yield Problem(site.path, "fits none of the alternatives", "anyOf")


def _is_another(site: Site, problem: Problem) -> bool:
    if problem.path == site.path:
        return problem.keyword in {"type", "const", "enum", "false"}
    return problem.keyword == "const"


def _not(check: _Validation, site: Site, wanted: object) -> Iterator[Problem]:
    if next(check.here(site, wanted), None) is None:
        yield Problem(site.path, "is not allowed", "not")


def _if(check: _Validation, site: Site, wanted: object) -> Iterator[Problem]:
    branch = site.schema.get("then" if check.fits(site, wanted) else "else", True)
    yield from check.here(site, branch, site.evaluated)


# --------------------------------------------------------------------------------- its members


def _properties(check: _Validation, site: Site, wanted: dict[str, object]) -> Iterator[Problem]:
    if not isinstance(site.value, dict):
        return
    # The smaller side: a list of a thousand objects meets a schema of a thousand names.
    ours, theirs = sorted((cast("dict[str, object]", site.value), wanted), key=len)
    check.budget.spend(len(ours) // _NAMES_A_STEP)
    for name in ours:
        if name in theirs:
            yield from check.inside(site, wanted[name], name)


def _pattern_properties(
    check: _Validation, site: Site, wanted: dict[str, object]
) -> Iterator[Problem]:
    for name in _names(site):
        check.budget.spend()
        for pattern, schema in wanted.items():
            if check.matches(pattern, name):
                yield from check.inside(site, schema, name)


def _additional_properties(check: _Validation, site: Site, wanted: object) -> Iterator[Problem]:
    named: dict[str, object] = site.schema.get("properties", {})
    patterns: dict[str, object] = site.schema.get("patternProperties", {})
    for name in _names(site):
        check.budget.spend()
        if name not in named and not any(check.matches(pattern, name) for pattern in patterns):
            yield from check.inside(site, wanted, name)


def _property_names(check: _Validation, site: Site, wanted: object) -> Iterator[Problem]:
    for name in _names(site):
        found = check.of(wanted, name, (*site.path, name), None, site.depth + 1)
        for problem in found:
            yield problem._replace(reason=f"the name {problem.reason}")


def _required(check: _Validation, site: Site, wanted: list[str]) -> Iterator[Problem]:
    if isinstance(site.value, dict):
        yield from _missing(check, site, wanted, "required")


def _dependent_required(
    check: _Validation, site: Site, wanted: dict[str, list[str]]
) -> Iterator[Problem]:
    for name in _present(check, site, wanted):
        yield from _missing(check, site, wanted[name], "dependentRequired")


def _missing(check: _Validation, site: Site, wanted: list[str], keyword: str) -> Iterator[Problem]:
    check.budget.spend(1 + len(wanted) // _NAMES_A_STEP)
    for name in wanted:
        if name not in cast("dict[str, object]", site.value):
            yield Problem((*site.path, name), "is required", keyword)


def _dependent_schemas(
    check: _Validation, site: Site, wanted: dict[str, object]
) -> Iterator[Problem]:
    for name in _present(check, site, wanted):
        yield from check.here(site, wanted[name], site.evaluated)


def _present(check: _Validation, site: Site, wanted: dict[str, Any]) -> Iterator[str]:
    """The names of ``wanted`` that the value has."""
    check.budget.spend(len(wanted) // _NAMES_A_STEP)
    if isinstance(site.value, dict):
        given = cast("dict[str, object]", site.value)
        yield from (name for name in wanted if name in given)


def _prefix_items(check: _Validation, site: Site, wanted: list[object]) -> Iterator[Problem]:
    for index in _indexes(site)[: len(wanted)]:
        yield from check.inside(site, wanted[index], index)


def _items(check: _Validation, site: Site, wanted: object) -> Iterator[Problem]:
    for index in _indexes(site)[len(site.schema.get("prefixItems", ())) :]:
        yield from check.inside(site, wanted, index)


def _contains(check: _Validation, site: Site, wanted: object) -> Iterator[Problem]:
    if not isinstance(site.value, list):
        return
    items = cast("list[object]", site.value)
    least, most = site.schema.get("minContains", 1), site.schema.get("maxContains")
    fitting = 0
    for index, item in enumerate(items):
        found = check.of(wanted, item, (*site.path, index), None, site.depth + 1)
        if next(found, None) is None:
            fitting += 1
            if site.evaluated is not None:
                site.evaluated.add(index)
    if fitting < least:
        yield Problem(site.path, "has too few items of the kind that is needed", "contains")
    if most is not None and fitting > most:
        yield Problem(site.path, "has too many items of one kind", "maxContains")


def _unevaluated(check: _Validation, site: Site, keyword: str) -> Iterator[Problem]:
    assert site.evaluated is not None
    members = _indexes(site) if keyword == "unevaluatedItems" else _names(site)
    for member in members:
        check.budget.spend()
        if member not in site.evaluated:
            yield from check.inside(site, site.schema[keyword], member)


def _names(site: Site) -> list[str]:
    return [*cast("dict[str, object]", site.value)] if isinstance(site.value, dict) else []


def _indexes(site: Site) -> range:
    return range(len(cast("list[object]", site.value)) if isinstance(site.value, list) else 0)


_APPLICATORS: Final[dict[str, _Applicator]] = {
    "$dynamicRef": _ref,
    "$ref": _ref,
    "additionalProperties": _additional_properties,
    "allOf": _all_of,
    "anyOf": _any_of,
    "contains": _contains,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
    "enum": _enum,
    "if": _if,
    "items": _items,
    "not": _not,
    "oneOf": _one_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "prefixItems": _prefix_items,
    "properties": _properties,
    "propertyNames": _property_names,
    "required": _required,
}
KEYWORDS: Final = frozenset({*ASSERTIONS, *_APPLICATORS, *_UNEVALUATED})
"""Every keyword that a value is judged by, with ``then`` and ``else`` beside ``if``."""
