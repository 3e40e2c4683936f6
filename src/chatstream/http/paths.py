"""Paths as they were sent.

The framework routes by a path that is decoded already, and takes a slash too many away: what
somebody named by ``/alice``, ``alice/`` or an empty id would come in as ``alice``, or as the whole
list. So each segment is looked at in its raw form, and decoded once.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast
from urllib.parse import quote, unquote_to_bytes

from litestar.handlers import BaseRouteHandler

from chatstream.errors import Refused
from chatstream.http.caller import AnyConnection
from chatstream.protocol.content import is_storable

NAMES_A_USER: Final = "chatstream_names_a_user"
"""In a handler's ``opt``: its path ends with a user id, which it takes by ``user_named``."""

_USERS: Final = "/users/"
_BAD_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_WHY_NOT: Final = (
    "the path names no user: percent-encode the id once, with its slashes, and leave nothing empty"
)


def refuse_odd_path(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """A guard: refuses a path in which a segment is empty, is one of dots, or hides a slash. None
    of these is an id, and the framework would take it for another path.

    Raises:
        Refused: ``not_found``.
    """
    if NAMES_A_USER in handler.opt:
        return
    for segment in _raw_path(connection).split("/")[1:]:
        text = _decoded(segment)
        if text is None or "/" in text:
            raise Refused("not_found")


def user_named(connection: AnyConnection, prefix: str) -> str:
    """The user id at the end of ``{prefix}/users/…``, decoded once. A slash within it may be
    written as it is: proxies decode it.

    Raises:
        Refused: ``invalid_frame`` for what names nobody exactly.
    """
    _, marker, named = _raw_path(connection).partition(f"{prefix}{_USERS}")
    texts = [_decoded(segment) for segment in named.split("/")]
    user_id = "/".join(text for text in texts if text is not None)
    if not marker or None in texts or not is_storable(user_id):
        raise Refused("invalid_frame", _WHY_NOT)
    return user_id


def _raw_path(connection: AnyConnection) -> str:
    raw = cast("dict[str, Any]", connection.scope).get("raw_path")
    if not raw:  # a server that does not tell it
        return quote(connection.scope["path"])
    return cast("bytes", raw).decode("latin-1").partition("?")[0]


def _decoded(segment: str) -> str | None:
    """What one segment of a raw path says; None if it says nothing, or nothing certain."""
    if segment in {"", ".", ".."} or _BAD_ESCAPE.search(segment):
        return None
    try:
        return unquote_to_bytes(segment.encode("latin-1")).decode()
    except UnicodeDecodeError:
        return None
