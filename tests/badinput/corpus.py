"""Bad messages and bad bytes by class: what is sent, and nothing about what comes back."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator

CHAT = "@CHAT@"
"""Stands for a chat of the sender's own."""
TYPES = (
    "hello", "open", "send", "submit", "cancel", "retry", "resume", "abandon", "close", "leave",
    "auth", "ping",
)  # fmt: skip
WRONG = (
    None, True, 0, -1, 1.5, 2**53 + 1, 2**63, "", "x" * 65, "../../etc/passwd", "%2e%2e", "' or 1=1",  # noqa: E501
    "{{7*7}}", "__proto__", "constructor", "a\x00b", "\u202eabc", "\ufffe", "\r\n\x1b[2J", "CHAT_1",
    [], {}, [[]], {"a": {"b": 1}},
)  # fmt: skip
FIELDS = {
    "hello": ("protocol", "token", "batch"),
    "open": ("id", "user_chat_id", "after", "after_event", "last"),
    "send": ("id", "user_chat_id", "content", "user_intent_id", "new_intent"),
    "submit": ("id", "user_chat_id", "component_id", "values"),
    "cancel": ("id", "user_chat_id", "turn"),
    "retry": ("id", "user_chat_id", "message_id"),
    "resume": ("id", "user_chat_id", "user_intent_id"),
    "abandon": ("id", "user_chat_id", "user_intent_id"),
    "close": ("id", "user_chat_id"),
    "leave": ("user_chat_id",),
    "auth": ("token",),
    "ping": ("nonce",),
}


def messages() -> Iterator[str | bytes]:
    """Messages that are bad, each as a text or a binary one."""
    yield from _json_forms()
    yield from _numbers()
    yield from _depths()
    yield from _texts()
    yield from _wrong_fields()


def _json_forms() -> Iterator[str | bytes]:
    yield from ("", " ", "\ufeff{}", "{", "}", "[]", "null", "1", '"ping"', "true", "{}", "{} {}")
    yield from ('{"type":"ping"}x', '{"type":"ping",}', "{'type':'ping'}", "/**/{}", '{"type":}')
    yield from ('{"type":"ping","type":"no"}', '{"type":null}', '{"type":["ping"]}', '{"t":1}')
    yield from (b"", b"\x00", b'{"type":"ping"}', os.urandom(64), b"\xff\xfe")
    yield from (json.dumps({"type": kind}) for kind in ("", "Ping", "x" * 5000, "__proto__"))


def _numbers() -> Iterator[str]:
    values = ("NaN", "Infinity", "-Infinity", "1e999", "-0", "1e2", "9" * 400, "0x1", "01", "-1")
    for value in values:
        yield f'{{"type":"open","user_chat_id":"{CHAT}","after":{value}}}'
        yield f'{{"type":"submit","id":"n","user_chat_id":"{CHAT}","component_id":"c","values":{{"a":{value}}}}}'  # noqa: E501


def _depths() -> Iterator[str]:
    for depth in (31, 32, 33, 64, 1000, 100_000):
        yield '{"type":"ping","x":' + "[" * depth + "]" * depth + "}"
        yield '{"type":"ping","x":' + "[" * depth
        yield '{"type":"ping","x":' + '{"a":' * min(depth, 20_000) + "1" + "}" * min(depth, 20_000)


def _texts() -> Iterator[str]:
    for text in ("\\u0000", "\\ud800", "\\udc00\\ud800", "\\uZZZZ", "\\x", "\x01", "\n"):
        yield f'{{"type":"send","id":"t","user_chat_id":"{CHAT}","content":"{text}"}}'
        yield f'{{"type":"ping","nonce":"{text}"}}'
        yield f'{{"type":"open","id":"{text}"}}'
    yield f'{{"type":"send","id":"t","user_chat_id":"{CHAT}","content":"{"x" * 32_769}"}}'


def _wrong_fields() -> Iterator[str]:
    for kind, fields in FIELDS.items():
        for name in fields:
            for wrong in WRONG:
                if not (kind == "close" and name == "id" and wrong in WRONG[:0]):
                    yield json.dumps({**_good(kind), name: wrong})
            yield json.dumps({key: one for key, one in _good(kind).items() if key != name})


def _good(kind: str) -> dict[str, object]:
    """Well-formed; names things that do not exist, so that nothing comes to an end by it."""
    fields: dict[str, object] = dict.fromkeys(FIELDS[kind], "nothing")
    fields |= {"type": kind, "values": {}} if kind == "submit" else {"type": kind}
    if kind == "open":
        return {"type": "open", "id": "o", "user_chat_id": CHAT, "after": 0}
    if "new_intent" in fields:
        fields["new_intent"] = False
    return fields


def frame(
    payload: bytes, opcode: int = 1, *, fin: bool = True, masked: bool = True, rsv: int = 0
) -> bytes:
    """A WebSocket frame as it travels."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        head = bytes((first, bit | size))
    elif size < 65_536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not masked:
        return head + payload
    return head + b"\x01\x02\x03\x04" + bytes(b ^ (i % 4 + 1) for i, b in enumerate(payload))


def broken_framing() -> dict[str, tuple[bytes, set[int]]]:
    """Bytes after the upgrade, and the close codes that are right."""
    ping = b'{"type":"ping"}'
    split = "é".encode()
    return {
        "unmasked": (frame(ping, masked=False), {1002}),
        **{f"rsv {bits}": (frame(ping, rsv=bits), {1002}) for bits in (1, 2, 4, 7)},
        **{f"opcode {code}": (frame(ping, code), {1002}) for code in (3, 7, 11, 15)},
        "stray continuation": (frame(ping, 0), {1002}),
        "text within a message": (frame(b"{", fin=False) + frame(b"}"), {1002}),
        "fragmented ping": (frame(b"x", 9, fin=False), {1002}),
        "long ping": (frame(b"x" * 126, 9), {1002}),
        "close of one byte": (frame(b"\x03", 8), {1002}),
        **{
            f"close {code}": (frame(struct.pack("!H", code), 8), {1002})
            for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)
        },
        "close with a bad reason": (frame(b"\x03\xe8\xff\xfe", 8), {1002, 1007}),
        "invalid utf-8": (frame(b"\xc3\x28"), {1007}),
        "overlong utf-8": (frame(b"\xc0\xaf"), {1007}),
        "surrogate in utf-8": (frame(b"\xed\xa0\x80"), {1007}),
        "invalid utf-8 over fragments": (
            frame(split[:1], fin=False) + frame(b"x", 0),
            {1007},
        ),
        "declared 2^63": (bytes((0x81, 0xFF)) + b"\xff" * 8 + b"\x01\x02\x03\x04", {1002, 1009}),
        "declared too large": (struct.pack("!BBQ", 0x81, 0xFF, 2**40) + b"\1\2\3\4", {1009}),
        "fragments too large": (
            frame(b"x" * 200_000, fin=False) + frame(b"x" * 200_000, 0),
            {1009},
        ),
        "no hello": (frame(ping), {4400}),
    }
