"""What every answer of ours carries: security headers, CORS for the pages that are allowed, the
visitor cookie, and a place in the metrics; and whom the server does not answer at all."""

from __future__ import annotations

from typing import cast

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from chatstream.config.origins import normal_origin
from chatstream.errors import Refused
from chatstream.http.backend import Backend
from chatstream.http.caller import SET_COOKIE
from chatstream.http.problem import AnyRequest, of_refusal
from chatstream.security.entrance import Entrance, local_address

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # What a document of ours may do, unless it says otherwise: nothing.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_ALLOWED = "Access-Control-Allow-Origin"
_CORS = {
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": "Retry-After",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID, Prefer",
    "Access-Control-Max-Age": "600",
}


class AnswerMiddleware(ASGIMiddleware):
    """Completes the head of each answer. Headers that a handler has set stay."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, backend: Backend, entrance: Entrance) -> None:
        self._metrics = backend.metrics
        self._entrance = entrance
        self._origins = frozenset(backend.settings.origins)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        assert scope["type"] == ScopeType.HTTP
        method = scope["method"]

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                head = MutableScopeHeaders.from_message(message)
                self._complete(scope, method, head)
                self._metrics.requests.labels(method, message["status"]).inc()
            await send(message)

        await next_app(scope, receive, complete)

    def _complete(self, scope: Scope, method: str, head: MutableScopeHeaders) -> None:
        for name, value in {**_ALWAYS, **self._cors(scope, method)}.items():
            if name not in head:
                head[name] = value
        cookie = scope["state"].get(SET_COOKIE)
        if cookie is not None:
            head.add("Set-Cookie", cookie)
        if self._origins:
            head.extend_header_value("Vary", "Origin")
        if _ALLOWED not in head:
            self._entrance.admits_page(scope["headers"])  # the browser keeps it from a foreign one

    def _cors(self, scope: Scope, method: str) -> dict[str, str]:
        origin = Headers.from_scope(scope).get("origin", "")
        if normal_origin(origin) not in self._origins:
            return {}
        headers = {_ALLOWED: origin, **_CORS}
        return {**headers, **_PREFLIGHT} if method == "OPTIONS" else headers


class HostMiddleware(ASGIMiddleware):
    """Answers what is meant for another host with a problem, before anything else is looked at."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        try:
            self._entrance.refuse_host(scope["headers"], local_address(scope))
        except Refused as refused:
            request = AnyRequest(cast("HTTPScope", scope), receive, send)
            answer = of_refusal(request, refused).to_asgi_response(None, request)  # pyright: ignore[reportUnknownMemberType]
            await answer(scope, receive, send)
            return
        await next_app(scope, receive, send)
