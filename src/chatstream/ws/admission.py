"""Who is on the other side: the token of ``hello``, that of the upgrade, or a visitor's."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from chatstream.errors import Refused
from chatstream.security.identity import Identity
from chatstream.security.quotas import RateLimiter


class Identities(Protocol):
    """What the sockets need of ``chatstream.security.identity.Identities``."""

    anonymous_allowed: bool

    async def authenticate(self, token: str) -> Identity:
        """Raises ``Refused``: ``unauthenticated``, ``unavailable``."""
        ...

    def verify(self, token: str) -> Identity: ...
    def new_visitor(self) -> tuple[str, Identity]: ...
    def renewed(self, identity: Identity) -> str | None: ...


class Credentials(Struct, frozen=True):
    """What came with the upgrade: ``Authorization: Bearer``, the visitor cookie, and from where."""

    header_token: str | None = None
    cookie_token: str | None = None
    address: str = ""

    def __repr__(self) -> str:  # tokens never reach a log
        return "Credentials(...)"


class Admitted(Struct, frozen=True):
    """A caller; ``token`` is a new one of a visitor's own, to be kept."""

    identity: Identity
    token: str | None = None


async def admit(
    identities: Identities, hello_token: str | None, credentials: Credentials, new: RateLimiter
) -> Admitted:
    """Find out who said ``hello``; ``new`` bounds the visitors that are made.

    Raises:
        Refused: nobody who may come in, or one too many.
    """
    token = hello_token if hello_token is not None else credentials.header_token
    if token is not None:
        return with_renewal(identities, await identities.authenticate(token))
    visitor = await _known_visitor(identities, credentials.cookie_token)
    if visitor is not None:
        return with_renewal(identities, visitor)
    if not identities.anonymous_allowed:
        raise Refused("unauthenticated")
    new.take(credentials.address)
    token, identity = identities.new_visitor()
    return Admitted(identity, token)


async def _known_visitor(identities: Identities, cookie_token: str | None) -> Identity | None:
    if cookie_token is None:
        return None
    try:
        return await identities.authenticate(cookie_token)
    except Refused as refused:
        # A browser keeps sending an old cookie: as good as none.
        if refused.code != "unauthenticated":
            raise
        return None


def with_renewal(identities: Identities, identity: Identity) -> Admitted:
    """Let ``identity`` in; a visitor whose token grows old with a fresh one."""
    token = identities.renewed(identity)
    return Admitted(identity) if token is None else Admitted(identities.verify(token), token)
