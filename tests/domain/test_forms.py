"""The server's validator against the verdicts that the browser's is held to as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatstream.domain.user_chat.forms import check_values
from chatstream.domain.user_chat.state import ShownComponent
from chatstream.errors import Refused
from chatstream.ids import IntentId

FIXTURES = json.loads((Path(__file__).parents[1] / "golden" / "forms.json").read_text())


def cases() -> list[Any]:
    return [
        pytest.param(form["schema"], case["values"], case["wrong"], id=f"{form['name']}: {number}")
        for form in FIXTURES
        for number, case in enumerate(form["cases"])
    ]


@pytest.mark.parametrize(("schema", "values", "wrong"), cases())
def test_the_fields_that_are_wrong_are_those_of_the_file(
    schema: dict[str, Any], values: dict[str, Any], wrong: list[str]
) -> None:
    assert wrong_fields(schema, values) == set(wrong)


def wrong_fields(schema: dict[str, Any], values: dict[str, Any]) -> set[str]:
    component = ShownComponent("cmp_1", IntentId("intent_1"), "form", schema=schema)
    try:
        check_values(component, values)
    except Refused as refusal:
        return set(refusal.fields or {})
    return set()


@pytest.mark.parametrize("value", ["seven", True])
def test_only_a_number_can_be_no_multiple(value: object) -> None:
    schema = {"type": "object", "properties": {"n": {"multipleOf": 2}}}
    assert wrong_fields(schema, {"n": value}) == set()
    assert wrong_fields(schema, {"n": 3}) == {"n"}
