"""What every answer of ours carries: security headers, CORS for the pages that are allowed, the
visitor cookie, and a place in the metrics."""

from __future__ import annotations

from collections.abc import Iterable

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from chatstream.http.backend import Backend
from chatstream.http.caller import SET_COOKIE
from chatstream.origin import normal_origin

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # What a document of ours may do, unless it says otherwise: nothing.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_METHODS = "GET, HEAD, POST, DELETE, OPTIONS"
_REQUEST_HEADERS = "Authorization, Content-Type, Last-Event-ID, Prefer"
_PREFLIGHT_SECONDS = "600"


class AnswerMiddleware(ASGIMiddleware):
    """Completes the head of each answer. Headers that a handler has set stay."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, backend: Backend) -> None:
        self._metrics = backend.metrics
        self._origins = frozenset(backend.settings.origins)

    def __deepcopy__(self, _: object) -> AnswerMiddleware:
        # Litestar copies the routers it is given with all they hold; the metrics are one.
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                head = MutableScopeHeaders.from_message(message)
                self._complete(scope, head)
                self._metrics.requests.labels(scope["method"], message["status"]).inc()
            await send(message)

        await next_app(scope, receive, complete)

    def _complete(self, scope: Scope, head: MutableScopeHeaders) -> None:
        for name, value in _ALWAYS.items():
            head.setdefault(name, value)
        cookie = scope["state"].get(SET_COOKIE)
        if cookie is not None:
            head.add("Set-Cookie", cookie)
        for name, value in self._cors(scope):
            head.setdefault(name, value)
        if self._origins:
            head.extend_header_value("Vary", "Origin")

    def _cors(self, scope: Scope) -> Iterable[tuple[str, str]]:
        origin = Headers.from_scope(scope).get("origin", "")
        if normal_origin(origin) not in self._origins:
            return
        yield "Access-Control-Allow-Origin", origin
        yield "Access-Control-Allow-Credentials", "true"
        yield "Access-Control-Expose-Headers", "Retry-After"
        if scope["method"] == "OPTIONS":
            yield "Access-Control-Allow-Methods", _METHODS
            yield "Access-Control-Allow-Headers", _REQUEST_HEADERS
            yield "Access-Control-Max-Age", _PREFLIGHT_SECONDS
