"""The dearest schemas and values that are legal, for each keyword: what the bound must hold for.

A value comes in a frame of at most 256 KiB, a schema in a step of at most 4 MiB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

FRAME_BYTES = 256 * 1024
STEP_BYTES = 4 * 1024 * 1024
MANY = 9_900
"""Nearly as many values as a form may hold."""
SAME_HASH = 2**61 - 1
"""Multiples of it have one hash, as numbers of Python."""


class DearCase(NamedTuple):
    name: str
    schema: dict[str, Any]
    values: dict[str, Any]


def worst_cases() -> Iterator[DearCase]:
    """Each with a schema that may be refused when the form is made."""
    for name, schema, value in _of_a_field():
        case = DearCase(name, {"properties": {"x": schema}}, {"x": value})
        assert len(json.dumps(case.values, ensure_ascii=False).encode()) <= FRAME_BYTES, name
        assert len(json.dumps(case.schema).encode()) <= STEP_BYTES, name
        yield case
    yield from _of_the_whole()


def _of_a_field() -> Iterator[tuple[str, Any, Any]]:
    letters = "a" * 255_000
    wrong = ["wrong"] * MANY
    numbers = [number * 1.1 for number in range(MANY)]
    mixed = [([], {}, 1, "1", True, None, 1.5)[i % 7] if i < 7 else f"{i}" for i in range(MANY)]
    names = {f"name_{i}": i for i in range(MANY)}
    twins = [SAME_HASH * (2**60 + i) for i in range(MANY // 2)]
    digits = [10**3900 + i for i in range(60)]
    huge = [1.7e308 - i * 1e300 for i in range(MANY)]
    tree: Any = "leaf"
    for _ in range(28):
        tree = [tree, tree] if len(json.dumps(tree)) < 60_000 else [tree]

    yield "enum in items", {"items": {"enum": [f"c{i}" for i in range(200)]}}, wrong
    yield "enum of many", {"items": {"enum": [f"c{i}" for i in range(100_000)]}}, wrong
    yield "enum of numbers with one hash", {"enum": twins}, SAME_HASH
    yield "enum of large objects", {"items": {"enum": [{"a": [i] * 99} for i in range(200)]}}, wrong
    yield (
        "enum of long texts",
        {"items": {"enum": ["x" * 1000 + str(i) for i in range(3000)]}},
        wrong,
    )
    yield "const of a large list", {"items": {"const": list(range(10_000))}}, [wrong[:4000]] * 2
    yield "const many times", {"allOf": [{"const": "b" * 100_000}] * 30}, letters
    yield "enum of a long text many times", {"allOf": [{"enum": ["b"]}] * 5000}, letters
    yield "uniqueItems, mixed", {"uniqueItems": True}, mixed
    yield "uniqueItems, numbers with one hash", {"uniqueItems": True}, twins
    yield "uniqueItems, many digits", {"uniqueItems": True}, digits
    yield "uniqueItems, large floats", {"uniqueItems": True}, huge
    yield "uniqueItems, lists", {"uniqueItems": True}, [[[i]] for i in range(MANY // 3)]
    yield "uniqueItems at each level", {"allOf": [{"uniqueItems": True}] * 1000}, mixed
    for pattern in PATTERNS:
        texts = [text * (255 // len(text)) + "!" for text in ("a", "ab", "é", " ", "a ")] * 140
        yield f"pattern {pattern[:20]}", {"items": {"pattern": pattern}}, texts
    yield "pattern on a long text", {"pattern": r"^(\w+\s?)*$"}, letters
    yield "many patterns", {"allOf": [{"pattern": f"a{{900}}{i}"} for i in range(5000)]}, "a" * 256
    yield "patternProperties", {"patternProperties": {f"^n.*{i}$": {} for i in range(300)}}, names
    yield (
        "additionalProperties beside patterns",
        {"patternProperties": {f"^{i}.*$": {} for i in range(300)}, "additionalProperties": False},
        names,
    )
    yield "propertyNames", {"propertyNames": {"pattern": r"^(\w+\s?)*!$", "maxLength": 2}}, names
    for name in ("date", "time", "date-time", "email", "uri", "idn-email", "regex", "ipv6"):
        for text in (letters, "1" * 4096, "a." * 2048, "http://" + "ﷺ" * 4000, "-" * 4096):
            yield f"format {name}", {"allOf": [{"format": name}] * 4000}, text
        yield f"format {name} in items", {"items": {"format": name}}, wrong
    yield "multipleOf of huge numbers", {"items": {"multipleOf": 1e-300}}, huge
    yield "multipleOf of many digits", {"items": {"multipleOf": 7e-308}}, digits
    yield "multipleOf of numbers", {"items": {"multipleOf": 0.7}}, numbers
    yield "multipleOf, many digits, many times", {"allOf": [{"multipleOf": 0.3}] * 5000}, digits[0]
    yield "maximum of many digits", {"allOf": [{"maximum": 1.5}] * 5000}, digits[0]
    for keyword in ("minimum", "exclusiveMaximum", "exclusiveMinimum"):
        yield f"{keyword} in items", {"items": {keyword: 1e308}}, huge
    for keyword in ("minLength", "maxLength"):
        yield f"{keyword} in items", {"items": {keyword: 4}}, wrong
    for keyword in ("minItems", "maxItems"):
        yield f"{keyword} in items", {"items": {keyword: 1}}, [[]] * MANY
    for keyword in ("minProperties", "maxProperties"):
        yield f"{keyword} in items", {"items": {keyword: 1}}, [{}] * MANY
    yield "type in items", {"items": {"type": ["integer", "null", "array"]}}, wrong
    yield "type many times", {"allOf": [{"type": "integer"}] * 10_000}, letters
    yield "required in items", {"items": {"required": [f"r{i}" for i in range(5000)]}}, [{}] * MANY
    yield (
        "properties in items",
        {"items": {"properties": {f"p{i}": {} for i in range(5000)}}},
        [{"a": 1}] * (MANY // 2),
    )
    yield "properties", {"properties": {f"name_{i}": {"type": "null"} for i in range(5000)}}, names
    yield "no additionalProperties", {"additionalProperties": False}, names
    yield "additionalProperties", {"additionalProperties": {"type": "string"}}, names
    yield (
        "dependentRequired",
        {"dependentRequired": {f"name_{i}": ["x"] * 9 for i in range(4000)}},
        names,
    )
    yield (
        "dependentSchemas",
        {"dependentSchemas": {f"name_{i}": {"minProperties": 9e9} for i in range(4000)}},
        names,
    )
    yield "prefixItems", {"prefixItems": [{"type": "null"}] * 6000}, wrong
    yield "items", {"items": False}, wrong
    yield "contains", {"contains": {"type": "null"}, "minContains": 9}, wrong
    yield "contains many times", {"allOf": [{"contains": {"const": None}}] * 1000}, wrong
    yield "not in items", {"items": {"not": {"type": "string"}}}, wrong
    yield "anyOf in items", {"items": {"anyOf": [{"const": i} for i in range(500)]}}, wrong
    yield "oneOf in items", {"items": {"oneOf": [{"const": i} for i in range(500)]}}, wrong
    yield "allOf in items", {"items": {"allOf": [{"type": "null"}] * 500}}, wrong
    yield "if in items", {"items": {"if": {"type": "null"}, "else": {"type": "null"}}}, wrong
    yield "unevaluatedItems", {"unevaluatedItems": False}, wrong
    yield "unevaluatedProperties", {"unevaluatedProperties": {"type": "null"}}, names
    yield (
        "unevaluatedProperties, many branches",
        {
            "anyOf": [{"properties": {f"name_{i}": {}}} for i in range(3000)],
            "unevaluatedProperties": False,
        },
        names,
    )
    yield "unevaluatedProperties, nested", _nested_unevaluated(14), names
    yield "unevaluatedItems, nested", _nested_unevaluated_items(14), wrong
    yield "many unknown keywords", {"items": {f"x-{i}": 1 for i in range(20_000)}}, wrong
    yield "a deep tree", {"$ref": "#/properties/x/$defs/t", "$defs": {"t": _tree()}}, tree


PATTERNS = (
    r"^(a+)+$",
    r"^(\w+\s?)*$",
    "(a?){900}a{90}",
    "(a|b)*a" + "(a|b)" * 150,
    "|".join(f".*{chr(97 + i % 26)}{i}" for i in range(150)),
    "(?i)" + "[^a]" * 240 + "$",
    r"(\pL|\pN|\pP|\pS)" * 20 + "!",
    r"[\pL\pN]{1,100}$",
    r"(\pL.)" * 160,
    "(" * 400 + "a" + ")*" * 300 + ")" * 100,
    ".*" * 450 + "!",
    r"^(?:[a-z]{1,30}\.){1,30}$",
)


def _tree() -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, {"items": {"$ref": "#/properties/x/$defs/t"}}]}


def _nested_unevaluated(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"properties": {"name_1": True}, "unevaluatedProperties": {}}
    for level in range(levels):
        schema = {
            "anyOf": [schema, {"properties": {f"name_{level}": True}}],
            "unevaluatedProperties": True,
        }
    return schema


def _nested_unevaluated_items(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"prefixItems": [True], "unevaluatedItems": True}
    for _ in range(levels):
        schema = {"if": schema, "then": schema, "unevaluatedItems": True}
    return schema


def _of_the_whole() -> Iterator[DearCase]:
    yield DearCase("many values", {"type": "object"}, {"x": [0] * 120_000})
    yield DearCase("many empty lists", {"type": "object"}, {"x": [[] for _ in range(80_000)]})
    yield DearCase("no schema at all", {}, {"x": "a" * 255_000})
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield DearCase(f"{keyword} by reference", _doubling(keyword), {"x": 1})
    for keyword in ("not", "if", "then", "else", "items", "contains", "additionalProperties"):
        yield DearCase(f"a circle of {keyword}", {keyword: {"$ref": "#"}}, {"x": {"x": [1]}})
    yield DearCase("a circle", {"$ref": "#"}, {"x": 1})
    yield DearCase("a chain of references", _chain(6000), {"x": 1})
    yield DearCase("references to anchors", _anchors(3000), {"x": 1})
    yield DearCase("long references", {"allOf": [{"$ref": "#" + "/a" * 100_000}] * 9}, {"x": 1})
    yield DearCase(
        "a long name that is forbidden", {"additionalProperties": False}, {"n" * 250_000: 1}
    )
    yield DearCase(
        "many long names that are forbidden",
        {"additionalProperties": False},
        {f"{i}{'n' * 2_400}": 1 for i in range(100)},
    )
    yield DearCase("many properties", {"properties": {f"p{i}": {} for i in range(200_000)}}, {})
    yield DearCase("a long description", {"description": "d" * 4_000_000}, {"x": 1})


def _doubling(keyword: str) -> dict[str, Any]:
    """Thirty levels, each of which refers to the next one twice: 2³⁰ checks."""
    return {
        "$ref": "#/$defs/d0",
        "$defs": {
            **{f"d{i}": {keyword: [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(30)},
            "d30": {"required": ["y"]},
        },
    }


def _chain(length: int) -> dict[str, Any]:
    return {
        "$ref": "#/$defs/c0",
        "$defs": {
            **{f"c{i}": {"$ref": f"#/$defs/c{i + 1}"} for i in range(length)},
            f"c{length}": {"required": ["y"]},
        },
    }


def _anchors(number: int) -> dict[str, Any]:
    return {
        "allOf": [{"$ref": f"#a{i}"} for i in range(number)],
        "$defs": {f"d{i}": {"$anchor": f"a{i}"} for i in range(number)},
    }
