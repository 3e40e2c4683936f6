"""How large a step may be."""

from __future__ import annotations

import sys
from time import thread_time

import pytest

from chatstream.domain.steps import Form, Thinking, ToolResult
from chatstream.errors import StepRefused
from chatstream.turns.step_checks import MOST_CONTAINERS, checked


def table_of(rows: int) -> ToolResult:
    return ToolResult("call_1", ok=True, result=[{} for _ in range(rows)])


def test_a_step_holds_so_many_objects_and_arrays_and_no_more():
    largest = table_of(MOST_CONTAINERS - 2)
    assert checked(largest).step == largest
    with pytest.raises(StepRefused) as refused:
        checked(table_of(MOST_CONTAINERS - 1))
    assert refused.value.code == "too_large"


def test_brackets_in_a_text_are_no_objects():
    log = Thinking("log", "[{" * MOST_CONTAINERS)
    assert checked(log).step == log


def test_a_form_of_very_many_fields_is_refused_at_once():
    form = Form("A form", {"properties": {f"p{number}": {} for number in range(200_000)}})
    assert min(seconds_for(form) for _ in range(4)) < (0.15 if sys.gettrace() is None else 0.5)


def seconds_for(form: Form) -> float:
    """The processor's time until it is refused."""
    begun_at = thread_time()
    with pytest.raises(StepRefused):
        checked(form)
    return thread_time() - begun_at
