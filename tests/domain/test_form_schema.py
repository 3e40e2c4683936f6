"""What a form's schema may say, what it means, and which field is to blame."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from chatstream.domain.form_schema.budget import Budget
from chatstream.domain.form_schema.canonical import canonical
from chatstream.domain.form_schema.formats import FORMATS
from chatstream.domain.form_schema.references import BadSchema
from chatstream.domain.form_schema.validation import problems
from chatstream.domain.form_schema.well_formed import refuse_bad_schema
from chatstream.domain.user_chat.forms import check_schema, check_values
from chatstream.domain.user_chat.state import ShownComponent
from chatstream.errors import Refused
from chatstream.ids import IntentId


def reasons(schema: Any, values: Any) -> dict[str, str]:
    component = ShownComponent("cmp_1", IntentId("intent_1"), "form", schema=schema)
    try:
        check_values(component, values)
    except Refused as refusal:
        return refusal.fields or {}
    return {}


def refusal_of(schema: Any) -> str:
    with pytest.raises(Refused) as refused:
        check_schema(schema)
    assert refused.value.code == "invalid_content"
    return refused.value.message


# ------------------------------------------------------- the same verdict as the reference library


NAMES = st.sampled_from(["a", "b", "ab", "é"])
NUMBERS = st.sampled_from([0, 1, 1.0, 2, 3, -1, 0.5, 2**53 + 1, float(2**53), 1e300])
TEXTS = st.sampled_from(["", "a", "ab", "b1", "é😀", "a@b.example", "2026-11-23"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
COUNTS = st.sampled_from([0, 1, 2, 3, 2.0])
TYPES = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
PATTERNS = st.sampled_from(["a", "^a", "b$", "^[a-c]+$", "[0-9]", "^(a|b)*$", ""])
ASSERTIONS = st.one_of(
    st.fixed_dictionaries({"type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True)}),
    st.fixed_dictionaries({"const": VALUES}),
    st.fixed_dictionaries({"enum": st.lists(VALUES, min_size=1, max_size=4)}),
    st.fixed_dictionaries({"pattern": PATTERNS}),
    st.fixed_dictionaries({"format": st.sampled_from([*FORMATS, "unknown"])}),
    st.fixed_dictionaries({"multipleOf": st.sampled_from([1, 2, 0.5])}),
    st.fixed_dictionaries({"uniqueItems": st.booleans()}),
    st.fixed_dictionaries({"required": st.lists(NAMES, max_size=2)}),
    st.fixed_dictionaries(
        {"dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2), max_size=2)}
    ),
    *[
        st.fixed_dictionaries({keyword: COUNTS})
        for keyword in [
            "maxItems",
            "maxLength",
            "maxProperties",
            "minItems",
            "minLength",
            "minProperties",
            "maximum",
            "minimum",
            "exclusiveMaximum",
            "exclusiveMinimum",
        ]
    ],
)
REFERENCES = st.sampled_from(["#/$defs/first", "#/$defs/second", "#second", "#/$defs/first/x/y"])


def _applicators(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        *[
            st.fixed_dictionaries({keyword: inner})
            for keyword in [
                "additionalProperties",
                "items",
                "not",
                "propertyNames",
                "unevaluatedItems",
                "unevaluatedProperties",
            ]
        ],
        *[
            st.fixed_dictionaries({name: some})
            for name in ("allOf", "anyOf", "oneOf", "prefixItems")
        ],
        st.fixed_dictionaries({"properties": st.dictionaries(NAMES, inner, max_size=3)}),
        st.fixed_dictionaries({"patternProperties": st.dictionaries(PATTERNS, inner, max_size=2)}),
        st.fixed_dictionaries({"dependentSchemas": st.dictionaries(NAMES, inner, max_size=2)}),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
        st.fixed_dictionaries(
            {"contains": inner}, optional={"minContains": COUNTS, "maxContains": COUNTS}
        ),
        st.fixed_dictionaries({"$ref": REFERENCES}),
    )


def _together(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {keyword: value for part in parts for keyword, value in part.items()}


SCHEMAS = st.recursive(
    st.booleans() | ASSERTIONS,
    lambda inner: st.lists(ASSERTIONS | _applicators(inner), min_size=1, max_size=4).map(_together),
    max_leaves=12,
)


def _document(schema: Any, first: Any, second: Any) -> dict[str, Any]:
    """A schema whose references lead somewhere, and never back to the same value."""
    first = first if isinstance(first, dict) else {"items": first}
    second = second if isinstance(second, dict) else {"items": second}
    return {
        "allOf": [schema],
        "$defs": {
            "first": {**first, "x": {"y": {"properties": {"a": {"$ref": "#/$defs/second"}}}}},
            "second": {**second, "$anchor": "second"},
        },
    }


DOCUMENTS = st.builds(_document, SCHEMAS, SCHEMAS, SCHEMAS)


def _expected(schema: dict[str, Any], value: Any) -> bool:
    formats = FormatChecker(formats=())
    for name, check in FORMATS.items():
        formats.checks(name, raises=ValueError)(
            lambda text, check=check: not isinstance(text, str) or check(text)
        )
    return Draft202012Validator(schema, format_checker=formats).is_valid(value)


@settings(deadline=None, max_examples=200)
@given(schema=DOCUMENTS, value=VALUES)
def test_the_verdict_is_that_of_the_reference_library(schema: dict[str, Any], value: Any) -> None:
    try:
        refuse_bad_schema(schema, Budget())
    except BadSchema as refused:
        assert "applies itself" in str(refused)  # noqa: PT017 - the only reason that is made here
        return
    verdict = next(problems(schema, value, Budget()), None) is None
    assert verdict == _expected(schema, value)


# ----------------------------------------------------------------------------- equality of values


@given(left=VALUES, right=VALUES)
def test_values_are_equal_where_json_schema_says_so(left: Any, right: Any) -> None:
    equal = canonical(left, Budget()) == canonical(right, Budget())
    assert equal == Draft202012Validator({"const": left}).is_valid(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        (2**53 + 2, float(2**53 + 2)),
        (0, -0.0),
        ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1}),
        (10**400, 10**400),
    ],
)
def test_a_number_is_the_same_however_it_is_written(left: Any, right: Any) -> None:
    assert canonical(left, Budget()) == canonical(right, Budget())


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (0, False),
        (None, "null"),
        ("1", 1),
        ([], {}),
        ("[]", []),
        (2**53, 2**53 + 1),
        (2**53 + 1, float(2**53)),
        (10**400, 10**400 + 1),
        (0.5, 0.25),
    ],
)
def test_what_only_python_takes_for_equal_is_not(left: Any, right: Any) -> None:
    assert canonical(left, Budget()) != canonical(right, Budget())
    assert canonical([left], Budget()) != canonical([right], Budget())


# ------------------------------------------------------------------------- the field that is wrong


ADDRESS = {
    "type": "object",
    "required": ["street"],
    "properties": {"street": {"type": "string", "maxLength": 5}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "values", "wrong"),
    [
        ({"additionalProperties": False}, {"x": 1}, {"x": "is not allowed"}),
        ({"properties": {"x": False}}, {"x": 1}, {"x": "is not allowed"}),
        ({"patternProperties": {"^x": False}}, {"xy": 1, "y": 1}, {"xy": "is not allowed"}),
        ({"unevaluatedProperties": False}, {"x": 1}, {"x": "is not allowed"}),
        ({"required": ["x", "y"]}, {"x": 1}, {"y": "is required"}),
        ({"required": ["x", "y"]}, {}, {"x": "is required", "y": "is required"}),
        ({"dependentRequired": {"x": ["y"]}}, {"x": 1}, {"y": "is required"}),
        ({"dependentSchemas": {"x": {"required": ["y"]}}}, {"x": 1}, {"y": "is required"}),
        (
            {"propertyNames": {"maxLength": 2}},
            {"xyz": 1},
            {"xyz": "the name has more than 2 characters"},
        ),
        ({"properties": {"to": ADDRESS}}, {"to": {}}, {"to.street": "is required"}),
        (
            {"properties": {"to": ADDRESS}},
            {"to": {"street": "Elm", "zip": 1}},
            {"to.zip": "is not allowed"},
        ),
        (
            {"properties": {"to": {"items": {"$ref": "#/$defs/a"}}}, "$defs": {"a": ADDRESS}},
            {"to": [{"street": "Elm"}, {"street": "Broadway"}]},
            {"to.1.street": "has more than 5 characters"},
        ),
        (
            {"properties": {"to": {"anyOf": [ADDRESS, {"type": "null"}]}}},
            {"to": {"street": 5}},
            {"to.street": "is not of type string"},
        ),
        (
            {"properties": {"to": {"anyOf": [ADDRESS, {"type": "null"}]}}},
            {"to": 5},
            {"to": "fits none of the alternatives"},
        ),
        (
            {"properties": {"age": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}},
            {"age": "old"},
            {"age": "fits none of the alternatives"},
        ),
        (
            {
                "oneOf": [
                    {"properties": {"pet": {"const": "cat"}, "lives": {"maximum": 9}}},
                    {"properties": {"pet": {"const": "dog"}}},
                ]
            },
            {"pet": "cat", "lives": 10},
            {"lives": "is more than 9"},
        ),
        (
            {"properties": {"x": {"oneOf": [{"minimum": 1}, {"maximum": 5}]}}},
            {"x": 3},
            {"x": "fits more than one of the alternatives"},
        ),
        ({"properties": {"x": {"not": {"type": "null"}}}}, {"x": None}, {"x": "is not allowed"}),
        ({"properties": {"x": {"const": True}}}, {"x": False}, {"x": "is not true"}),
        ({"properties": {"x": {"const": None}}}, {"x": 1}, {"x": "is not null"}),
        ({"properties": {"x": {"const": 2**70}}}, {"x": 1}, {"x": "is not what the form says"}),
        ({"properties": {"x": {"enum": ["a"]}}}, {"x": "b"}, {"x": "is none of the choices"}),
        (
            {"properties": {"x": {"type": ["null", "array"]}}},
            {"x": 1},
            {"x": "is not of type null or array"},
        ),
        ({"properties": {"x": {"format": "date"}}}, {"x": "soon"}, {"x": "is not a valid date"}),
        ({"properties": {"x": {"pattern": "^a"}}}, {"x": "b"}, {"x": "does not match '^a'"}),
        ({"properties": {"x": {"uniqueItems": True}}}, {"x": [1, 1.0]}, {"x": "has an item twice"}),
        (
            {"properties": {"x": {"exclusiveMinimum": 1.5}}},
            {"x": 1.5},
            {"x": "is not more than 1.5"},
        ),
        (
            {"properties": {"x": {"contains": {"const": 1}}}},
            {"x": [2]},
            {"x": "has too few items of the kind that is needed"},
        ),
        (
            {"properties": {"x": {"contains": {"const": 1}, "maxContains": 1}}},
            {"x": [1, 1]},
            {"x": "has too many items of one kind"},
        ),
    ],
)
def test_the_field_that_is_wrong_is_named_with_the_reason(
    schema: dict[str, Any], values: dict[str, Any], wrong: dict[str, str]
) -> None:
    check_schema(schema)
    assert reasons(schema, values) == wrong


def test_the_first_reason_of_a_field_is_told() -> None:
    schema = {"properties": {"x": {"minLength": 3, "pattern": "^b"}}}
    assert reasons(schema, {"x": "a"}) == {"x": "has fewer than 3 characters"}


def test_twenty_fields_are_named_and_no_more() -> None:
    fields = reasons({"additionalProperties": False}, {f"x{i}": i for i in range(100)})
    assert [*fields] == [f"x{i}" for i in range(20)]


def test_no_reason_and_no_name_grows_with_what_was_sent() -> None:
    schema = {
        "properties": {
            "x": {"enum": ["a" * 9_000]},
            "y": {"pattern": "b" * 900},
            "z": {"const": "c" * 9_000},
        },
        "additionalProperties": False,
    }
    check_schema(schema)
    fields = reasons(schema, {"x": "d" * 9_000, "y": "", "z": ["e"] * 9_000, "n" * 9_000: 1})
    assert len(fields) == 4
    assert all(len(name) <= 200 and len(reason) <= 200 for name, reason in fields.items())


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        ({"multipleOf": 0.1}, 0.1 + 0.2, True),
        ({"multipleOf": 1e-8}, 12391239123, True),
        ({"multipleOf": 0.5}, 10**400, True),
        ({"multipleOf": 0.3}, 10**400, False),
        ({"multipleOf": 3}, 10**400, False),
        ({"multipleOf": 1e-308}, 1.5, True),
        ({"multipleOf": 7}, 1.3e308, False),
        ({"maximum": 1e308}, 10**400, False),
        ({"minimum": 1e308}, 10**400, True),
        ({"type": "integer"}, 10**400, True),
        ({"type": "integer"}, True, False),
        ({"format": "email"}, "a" * 4_096 + "@b", False),
        ({"format": "uri"}, "http://[", False),
        ({"format": "date"}, 7, True),
        ({"format": "date-time"}, "2026-11-23T10:00", True),
        ({"pattern": r"^\u00e9\d$"}, "é1", True),
        ({"pattern": "^a$"}, "a\n", False),
        ({"pattern": "^(a|b)*$"}, "ab" * 200, False),
        ({"pattern": "a"}, "\ud800", False),
        ({"$ref": "#a", "items": True, "$defs": {"b": {"$anchor": "a"}}}, 1, True),
        ({"contains": {"const": 1}, "unevaluatedItems": False}, [1, 1], True),
        ({"contains": {"const": 1}, "unevaluatedItems": False}, [1, 2], False),
        ({"multipleOf": 2.5}, 10**400, True),
        (
            {"$dynamicRef": "#one", "$defs": {"a": {"$dynamicAnchor": "one", "type": "null"}}},
            1,
            None,
        ),
    ],
)
def test_what_the_reference_library_sees_differently(
    schema: dict[str, Any], value: Any, fits: bool | None
) -> None:
    found = [*problems(schema, value, Budget())]
    assert (not found) is bool(fits)


OF_ONE_TYPE = {
    "additionalProperties": False,
    "contains": False,
    "dependentRequired": {"a": ["b"]},
    "dependentSchemas": {"a": False},
    "exclusiveMinimum": 9,
    "items": False,
    "maxItems": 0,
    "maxLength": 0,
    "maxProperties": 0,
    "multipleOf": 9,
    "pattern": "a",
    "patternProperties": {"a": False},
    "prefixItems": [False],
    "properties": {"a": False},
    "propertyNames": False,
    "required": ["a"],
    "unevaluatedItems": False,
    "unevaluatedProperties": False,
    "uniqueItems": True,
}


def test_a_keyword_of_one_type_says_nothing_of_others() -> None:
    for keyword, wanted in OF_ONE_TYPE.items():
        check_schema({keyword: wanted})
        assert reasons({"properties": {"x": {keyword: wanted}}}, {"x": None}) == {}, keyword
    assert reasons({"properties": {"x": {"uniqueItems": False}}}, {"x": [1, 1]}) == {}


# ------------------------------------------------------------------ what a schema may not say


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"pattern": "(?=a)b"}, "pattern: invalid perl operator: (?=; the syntax is that of RE2"),
        ({"pattern": r"(a)\1"}, r"pattern: invalid escape sequence: \1"),
        ({"pattern": "("}, "pattern: missing )"),
        ({"pattern": "\ud800"}, "pattern: lone surrogates"),
        ({"pattern": "a" * 1_001}, "pattern: a pattern may have 1000 characters"),
        ({"pattern": r"(\pL.)" * 160}, "pattern: pattern too large"),
        ({"patternProperties": {"(?!a)": {}}}, "patternProperties: invalid perl operator"),
        (
            {"$ref": "https://example.com/schema"},
            "$ref: the reference 'https://example.com/schema' leads out",
        ),
        ({"$ref": "other.json#/a"}, "leads out of the schema"),
        ({"$ref": "#/$defs/a"}, "leads to nothing"),
        ({"$ref": "#a"}, "leads to nothing"),
        ({"$ref": "#/allOf/7", "allOf": [{}]}, "leads to nothing"),
        ({"$ref": "#/allOf/x", "allOf": [{}]}, "leads to nothing"),
        ({"$ref": "#/title/x", "title": "a"}, "leads to nothing"),
        (
            {"$ref": "#/title", "title": "a"},
            "#/title: a schema (an object, true or false) is needed",
        ),
        (
            {"properties": {"x": {"$id": "a"}}},
            "properties.x: only the whole schema may have an $id",
        ),
        ({"properties": {"x": 1}}, "properties.x: a schema (an object, true or false) is needed"),
        ({"properties": []}, "properties: an object of schemas is needed"),
        ({"items": [{}]}, "items: a schema (an object, true or false) is needed"),
        ({"allOf": []}, "allOf: a list of schemas is needed"),
        ({"allOf": {}}, "allOf: a list of schemas is needed"),
        ({"required": True}, "required: a list of texts is needed"),
        ({"required": [1]}, "required: a list of texts is needed"),
        ({"dependentRequired": {"a": "b"}}, "dependentRequired: an object of lists of texts"),
        ({"type": "text"}, "type: one or several of array, boolean, integer,"),
        ({"type": []}, "type: one or several of"),
        ({"type": [[]]}, "type: one or several of"),
        ({"enum": {}}, "enum: a list is needed"),
        ({"minLength": -1}, "minLength: a whole number from 0 on is needed"),
        ({"minLength": True}, "minLength: a whole number from 0 on is needed"),
        ({"maximum": "9"}, "maximum: a number is needed"),
        ({"multipleOf": 0}, "multipleOf: a number above 0 is needed"),
        ({"uniqueItems": 1}, "uniqueItems: true or false is needed"),
        ({"format": 1}, "format: a text is needed"),
        ({"$ref": 1}, "$ref: a text is needed"),
        ({"$ref": "#"}, "it applies itself"),
        ({"anyOf": [{"properties": {}}, {"not": {"$ref": "#"}}]}, "it applies itself"),
        ({"$defs": {"a": {"if": {"$ref": "#/$defs/a"}}}}, "it applies itself"),
        ({"enum": [*range(20_000)]}, "it is too large to be checked"),
        ({"properties": {f"p{i}": {} for i in range(20_000)}}, "it is too large to be checked"),
        ({"properties": {"x" * 900: {"properties": {"y" * 900: 1}}}}, "…: a schema"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_the_place_and_the_reason(
    schema: dict[str, Any], reason: str
) -> None:
    said = refusal_of(schema)
    assert said.startswith("the schema of the form cannot be used: ")
    assert reason in said
    assert len(said) <= 500


def test_a_value_may_pass_through_thirty_schemas_and_not_through_more() -> None:
    def chain(length: int) -> dict[str, Any]:
        links = {f"c{i}": {"$ref": f"#/$defs/c{i + 1}"} for i in range(length)}
        return {"$ref": "#/$defs/c0", "$defs": {**links, f"c{length}": {"required": ["x"]}}}

    check_schema(chain(29))
    assert reasons(chain(29), {}) == {"x": "is required"}
    assert "applies itself, or too many schemas" in refusal_of(chain(40))
    inner_ones_first = {"$defs": chain(40)["$defs"]}
    assert "applies itself, or too many schemas" in refusal_of(inner_ones_first)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"$id": "https://example.com/form", "$ref": "#/$defs/a", "$defs": {"a": True}},
        {
            "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}},
            "$ref": "#/$defs/node",
        },
        {"$ref": "#/allOf/0", "allOf": [{"title": "a"}]},
        {"$ref": "#/$defs/a%20b~1c", "$defs": {"a b/c": {}}},
        {"pattern": r"^[\w.+-]+@\w+\.\w{2,}$", "format": "of our own", "x-order": 7},
        {"properties": {"size": {"oneOf": [{"const": i, "title": f"{i}"} for i in range(1_000)]}}},
        {"properties": {"zone": {"enum": [f"Area/City_{i}" for i in range(5_000)]}}},
    ],
)
def test_a_schema_of_an_honest_form_is_taken(schema: dict[str, Any] | None) -> None:
    check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"pattern": "(?=a)"}, ""),
        ({"properties": {"x": {"pattern": "(?=a)"}}}, "the form's schema cannot be used: invalid"),
        ({"$ref": "https://example.com"}, "the form's schema cannot be used: the reference"),
        ({"patternProperties": []}, "the form's schema cannot be used: AttributeError"),
        ({"required": 1}, "the form's schema cannot be used: TypeError"),
        ({"properties": {"x": {"multipleOf": 0}}}, ""),
        ({"properties": {"x": {"type": "text"}}}, "the form's schema cannot be used: KeyError"),
        ({"$ref": "#"}, "the form holds too much to be checked"),
    ],
)
def test_a_form_that_an_older_version_stored_breaks_nothing(
    schema: dict[str, Any], said: str
) -> None:
    assert reasons(schema, {"x": "b"}).get("", "").startswith(said)
