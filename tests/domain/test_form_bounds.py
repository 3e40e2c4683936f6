"""Nothing that a user or an agent sends holds the event loop for more than 50 ms."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from tests.domain.form_worst_cases import DearCase, worst_cases

from chatstream.domain.form_schema.budget import STEPS, Budget, BudgetExceeded
from chatstream.domain.form_schema.patterns import warm_up
from chatstream.domain.user_chat.forms import MOST_VALUES, check_schema, check_values
from chatstream.domain.user_chat.state import ShownComponent
from chatstream.errors import Refused
from chatstream.ids import IntentId

MOST_SECONDS = 0.05
TRACED = 5  # how much slower Python is while its coverage is measured
TRIES = 4  # the machine may be busy with something else


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    warm_up()


def seconds(work: Callable[[], object]) -> float:
    """The processor's time that ``work`` takes."""
    before = time.thread_time()
    work()
    return time.thread_time() - before


def is_quick(work: Callable[[], object]) -> bool:
    most = MOST_SECONDS * (TRACED if sys.gettrace() is not None else 1)
    return any(seconds(work) < most for _ in range(TRIES))


def refused(work: Callable[[], object]) -> dict[str, str]:
    try:
        work()
    except Refused as refusal:
        return refusal.fields or {"": refusal.message}
    return {}


def test_the_dearest_forms_are_checked_in_time_and_answered_in_few_words() -> None:
    assert [fault for case in worst_cases() for fault in faults(case)] == []


def faults(case: DearCase) -> Iterator[str]:
    component = ShownComponent("cmp_1", IntentId("intent_1"), "form", schema=case.schema)
    checks: dict[str, Callable[[], None]] = {
        "schema": lambda: check_schema(case.schema),
        "values": lambda: check_values(component, case.values),
    }
    for name, check in checks.items():
        fields = refused(check)
        if len(fields) > 20 or len(json.dumps(fields)) > 20_000:
            yield f"{case.name}: the {name} are answered at length"
        if not is_quick(lambda check=check: refused(check)):
            yield f"{case.name}: the {name} take too long"


def test_a_form_of_many_values_is_checked_and_one_of_too_many_is_refused() -> None:
    component = ShownComponent("cmp_1", IntentId("intent_1"), "form", schema={"type": "object"})
    check_values(component, {"x": [0] * (MOST_VALUES - 2)})
    said = refused(lambda: check_values(component, {"x": [0] * (MOST_VALUES - 1)}))
    assert said == {"": "the form holds more than 10000 values"}


def test_a_table_of_two_hundred_rows_is_within_the_bound() -> None:
    row = {
        "type": "object",
        "required": ["name", "count"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": r"^[\w ]+$"},
            "count": {"type": "integer", "minimum": 0, "maximum": 99},
            "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            "size": {"enum": ["small", "medium", "large"]},
        },
        "additionalProperties": False,
    }
    schema = {"type": "object", "properties": {"rows": {"type": "array", "items": row}}}
    rows = [
        {"name": f"Row number {i}", "count": i % 99, "day": None, "size": "small"}
        for i in range(200)
    ]
    check_schema(schema)
    component = ShownComponent("cmp_1", IntentId("intent_1"), "form", schema=schema)
    check_values(component, {"rows": rows})


def test_a_budget_is_spent_step_by_step() -> None:
    budget = Budget(3)
    budget.spend()
    budget.spend(2)
    with pytest.raises(BudgetExceeded):
        budget.spend()
    assert Budget().left == STEPS
