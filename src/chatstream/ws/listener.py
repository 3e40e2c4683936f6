"""Where sockets come in: the upgrade, its ``Origin``, and the loop that reads.

The handlers speak raw ASGI through Litestar's ``WebSocket``: its listeners hand over data that
nobody checked, and close the socket for one bad message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec
from litestar import WebSocket, websocket
from litestar.handlers import WebsocketRouteHandler
from litestar.types import HTTPResponseBodyEvent, Message

from chatstream.errors import Refused
from chatstream.protocol.bodies import PROBLEM_MEDIA_TYPE, problem_of, refusal_headers
from chatstream.security.addresses import quota_key
from chatstream.security.cookies import is_secure, visitor_tokens
from chatstream.security.entrance import Entrance, local_address
from chatstream.ws.admission import Credentials
from chatstream.ws.asgi_sink import AsgiSink
from chatstream.ws.connection import Connection, Surroundings
from chatstream.ws.ports import Sink
from chatstream.ws.registry import ConnectionRegistry

SINK_EXTENSION: Final = "chatstream.sink"
"""In ``scope["extensions"]``: a ``Sink`` of the server's own."""
_MESSAGES_IN_A_ROW = 64  # a peer that sends without a pause lets the others have their turn
AnySocket = WebSocket[Any, Any, Any]


def socket_handlers(
    prefix: str, shared: Surroundings, registry: ConnectionRegistry
) -> list[WebsocketRouteHandler]:
    """The route handlers for ``{prefix}/chat/ws/chat`` and ``/ws/chat``."""
    entrance = Entrance(shared.settings.hosts, shared.settings.origins)

    @websocket([f"{prefix}/chat/ws/chat", "/ws/chat"], name="chatstream-socket")
    async def chat_socket(socket: AnySocket) -> None:
        await serve_socket(socket, shared, registry, entrance)

    return [chat_socket]


async def serve_socket(
    socket: AnySocket, shared: Surroundings, registry: ConnectionRegistry, entrance: Entrance
) -> None:
    """One connection from its upgrade to its end."""
    credentials = _credentials(socket)
    try:
        _let_in(socket, entrance)
        shared.shares.of_address.refuse_if_full(credentials.address)
    except Refused as refused:
        await _refuse(socket, refused, shared)
        return
    with shared.shares.of_address.held(credentials.address):
        await socket.accept()
        await _converse(socket, Connection(shared, _sink_of(socket), credentials), shared, registry)


def _let_in(socket: AnySocket, entrance: Entrance) -> None:
    headers = _headers(socket)
    entrance.refuse_host(headers, local_address(socket.scope))
    if not entrance.admits_page(headers):
        raise Refused("forbidden_origin")


async def _converse(
    socket: AnySocket, connection: Connection, shared: Surroundings, registry: ConnectionRegistry
) -> None:
    registry.add(connection)
    try:
        shared.metrics.socket_closed(await _read(socket, connection))
    except Exception as error:  # noqa: BLE001 - logged, and said to the peer
        connection.fail(error)
    finally:
        registry.remove(connection)
        connection.ended()


async def _read(socket: AnySocket, connection: Connection) -> int:
    """Read until the socket ends; gives its close code."""
    count = 0
    while True:
        event = await socket.receive()
        if event["type"] != "websocket.receive":
            return cast("int", event.get("code") or 1005)
        text = event.get("text")
        await connection.receive(cast("bytes", event.get("bytes")) if text is None else text)
        count += 1
        if count % _MESSAGES_IN_A_ROW == 0:
            await asyncio.sleep(0)
        if connection.is_behind:
            await connection.caught_up()


def _sink_of(socket: AnySocket) -> Sink:
    sink = _extensions(socket).get(SINK_EXTENSION)
    return AsgiSink(socket.send) if sink is None else cast("Sink", sink)


def _extensions(socket: AnySocket) -> dict[str, object]:
    scope = cast("dict[str, Any]", socket.scope)
    return scope.get("extensions") or {}


# -- what the upgrade says -------------------------------------------------------------------


def _headers(socket: AnySocket) -> list[tuple[bytes, bytes]]:
    # Raw: doubled headers must be seen, and Litestar's view joins them.
    return list(socket.scope["headers"])


def _header(socket: AnySocket, name: bytes) -> Iterator[str]:
    return (value.decode("latin-1") for key, value in _headers(socket) if key.lower() == name)


def _credentials(socket: AnySocket) -> Credentials:
    cookies = visitor_tokens(_headers(socket), secure=is_secure(socket.scope["scheme"]))
    return Credentials(
        header_token=_bearer(list(_header(socket, b"authorization"))),
        # Where two differ there is no telling which is the visitor's own: as good as none.
        cookie_token=next(iter(cookies)) if len(cookies) == 1 else None,
        address=quota_key(socket.client.host) if socket.client else "",
    )


def _bearer(values: list[str]) -> str | None:
    """The token of ``Authorization: Bearer``; of two headers one that is refused."""
    if len(values) > 1:
        return ""
    scheme, _, token = "".join(values).partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def _refuse(socket: AnySocket, refused: Refused, shared: Surroundings) -> None:
    """A problem document, or the plain 403 of servers that cannot send one."""
    shared.metrics.refused_upgrades.labels(refused.code).inc()
    await socket.receive()
    if "websocket.http.response" not in _extensions(socket):
        await socket.send({"type": "websocket.close", "code": 1008, "reason": refused.message})
        return
    for event in _problem(refused):
        await socket.send(event)


def _problem(refused: Refused) -> Iterator[Message]:
    status = refused.http_status
    body = msgspec.json.encode(problem_of(status, refused.code, refused.message))
    headers = [(b"content-type", PROBLEM_MEDIA_TYPE.encode())]
    headers += [
        (name.lower().encode(), value.encode()) for name, value in refusal_headers(refused).items()
    ]
    yield cast(
        "Message",
        {"type": "websocket.http.response.start", "status": status, "headers": headers},
    )
    yield cast(
        "HTTPResponseBodyEvent",
        {"type": "websocket.http.response.body", "body": body, "more_body": False},
    )
