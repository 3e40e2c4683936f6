"""No log of the server has an error's words: they may quote what people said."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatstream

SOURCES = Path(chatstream.__file__).parent
# Its words are those of whoever runs it: it is no server.
CLIENT = SOURCES / "client"
ERRORS = {"error", "failure", "fault", "refusal", "refused", "doubt", "lost", "gone"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
# What is told in an error's own words, and why these quote nobody.
QUOTES_NOBODY = {
    "agent broke its contract: %s%s",  # names of types and fields, and a place in its file
    "CHATSTREAM_JWKS cannot be read, the known keys stay: %s",  # of a document of public keys
    "the database takes no write: %s",  # a probe that holds nothing
    "an erasure left copies in the file for now: %s",  # SQLite quotes no values
    "the database does not take %d appends: %s",  # SQLite quotes no values
}
MODULES = sorted(path for path in SOURCES.rglob("*.py") if CLIENT not in path.parents)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_traceback_is_logged_without_its_errors_words(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [call.lineno for call in log_calls(tree) if tells_words(call)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_line_tells_the_kind_of_an_error(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    quoting = {message_of(call) for call in log_calls(tree) if has_error(call)}
    assert quoting <= QUOTES_NOBODY


def test_an_error_in_a_line_would_be_seen():
    assert [has_error(call) for call in log_calls(ast.parse("log.info('%s', error)"))] == [True]


@pytest.mark.parametrize(
    "line",
    [
        "log.exception('it failed')",
        "log.error('it failed', exc_info=True)",
        "_log.debug('it failed', exc_info=error)",
    ],
)
def test_a_traceback_with_words_would_be_seen(line: str):
    assert [tells_words(call) for call in log_calls(ast.parse(line))] == [True]


def log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"log", "_log"}
        ):
            yield node


def tells_words(call: ast.Call) -> bool:
    assert isinstance(call.func, ast.Attribute)
    told = next((one.value for one in call.keywords if one.arg == "exc_info"), None)
    if told is None:
        return call.func.attr == "exception"
    return not ast.unparse(told).startswith("wordless(")


def has_error(call: ast.Call) -> bool:
    return any(isinstance(one, ast.Name) and one.id in ERRORS for one in call.args)


def message_of(call: ast.Call) -> str:
    return str(ast.literal_eval(call.args[0]))
