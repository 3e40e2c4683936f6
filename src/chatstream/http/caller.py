"""Who asks: the identity of an HTTP request, by token or by the visitor cookie.

A browser sends a cookie on behalf of any page, so an unsafe request without a token must come
from an allowed origin.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from typing import Any, Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from chatstream.config.origins import normal_origin
from chatstream.errors import Refused
from chatstream.http.backend import Backend
from chatstream.ids import ChatId, is_id
from chatstream.protocol.content import is_storable
from chatstream.security.addresses import quota_key
from chatstream.security.cookies import cookie_name, is_secure, visitor_tokens
from chatstream.security.identity import Identity
from chatstream.security.origin import request_allowed

SET_COOKIE: Final = "chatstream_set_cookie"
"""The key of the request's state under which a ``Set-Cookie`` value waits for the response."""

CALLER: Final = "chatstream_caller"
"""The name by which a handler asks who asks."""

_UNBELIEVED_PROXY: Final = (
    "a visitor's cookie was given out without Secure, though the browser seems to use TLS: have the"
    " proxy send X-Forwarded-Proto, and name its address in FORWARDED_ALLOW_IPS"
)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
AnyRequest = Request[Any, Any, State]
AnyConnection = ASGIConnection[Any, Any, Any, Any]


def identifying(backend: Backend) -> Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]:
    """Finds out who asks, for every handler that wants to know. As a guard it comes before the
    body and the parameters are looked at: who may not ask learns nothing else."""

    async def identify(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        if CALLER in handler.parsed_fn_signature.parameters:
            assert isinstance(connection, Request)
            connection.state[CALLER] = await _caller_of(connection, backend)

    return identify


def caller(request: AnyRequest) -> Identity:
    """Who asks, as the guard found out; the dependency ``chatstream_caller``."""
    identity = request.state[CALLER]
    assert isinstance(identity, Identity)
    return identity


async def _caller_of(request: AnyRequest, backend: Backend) -> Identity:
    """Who asks; without a token or a cookie somebody new, where that is allowed.

    Raises:
        Refused: ``unauthenticated``, or ``forbidden_origin``.
    """
    token = _bearer(request)
    if token is not None:
        return await backend.identities.authenticate(token)
    cookies = visitor_tokens(request.scope["headers"], secure=is_secure(request.scope["scheme"]))
    if not cookies:
        return new_visitor(request, backend)[1]
    refuse_foreign_origin(request, backend)
    identity = await backend.identities.authenticate(_only(cookies, backend))
    renewed = backend.identities.renewed(identity)
    if renewed is not None:
        _keep_cookie(request, backend, renewed)
    return identity


def _only(cookies: frozenset[str], backend: Backend) -> str:
    if len(cookies) > 1:
        raise backend.identities.refusal("two_cookies")
    (cookie,) = cookies
    return cookie


def new_visitor(request: AnyRequest, backend: Backend) -> tuple[str, Identity]:
    """A token for somebody new, and the identity; the response brings the cookie.

    Raises:
        Refused: ``unauthenticated`` where visitors are not allowed, ``forbidden_origin``, or
            ``rate_limited``.
    """
    if not backend.identities.anonymous_allowed:
        raise Refused("unauthenticated")
    # A foreign page must not replace the cookie of somebody who has one.
    refuse_foreign_origin(request, backend)
    backend.shares.new.take(address_of(request))
    token, identity = backend.identities.new_visitor()
    _keep_cookie(request, backend, token)
    return token, identity


def refuse_foreign_origin(request: AnyRequest, backend: Backend) -> None:
    """Refuse an unsafe request of a page that is neither our own nor allowed."""
    if request.method in _SAFE_METHODS:
        return
    if not request_allowed(request.scope["headers"], backend.settings.origins):
        raise Refused("forbidden_origin")


def address_of(request: AnyRequest) -> str:
    """Where the request comes from, as limits count it; peers without an address share one."""
    return quota_key(request.client.host) if request.client else ""


def reader(caller: Identity) -> str | None:
    """Whose things ``caller`` may read: None is everybody's."""
    return None if caller.admin else caller.user_id


def owner_wanted(caller: Identity, user_id: str | None) -> str | None:
    """Whose things a list shows, given its filter: None is everybody's.

    Raises:
        Refused: ``not_found`` for another user's, ``invalid_frame`` for what is no user id.
    """
    if user_id is not None and not is_storable(user_id):
        raise Refused("invalid_frame", "user_id holds characters that no user id has")
    if caller.admin:
        return user_id
    if user_id not in {None, caller.user_id}:
        raise Refused("not_found")
    return caller.user_id


def chat_id_of(text: str) -> ChatId:
    """A chat's id from a path; what is no id names nothing."""
    if not is_id(text):
        raise Refused("not_found")
    return ChatId(text)


def _bearer(request: AnyRequest) -> str | None:
    values = request.headers.getall("authorization", [])
    if not values:
        return None
    scheme, _, token = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer":
        raise Refused("unauthenticated", "one Authorization: Bearer is expected")
    return token.strip()


def _keep_cookie(request: AnyRequest, backend: Backend, token: str) -> None:
    secure = is_secure(request.scope["scheme"])
    name = cookie_name(secure=secure)
    cookie: SimpleCookie = SimpleCookie({name: token})
    cookie[name]["path"] = "/"
    cookie[name]["max-age"] = round(backend.settings.visitor_ttl_s)
    cookie[name]["httponly"] = True
    cookie[name]["samesite"] = "Lax"
    cookie[name]["secure"] = secure
    request.state[SET_COOKIE] = cookie[name].OutputString()
    if not secure and _seems_secure(request):
        backend.log.write(logging.WARNING, _UNBELIEVED_PROXY)


def _seems_secure(request: AnyRequest) -> bool:
    """Whether the browser uses TLS, for all that a stranger may say: good for a warning only."""
    own = normal_origin(f"https://{request.headers.get('host', '')}")
    origin = normal_origin(request.headers.get("origin", ""))
    forwarded = request.headers.get("x-forwarded-proto", "").strip().lower()
    return forwarded == "https" or (own is not None and origin == own)
