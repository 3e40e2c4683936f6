"""From the text of a message to a client frame, or to what is wrong with it. Pure.

Any text may come. What cannot be a frame is answered with the ids it named, where those are
valid, so that a client can tell which of its commands was meant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

from chatstream.errors import CODES, Code, Refused
from chatstream.ids import is_id
from chatstream.protocol.content import (
    MAX_CONTAINERS,
    MAX_DEPTH,
    refuse_content,
    refuse_shape,
    refuse_unstorable,
)
from chatstream.protocol.frames import CLIENT_TYPES, ClientFrame, Send, Submit
from chatstream.protocol.numbers import finite

_decoder = msgspec.json.Decoder(ClientFrame, float_hook=finite)


class BadFrame(Struct, frozen=True):
    """A message that is refused; the ids are those it named, if they are valid."""

    id: str | None
    user_chat_id: str | None
    code: Code
    message: str


class _Named(Struct, frozen=True):
    """What a message calls itself, and nothing else made of it."""

    type: Raw = Raw(b"")
    id: Raw = Raw(b"")
    user_chat_id: Raw = Raw(b"")


_named_decoder = msgspec.json.Decoder(_Named)


def decode(text: str, max_content_bytes: int) -> ClientFrame | BadFrame:
    """The frame in ``text``; never raises. ``content`` is limited in bytes of UTF-8."""
    try:
        frame = _decoded(text)
        _refuse_content(frame, max_content_bytes)
    except Refused as refused:
        return _bad(text, refused)
    return frame


def _decoded(text: str) -> ClientFrame:
    # Hardly any frame has so many brackets at all.
    if _brackets(text) > MAX_DEPTH:
        refuse_shape(_to_bytes(text))
    try:
        return cast("ClientFrame", _decoder.decode(text))
    except msgspec.ValidationError as error:
        # Its text names fields and types, and never a value but that of an unknown ``type``.
        raise Refused("invalid_frame", _shown(error)) from None
    except (ValueError, RecursionError):
        raise Refused("invalid_frame", "the message is not valid JSON") from None


def _shown(error: msgspec.ValidationError) -> str:
    text = str(error)
    return "`type` must be the name of a frame" if text.endswith("`$.type`") else text


def _refuse_content(frame: ClientFrame, max_content_bytes: int) -> None:
    match frame:
        case Send(content=content):
            refuse_content(content, max_content_bytes)
        case Submit(values=values):
            refuse_unstorable(values)
        case _:
            pass


def _bad(text: str, refused: Refused) -> BadFrame:
    """Look at the message once more for what the client calls it."""
    fields = _fields(text)
    frame_type = fields.get("type")
    code, message = refused.code, refused.message
    if code == "invalid_frame" and isinstance(frame_type, str) and frame_type not in CLIENT_TYPES:
        code, message = "unknown_type", CODES["unknown_type"][1]
    chat_id = _valid_id(fields.get("user_chat_id"))
    return BadFrame(_valid_id(fields.get("id")), chat_id, code, message)


def _fields(text: str) -> Mapping[str, object]:
    """Those of ``_Named``, and perhaps others."""
    try:
        named = _named_decoder.decode(text)
        raw = {name: bytes(getattr(named, name)) for name in named.__struct_fields__}
        return {name: msgspec.json.decode(one) for name, one in raw.items() if one[:1] == b'"'}
    except (ValueError, RecursionError):
        return _fields_of_odd_json(text)


def _fields_of_odd_json(text: str) -> Mapping[str, object]:
    # The standard library takes what msgspec refuses (lone surrogates, NaN): the id is wanted
    # all the same. Digits become floats, which have no limit of length. It makes all that the
    # message holds, which must not be more than is read at once.
    if _brackets(text) > MAX_CONTAINERS:
        return {}
    try:
        document: object = json.loads(text, parse_int=float)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _brackets(text: str) -> int:
    """No fewer than the objects and arrays in it. Counting runs at the speed of C."""
    return text.count("{") + text.count("[")


def _valid_id(value: object) -> str | None:
    return value if isinstance(value, str) and is_id(value) else None


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
