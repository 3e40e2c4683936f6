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


HELLO = json.dumps({"type": "hello", "protocol": "chatstream.v1", "token": "@TOKEN@"})


def odd_framing(hello: bytes) -> dict[str, bytes]:
    """Bytes that say `hello` in ways that are odd and right: each is welcome."""
    middle = len(hello) // 2
    return {
        "a frame a byte": b"".join(
            frame(hello[at : at + 1], 0 if at else 1, fin=at == len(hello) - 1)
            for at in range(len(hello))
        ),
        "empty continuations": frame(b"", fin=False)
        + frame(hello, 0, fin=False)
        + frame(b"", 0, fin=False) * 50
        + frame(b"", 0),
        "a ping within a message": frame(hello[:middle], fin=False)
        + frame(b"x", 9)
        + frame(hello[middle:], 0),
        "pongs that nobody asked for": frame(b"", 10) * 20 + frame(hello),
        "the longest ping": frame(b"x" * 125, 9) + frame(hello),
    }


def floods(hello: bytes) -> dict[str, tuple[bytes, set[int]]]:
    """Too much of what is allowed, and the close codes that are right."""
    return {
        "a flood of pings": (frame(hello) + frame(b"", 9) * 2000, {4429}),
        "a flood of pongs": (frame(hello) + frame(b"", 10) * 2000, {4429}),
        "close, then data": (
            frame(hello) + frame(struct.pack("!H", 1000), 8) + frame(b"{}") * 100,
            {1000},
        ),
        "a second hello": (frame(hello) * 3 + frame(struct.pack("!H", 1000), 8), {1000}),
    }


def handshakes(host: str) -> dict[str, tuple[bytes, set[int]]]:
    """Heads of an upgrade, and the statuses that are right."""

    def head(*lines: str, version: str = "13", key: str = "dGhlIHNhbXBsZSBub25jZQ==") -> bytes:
        known = ("GET /api/v1/chat/ws/chat HTTP/1.1", f"Host: {host}", "Upgrade: websocket")
        more = ("Connection: Upgrade", f"Sec-WebSocket-Version: {version}")
        given = (f"Sec-WebSocket-Key: {key}",) if key else ()
        return "\r\n".join((*known, *more, *given, *lines, "", "")).encode("latin-1")

    own = f"Origin: http://{host}"
    return {
        "nothing odd": (head(), {101}),
        "own origin": (head(own), {101}),
        "null origin": (head("Origin: null"), {403}),
        "evil origin": (head("Origin: https://evil.example"), {403}),
        "own origin as a prefix": (head(f"{own}.evil.example"), {403}),
        "own origin twice": (head(own, own), {403}),
        "empty origin": (head("Origin:"), {403}),
        "no key": (head(key=""), {400, 426}),
        "a bad key": (head(key="short"), {400}),
        "two keys": (head("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), {400}),
        "version 8": (head(version="8"), {400, 426}),
        "an unknown subprotocol": (head("Sec-WebSocket-Protocol: soap, mqtt"), {101}),
        "deflate": (head("Sec-WebSocket-Extensions: permessage-deflate"), {101}),
        "a bad extension": (head("Sec-WebSocket-Extensions: ;;=,"), {101, 400}),
        "a token that is none": (head("Authorization: Bearer \xff\xfe"), {101}),
        "cookies that are none": (head("Cookie: =;;;a=b;=; chatstream_visitor"), {101}),
        "a header of 600 kB": (head(f"X-Large: {'x' * 600_000}"), {400}),
        "a header of 9 kB": (head(f"X-Large: {'x' * 9_000}"), {400, 431}),
        "200 headers": (head(*(f"X-{n}: x" for n in range(200))), {400, 431}),
        "a path of 9 kB": (head().replace(b" HTTP", b"?" + b"x" * 9_000 + b" HTTP"), {400, 414}),
        "100,000 headers": (head(*(f"X-{n}: x" for n in range(100_000))), {400}),
        "a folded header": (head("X-Folded: a\r\n b"), {101, 400}),
        "a bare line feed": (head().replace(b"\r\n", b"\n"), {101, 400}),
        "a port that is a word": (_at("a:b", head(), host), {400}),
        "a port beyond the last": (_at("localhost:65536", head(), host), {400}),
        "a rebound name": (_at("evil.example:8000", head(), host), {421}),
        "no such path": (head().replace(b"/chat/ws", b"/other"), {403, 404}),
    }


def _at(name: str, head: bytes, host: str) -> bytes:
    return head.replace(f"Host: {host}".encode(), f"Host: {name}".encode())


def requests(host: str) -> dict[str, tuple[bytes, set[int]]]:
    """HTTP requests that no client library would send, and the statuses that are right."""

    def ask(line: str, *lines: str, body: bytes = b"") -> bytes:
        head = (line, f"Host: {host}", "Authorization: Bearer @TOKEN@", "Connection: close")
        return "\r\n".join((*head, *lines, "", "")).encode("latin-1") + body

    chats = "GET /api/v1/chats"
    post, json_type = "POST /api/v1/chats HTTP/1.1", "Content-Type: application/json"
    return {
        "5,000 parameters": (ask(f"{chats}?{'&'.join(['a=b'] * 5000)} HTTP/1.1"), {200, 400}),
        "a parameter 5,000 times": (ask(f"{chats}?{'&'.join(['limit=5'] * 5000)} HTTP/1.1"), {200}),
        "a garbage cursor": (ask(f"{chats}?cursor=%ff%00%22 HTTP/1.1"), {400}),
        "broken percent codes": (ask(f"{chats}/%zz%f HTTP/1.1"), {404}),
        "percent-coded NUL": (ask(f"{chats}/%00 HTTP/1.1"), {404}),
        "percent-coded surrogate": (ask(f"{chats}/%ed%a0%80 HTTP/1.1"), {404}),
        "a path upwards": (ask(f"{chats}/../../../etc/passwd HTTP/1.1"), {404}),
        "an asset upwards": (ask("GET /chatstream/..%2f..%2fconfig.py HTTP/1.1"), {404}),
        "a long path": (ask(f"{chats}/{'x' * 30_000} HTTP/1.1"), {404}),
        "an odd Accept": (ask(f"{chats} HTTP/1.1", "Accept: ;;q=/,*"), {200}),
        "a bad Last-Event-ID": (
            ask(
                f"{chats}/nothing/events HTTP/1.1",
                "Accept: text/event-stream",
                "Last-Event-ID: -1e9",
            ),
            {400, 404},
        ),
        "no host": (b"GET /api/v1/chats HTTP/1.1\r\nConnection: close\r\n\r\n", {400}),
        "a port that is a word": (_at("a:b", ask(f"{chats} HTTP/1.1"), host), {400}),
        "a port beyond the last": (_at("a:65536", ask(f"{chats} HTTP/1.1"), host), {400}),
        "a port below the first": (_at("a:-1", ask(f"{chats} HTTP/1.1"), host), {400}),
        "two ports": (_at("a:1:2", ask(f"{chats} HTTP/1.1"), host), {400}),
        "an address that is none": (_at("[zz]:1", ask(f"{chats} HTTP/1.1"), host), {400}),
        "half an address": (_at("[::1", ask(f"{chats} HTTP/1.1"), host), {400}),
        "a port that is a word, nowhere": (
            _at("a:b", ask("GET /api/v1/nothing HTTP/1.1"), host),
            {400, 404},
        ),
        "a rebound name": (_at("evil.example:8000", ask(f"{chats} HTTP/1.1"), host), {421}),
        "HTTP/9": (ask(f"{chats} HTTP/9.9"), {200, 400, 505}),
        "an unknown method": (ask("BREW /api/v1/chats HTTP/1.1"), {400, 405}),
        "a length that is a word": (ask(post, json_type, "Content-Length: many"), {400}),
        "two lengths": (ask(post, json_type, "Content-Length: 2", "Content-Length: 3"), {400}),
        "a length and chunks": (
            ask(
                post,
                json_type,
                "Content-Length: 2",
                "Transfer-Encoding: chunked",
                body=b"0\r\n\r\n",
            ),
            {200, 201, 400},
        ),
        "a chunk without a size": (
            ask(post, json_type, "Transfer-Encoding: chunked", body=b"zz\r\n\r\n"),
            {400},
        ),
        "a body that is too large": (
            ask(post, json_type, "Content-Length: 300000", body=b"x" * 300_000),
            {413},
        ),
        "a body 100,000 deep": (
            ask(post, json_type, "Content-Length: 200000", body=b"[" * 100_000 + b"]" * 100_000),
            {400},
        ),
        "a body that is not UTF-8": (
            ask(post, json_type, "Content-Length: 3", body=b'"\xff\xfe'),
            {400},
        ),
        "a body of another kind": (
            ask(post, "Content-Type: text/xml", "Content-Length: 4", body=b"<a/>"),
            {400, 415},
        ),
    }
