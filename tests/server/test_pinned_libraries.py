"""What we use of uvicorn and websockets that they do not promise: told by name when it moves.

The server subclasses private classes of both. `pyproject.toml` bounds their versions from above;
whoever raises a bound runs this first, and reads in the message what has to be looked at.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from importlib.metadata import requires, version
from pathlib import Path

import pytest
import uvicorn
from packaging.requirements import Requirement
from packaging.version import Version
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.server import ServerProtocol

from chatstream.server.uvicorn_server import Server
from chatstream.server.uvicorn_socket import SocketProtocol

PROJECT = next(
    line for line in Path("pyproject.toml").read_text().splitlines() if line.startswith("name = ")
).split('"')[1]
OVERRIDDEN = [
    (ours, name)
    for ours, theirs in ((Server, uvicorn.Server), (SocketProtocol, WebSocketsSansIOProtocol))
    for name in vars(ours)
    if inspect.isfunction(vars(ours)[name]) and hasattr(theirs, name) and name != "__init__"
]
ATTRIBUTES = {
    WebSocketsSansIOProtocol: {
        "conn", "close_timeout", "writable", "transport", "queue", "close_sent", "read_paused",
        "close_timer", "loop", "handshake_initiated", "handshake_complete", "scope",
    },
    H11Protocol: {"cycle", "flow", "timeout_keep_alive_task", "transport"},
    RequestResponseCycle: {"response_complete", "more_body"},
    uvicorn.Server: {"servers", "server_state", "should_exit", "force_exit", "config"},
    ServerProtocol: {"logger", "debug", "state"},
}  # fmt: skip


@pytest.mark.parametrize("library", ["uvicorn", "websockets"])
def test_the_installed_version_is_within_its_bounds_and_there_is_an_upper_one(library):
    needs = [Requirement(line) for line in requires(PROJECT) or ()]
    (need,) = [one for one in needs if one.name == library and one.marker is None]
    assert Version(version(library)) in need.specifier
    assert any(one.operator in {"<", "<=", "~=", "=="} for one in need.specifier), need


@pytest.mark.parametrize(
    ("ours", "name"), OVERRIDDEN, ids=[f"{ours.__name__}.{name}" for ours, name in OVERRIDDEN]
)
def test_what_we_override_is_still_there_and_takes_the_same_arguments(ours, name):
    theirs = getattr(super(ours, ours), name)
    mine = inspect.signature(getattr(ours, name))
    assert list(mine.parameters) == list(inspect.signature(theirs).parameters)
    assert inspect.iscoroutinefunction(getattr(ours, name)) == inspect.iscoroutinefunction(theirs)


@pytest.mark.parametrize("theirs", ATTRIBUTES, ids=[one.__name__ for one in ATTRIBUTES])
def test_each_attribute_that_we_read_or_set_is_set_by_the_library(theirs):
    assert ATTRIBUTES[theirs] <= _attributes_of(theirs), f"{theirs.__name__} has changed"


def test_every_overridden_method_exists_in_the_library():
    names = {name for ours, name in OVERRIDDEN if ours is SocketProtocol}
    assert names >= {
        "connection_made", "connection_lost", "handle_connect", "run_asgi", "resume_writing",
        "handle_ping", "handle_pong", "handle_close", "handle_parser_exception",
        "keepalive_timeout", "shutdown",
    }  # fmt: skip
    names = {name for ours, name in OVERRIDDEN if ours is Server}
    assert names >= {"capture_signals", "handle_exit", "on_tick", "shutdown"}


def test_what_uvicorn_logs_of_peers_is_worded_as_our_filter_knows_it():
    source = "".join(
        Path(inspect.getfile(one)).read_text() for one in (WebSocketsSansIOProtocol, H11Protocol)
    )
    for words in ('%s - "WebSocket %s', "Invalid UTF-8", "Invalid HTTP request"):
        assert re.search(re.escape(words), source), words


def _attributes_of(theirs: type) -> set[str]:
    """Names that the class or its bases set on ``self``, declare, or define."""
    found: set[str] = set()
    for one in theirs.__mro__[:-1]:
        found |= set(vars(one)) | set(getattr(one, "__annotations__", {}))
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
        except (OSError, TypeError):
            continue
        found |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        }
    return found
