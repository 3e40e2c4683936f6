"""An error in the log: its kind and place, those of its inner errors and causes, and its words
only where the operator wants them."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable

import pytest

from chatstream.errors import (
    MOST_ERRORS,
    MOST_FRAMES,
    AgentError,
    ConfigurationError,
    original_of,
    wordless,
)
from chatstream.server.logs import (
    MOST_ERROR_CHARACTERS,
    JsonLines,
    TextLines,
    configure,
    on_uncaught,
)

WORDS = "what somebody said"


def raised(function: Callable[[], object]) -> BaseException:
    try:
        function()
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError("it raised nothing")


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(wordless(error)))


def first_inner() -> None:
    raise ValueError(WORDS)


def second_inner() -> None:
    try:
        first_inner()
    except ValueError as error:
        raise KeyError(WORDS) from error


def group_of(*errors: BaseException) -> BaseExceptionGroup:
    return BaseExceptionGroup(WORDS, errors)


def test_a_group_shows_the_kinds_and_places_of_its_errors():
    told = shown(group_of(raised(first_inner), raised(second_inner)))
    assert WORDS not in told
    for kind in ("ExceptionGroup (2 sub-exceptions)", "ValueError", "KeyError"):
        assert f"Wordless: {kind}" in told or f"WordlessGroup: {kind}" in told
    for place in ("in first_inner", "in second_inner", "direct cause"):
        assert place in told


async def test_a_task_group_shows_where_its_tasks_raised():
    async def work() -> None:
        first_inner()

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work())
    assert "in first_inner" in shown(caught.value)


def test_a_group_of_what_is_no_exception_is_shown_as_well():
    inner = group_of(raised(lambda: sys.exit(WORDS)))
    told = shown(group_of(inner, KeyboardInterrupt()))
    assert "SystemExit" in told
    assert "KeyboardInterrupt" in told
    assert WORDS not in told


def test_what_was_handled_meanwhile_is_shown_unless_it_was_left_out():
    def replaced() -> None:
        try:
            first_inner()
        except ValueError:
            raise KeyError(WORDS)  # noqa: B904 - that is the case

    def left_out() -> None:
        try:
            first_inner()
        except ValueError:
            raise KeyError(WORDS) from None

    assert "ValueError" in shown(raised(replaced))
    assert "ValueError" not in shown(raised(left_out))


def test_many_errors_are_bounded():
    wide = group_of(*(raised(first_inner) for _ in range(1000)))
    assert shown(wide).count("Wordless: ValueError") == 8
    assert "992 more" in shown(wide)
    deep: BaseException = ValueError(WORDS)
    for _ in range(500):
        deep = group_of(deep, *(ValueError(WORDS) for _ in range(20)))
    cause: BaseException = ValueError(WORDS)
    for _ in range(500):
        after = ValueError(WORDS)
        after.__cause__ = cause
        cause = after
    for error in (deep, cause):
        assert shown(error).count("Wordless") <= 2 * MOST_ERRORS


def test_causes_that_go_in_a_circle_come_to_an_end():
    one, other = ValueError(WORDS), KeyError(WORDS)
    one.__cause__, other.__cause__ = other, one
    assert shown(one).count("Wordless: ") == MOST_ERRORS


def test_endless_recursion_shows_its_end():
    def there() -> None:
        back()

    def back() -> None:
        there()

    told = shown(raised(there))
    assert told.count(" in there") + told.count(" in back") == MOST_FRAMES


def test_what_quotes_nobody_keeps_its_words():
    for error in (AgentError("the rule"), ConfigurationError("the rule")):
        assert f"{type(error).__name__}: the rule" in shown(error)


def test_the_error_itself_is_found_again():
    error, group = ValueError(WORDS), group_of(ValueError(WORDS))
    assert original_of(wordless(error)) is original_of(error) is error
    assert original_of(wordless(group)) is group


# -- the log of a server -------------------------------------------------------------------


@pytest.fixture
def record() -> logging.LogRecord:
    error = wordless(group_of(raised(second_inner)))
    return logging.LogRecord(
        "chatstream.x", 40, "x", 1, "agent raised", (), (type(error), error, error.__traceback__)
    )


@pytest.mark.parametrize("form", [JsonLines, TextLines])
def test_words_are_logged_only_where_they_are_wanted(form: type, record: logging.LogRecord):
    assert WORDS not in form().format(record)
    told = form(shows_words=True).format(record)
    assert told.count(WORDS) == 3
    assert "in second_inner" in told
    assert "Wordless" not in told


@pytest.mark.parametrize("form", [JsonLines, TextLines])
def test_the_error_of_another_library_has_no_words_either(form: type):
    error = raised(first_inner)
    record = logging.LogRecord("asyncio", 40, "x", 1, "x", (), (type(error), error, None))
    assert WORDS not in form().format(record)
    assert "ValueError" in form().format(record)
    assert WORDS in form(shows_words=True).format(record)


def test_words_have_an_end():
    error = wordless(ValueError("x" * 1_000_000))
    record = logging.LogRecord("x", 40, "x", 1, "x", (), (type(error), error, None))
    line = json.loads(JsonLines(shows_words=True).format(record))
    assert len(line["error"]) == MOST_ERROR_CHARACTERS + 1


def test_a_record_without_an_error_shows_none():
    record = logging.LogRecord("x", 40, "x", 1, "x", (), (None, None, None))
    assert TextLines().format(record) == "ERROR x: x"


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks of the process are put back."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)


@pytest.mark.usefixtures("process")
@pytest.mark.parametrize("errors", ["place", "full"])
def test_the_process_logs_errors_as_it_is_set(errors: str, monkeypatch: pytest.MonkeyPatch):
    given: list[logging.Handler] = []
    monkeypatch.setattr(logging, "basicConfig", lambda **named: given.extend(named["handlers"]))
    configure("json", errors)
    (handler,) = given
    error = wordless(raised(first_inner))
    record = logging.LogRecord("x", 40, "x", 1, "x", (), (type(error), error, None))
    assert (WORDS in handler.format(record)) == (errors == "full")


@pytest.mark.usefixtures("process")
def test_what_a_thread_or_a_clean_up_raises_is_logged_by_its_place(
    caplog: pytest.LogCaptureFixture,
):
    configure("text")
    for function in (first_inner, sys.exit):
        thread = threading.Thread(target=function)
        thread.start()
        thread.join()

    class Unclean:
        def __del__(self) -> None:
            first_inner()

    Unclean()
    threading.excepthook(threading.ExceptHookArgs((ValueError, None, None, None)))
    messages = [one.getMessage() for one in caplog.records]
    assert messages == ["a thread raised", "raised in a clean-up"]
    assert "in first_inner" in caplog.text
    assert WORDS not in caplog.text


async def test_what_nobody_awaited_is_logged_by_its_place(caplog: pytest.LogCaptureFixture):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(on_uncaught)
    loop.call_soon(first_inner)
    loop.call_exception_handler({"message": f"a sentence\nfuture: {WORDS}"})
    await asyncio.sleep(0)
    assert WORDS not in caplog.text
    assert "a sentence" in caplog.text
    assert "in first_inner" in caplog.text
