"""JSON that is dear to read: frames of a socket and bodies of HTTP, up to the longest."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator

from tests.hostile.case import Case
from tests.hostile.guest import Guest, frame
from tests.hostile.texts import (
    CONTENT_BYTES,
    FRAME_BYTES,
    filled,
    fitted,
    harmless,
    nested,
    repeated,
)

ROOM = FRAME_BYTES - 1_000
"""What a field may hold, beside the rest of the frame."""
_VALUES = (
    *("1e300,", "4e-324,", "-1.7976931348623157e308,", "0,", "-1e1,", "null,", '"",', '"a",'),
    *("[],", "{},", '{"a":1},', "[[[[]]]],"),
)
_DIGITS = ("1", "9", "0", "1e", "1.", "-", "+", "e9")
_IN_TEXTS = (
    "\\u0041", "\\u0001", "\\ud83d\\ude00", "\\ud83d", '\\"', "\\\\", "\\n", "\\/",
    "é", "😀", "\u202e", "\u0301", "\ufeff", "\x7f", "\u2028",
)  # fmt: skip
_IN_TOKENS = (".", "a.", "a.a.", "eyJ", "eyJhbGciOiJIUzI1NiJ9.", "=", "-", "W1tbW1tbW1tb", "%00")
_ENVELOPES = (
    '{"type":"ping","x":@}',
    '{"type":"submit","id":"s","user_chat_id":"CHAT","component_id":"c","values":{"a":@}}',
    '{"type":"open","after":@}',
)
_BODIES = {"messages": '{"content":"x","x":@}', "components/c": '{"values":{"a":@}}'}


def hostile() -> Iterator[Case]:
    """Each value in each place that takes it."""
    for name, value in _values():
        for envelope in _ENVELOPES:
            yield Case("256 KiB", f"{name} in {envelope[:20]}", _posting(envelope, value))
        for path, body in _BODIES.items():
            yield Case("a body of 256 KiB", f"{name} to {path}", _sending(path, body, value))
    for name, text in repeated(_IN_TEXTS, CONTENT_BYTES):
        said = fitted(text, CONTENT_BYTES)
        content = f'{{"type":"send","id":"s","user_chat_id":"CHAT","content":"{said}"}}'
        yield Case("32 KiB", f"{name} as content", functools.partial(_post, content))
    for name, text in repeated(_IN_TOKENS, ROOM):
        for kind in ("auth", "hello"):
            sent = frame(type=kind, token=text, protocol="chatstream.v1")
            yield Case("256 KiB", f"{name} as token", functools.partial(_post, sent))
    for field in ("id", "user_chat_id", "component_id", "message_id", "type"):
        sent = {"type": "submit", "id": "s", field: "a" * ROOM}
        yield Case("256 KiB", f"a long {field}", functools.partial(_post, json.dumps(sent)))


def harmless_ones() -> Iterator[Case]:
    """Words of the same sizes in the same places."""
    words = f'"{harmless(ROOM)}"'
    for envelope in _ENVELOPES:
        yield Case("256 KiB", f"words in {envelope[:20]}", _posting(envelope, words))
    for path, body in _BODIES.items():
        yield Case("a body of 256 KiB", f"words to {path}", _sending(path, body, words))
    content = (
        f'{{"type":"send","id":"s","user_chat_id":"CHAT","content":"{harmless(CONTENT_BYTES)}"}}'
    )
    yield Case("32 KiB", "words as content", functools.partial(_post, content))


def _values() -> Iterator[tuple[str, str]]:
    for unit in _VALUES:
        yield f"many {unit}", f"[{filled(unit, ROOM - 8 - (ROOM - 8) % len(unit))}0]"
    for name, text in repeated(_DIGITS, ROOM):
        yield f"digits: {name}", text
    for name, text in repeated(_IN_TEXTS, ROOM - 8):
        yield f"a text: {name}", f'"{fitted(text, ROOM - 8)}"'
    for depth in (30, 1_000, ROOM // 2):
        yield from nested("[", "]", depth)
        yield from nested('{"a":', "}", depth // 5)
    yield "many names", "{" + ",".join(f'"n{i}":0' for i in range(ROOM // 12)) + "}"
    yield "one name again and again", "{" + ",".join('"n":0' for _ in range(ROOM // 6)) + "}"
    yield "a long name", f'{{"{"n" * (ROOM - 10)}":0}}'
    yield "blanks", " " * (ROOM - 1) + "0"
    yield "line ends", "[" + "\n" * (ROOM - 3) + "]"


def _posting(envelope: str, value: str):
    return functools.partial(_post, envelope.replace("@", value))


async def _post(text: str, guest: Guest) -> None:
    await guest.post(text.replace("CHAT", await guest.open()))


def _sending(path: str, body: str, value: str):
    return functools.partial(_send, path, body.replace("@", value))


async def _send(path: str, body: str, guest: Guest) -> None:
    chat, given = await guest.open(), body.encode("utf-8", "surrogatepass")
    head = (
        f"POST /api/v1/chats/{chat}/{path} HTTP/1.1\r\nHost: {guest.server.host}\r\n"
        "Authorization: Bearer @TOKEN@\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(given)}\r\nConnection: close\r\n\r\n"
    )
    await guest.ask(head.encode() + given)
