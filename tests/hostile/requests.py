"""HTTP requests: every header that is read, and every parameter of the lists, up to the longest."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from tests.hostile.case import Case
from tests.hostile.guest import Guest
from tests.hostile.texts import HEAD_BYTES, filled, harmless, repeated

_ANY = ("a", ",", ";", "=", " ", "\t", '"', "\\", "é", "\xff", "%00")
HEADERS: dict[str, tuple[str, ...]] = {
    "Host": ("a.", "a:", "[", "[::1]", "1.", "0:", "localhost.", "-", "%"),
    "Origin": ("http://", "a.", "a:", "[::", "null", "@"),
    "Cookie": ("chatstream_visitor=a;", "a=b;", ";", "=", '"', "chatstream_visitor=", " ;"),
    "Authorization": ("Bearer ", "a.", ".", "eyJ", "Basic ", "eyJhbGciOiJub25lIn0."),
    "Accept": ("*/*,", "text/event-stream;q=0,", "text/event-stream,", ";q=1", "/", "a/b;c=d;"),
    "Accept-Encoding": ("br;q=0,", "gzip,", ",", ";q=", "identity;"),
    "Prefer": ("wait", "wait=", "wait=1,", "wait = ", "1", "1.", ",", "wait=\t", '"'),
    "Last-Event-ID": ("1", "-", "0", "e", " ", "evt_"),
    "X-Forwarded-For": ("1.1.1.1, ", "::1, ", ",", "[::1]:1, ", "127.0.0.1,", "1"),
    "X-Forwarded-Proto": ("https,", "http", "wss "),
    "Content-Type": ("application/json;", "charset=", 'a="', ";", "multipart/form-data;boundary="),
    "Content-Length": ("1", "0", "-1", "+", "1,"),
    "Transfer-Encoding": ("chunked,", "chunked", "gzip, "),
    "If-None-Match": ('"a",', "W/", "*,", ","),
    "If-Modified-Since": ("Mon, ", "1 ", "GMT"),
    "Range": ("bytes=", "0-1,", "-", "1"),
    "Expect": ("100-continue", ","),
    "Connection": ("keep-alive,", "upgrade,", "close,"),
    "Access-Control-Request-Headers": ("a,", ","),
    "traceparent": ("00-", "0", "f-"),
    "X-Request-ID": ("a", "\xff"),
    "Sec-WebSocket-Protocol": ("a, ", "chatstream.v1, ", ","),
    "Sec-WebSocket-Extensions": ("permessage-deflate; ", "a=", ";", ",", '"'),
    "Sec-WebSocket-Key": ("a", "="),
}
_TARGETS = (
    "GET /api/v1/chats",
    "GET /api/v1/chats/CHAT/events",
    "POST /api/v1/chats/CHAT/messages",
    "GET /chatstream/embed.js",
    "GET /api/v1/chat/ws/chat",
)
_LISTS = ("chats", "intents", "sessions", "connections", "chats/CHAT/events", "chats/CHAT/history")
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "cursor": ("A", "WyIi", "W1tb", "IiIi", "MTEx", "=", "1", "%5b", "%c3%a9", "-_"),
    "limit": ("1", "0", "-", "+", "%20", "1e", "%d9%a1"),
    "after": ("1", "0", "-1", "9"),
    "before": ("1", "0", "9"),
    "at": ("1", "9"),
    "since": ("2026-01-01T00:00:00.000Z", "2026-", "1", "%20"),
    "until": ("2026-01-01T00:00:00.000Z", ":", "Z"),
    "status": ("active", "a"),
    "name": ("a", "%25", "_", "%00", "'", "*"),
    "message_type": ("user", "a"),
    "user_id": ("a", "%2f", "%e2%80%ae", "me"),
    "user_chat_id": ("a", "-"),
    "x": ("&x=1", "&", "=", "%", "%zz", "+", "&limit=1", "&cursor=A", ";"),
}
_PATHS = ("/", "a/", "%2f", "%", "%00", "..", "../", "%2e%2e/", "\xff", ";", "//")


def headers() -> Iterator[Case]:
    """Each header with each of its own words and with any, at each place that reads it."""
    targets = 0
    for header, tokens in HEADERS.items():
        for name, value in repeated((*tokens, *_ANY), HEAD_BYTES):
            target = _TARGETS[targets % len(_TARGETS)]
            targets += 1
            yield _case(f"{header}: {name}, {target}", target, f"{header}: {value}")
        many = [f"{header}: {tokens[0]}"] * (HEAD_BYTES // (len(header) + len(tokens[0]) + 4))
        yield _case(f"{header} many times", _TARGETS[0], *many)
    different = [f"X-{number}: a" for number in range(HEAD_BYTES // 12)]
    yield _case("many headers", _TARGETS[0], *different)
    yield _case("many empty headers", _TARGETS[0], *(["X:"] * (HEAD_BYTES // 4)))


def lists() -> Iterator[Case]:
    """Each list with each parameter."""
    number = 0
    for name, tokens in _PARAMETERS.items():
        for text, value in repeated(tokens, HEAD_BYTES):
            listed = _LISTS[number % len(_LISTS)]
            number += 1
            target = f"GET /api/v1/{listed}?{name}={value.replace(' ', '+').replace('~', '%7e')}"
            yield _case(f"{listed}, {name}: {text}", target)
    for token in _PATHS:
        yield _case(f"a path of {token!r}", f"GET /api/v1/chats/{filled(token, HEAD_BYTES)}")
        yield _case(f"a user of {token!r}", f"DELETE /api/v1/users/{filled(token, HEAD_BYTES)}")


def harmless_ones() -> Iterator[Case]:
    """Words of the same size in a header and in a parameter that nobody reads."""
    for target in _TARGETS:
        yield _case(f"words, {target}", target, f"X-Words: {harmless(HEAD_BYTES)}")
    words = harmless(HEAD_BYTES).replace(" ", "+")
    for listed in _LISTS:
        yield _case(f"words, {listed}", f"GET /api/v1/{listed}?words={words}")


def _case(name: str, target: str, *lines: str) -> Case:
    return Case("60 KiB", name, functools.partial(_ask, target, lines))


async def _ask(target: str, lines: tuple[str, ...], guest: Guest) -> None:
    names = {line.partition(":")[0] for line in lines}
    asked = target.replace("CHAT", await guest.open() if "CHAT" in target else "")
    usual = {"Host": guest.server.host, "Authorization": "Bearer @TOKEN@", "Connection": "close"}
    body = b'{"content":"x"}' if target.startswith("POST") else b""
    if body:
        usual |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    if target.endswith("/ws/chat"):
        usual |= {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        usual["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    given = [f"{name}: {value}" for name, value in usual.items() if name not in names]
    head = "\r\n".join((f"{asked} HTTP/1.1", *given, *lines, "", ""))
    await guest.ask(head.encode("latin-1", "replace") + body)
