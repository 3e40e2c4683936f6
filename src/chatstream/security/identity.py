"""Who is calling: tokens to identities, and visitors' tokens of our own.

A token is a JWT: HS256 with the secret, or RS256 and ES256 with the keys of the host
application. Which algorithm counts is fixed by where the key comes from; nothing in a token
chooses it. PyJWT is imported late: it is a good part of the time a restart takes.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from chatstream import ids, timestamps
from chatstream.config import Settings
from chatstream.errors import Refused
from chatstream.security.jwks import ALGORITHMS as KEY_ALGORITHMS
from chatstream.security.jwks import KeySet

if TYPE_CHECKING:
    from jwt import PyJWK
    from jwt.api_jws import PyJWS

COOKIE: Final = "chatstream_visitor"
"""The cookie that holds a visitor's token."""

_MAX_TOKEN_CHARACTERS = 8192  # what a proxy takes as one header line
_LATEST_S = 253_402_300_799.0  # the end of year 9999: later ones have no RFC 3339 text
_GOOD_SECRET_BYTES = 32  # as long as what HS256 makes of it
_USER_ID = re.compile("[^\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]{1,255}")
_log = logging.getLogger(__name__)


class Identity(Struct, frozen=True):
    """A caller. ``expires_at_ms`` is Unix milliseconds (None: never), ``visitor`` whether the
    token is one of our own for somebody without an account."""

    user_id: str
    expires_at_ms: int | None
    admin: bool
    visitor: bool

    def left_s(self, now_ms: int) -> float:
        """The seconds until the token expires."""
        return math.inf if self.expires_at_ms is None else (self.expires_at_ms - now_ms) / 1000


class _Claims(Struct, frozen=True, omit_defaults=True):
    sub: str
    exp: float
    nbf: float = 0
    scope: str | None = None
    visitor: bool = False


class _Header(Struct, frozen=True):
    alg: str
    kid: str | None = None


_CLAIMS = msgspec.json.Decoder(_Claims)


class Identities:
    """Checks tokens and makes those of visitors. One a server."""

    def __init__(
        self,
        settings: Settings,
        own_secret: str = "",
        clock: Callable[[], int] = timestamps.now_ms,
    ) -> None:
        """``own_secret`` is the one kept with the server's data; without it, and with no other,
        ``use_own_secret`` comes before anybody is let in. ``clock`` is in Unix ms.

        Raises:
            ConfigurationError: the file of ``settings.jwks`` cannot be used.
        """
        self._secret = (settings.secret or own_secret).encode()
        self._has_own_secret = settings.secret is None
        self._takes_hs256 = settings.jwks is None or not self._has_own_secret
        self._takes_hs256 |= settings.anonymous_allowed
        self._keys = KeySet(settings.jwks) if settings.jwks else None
        self._visitor_ttl_ms = round(settings.visitor_ttl_s * 1000)
        self._clock = clock
        self.anonymous_allowed = settings.anonymous_allowed
        """Whether a caller without a token gets ``new_visitor``."""
        if settings.secret and len(self._secret) < _GOOD_SECRET_BYTES:
            _log.warning("CHATSTREAM_SECRET is shorter than %d bytes", _GOOD_SECRET_BYTES)

    def use_own_secret(self, own_secret: str) -> None:
        """Sign and check with the secret kept with the data, unless one is configured."""
        if self._has_own_secret:
            self._secret = own_secret.encode()

    async def authenticate(self, token: str) -> Identity:
        """The identity in ``token``; keys that are not known yet are fetched first.

        Raises:
            Refused: ``unauthenticated``, or ``unavailable`` while no keys can be read.
        """
        header = self._header(token)
        if self._keys is None or header.alg not in KEY_ALGORITHMS:
            return self._identity(self._signed_claims(token, header))
        await self._keys.prepare(header.alg, header.kid)
        claims = self._signed_claims(token, header)
        if claims is None:
            await self._keys.renew()
            claims = self._signed_claims(token, header)
        return self._identity(claims)

    def verify(self, token: str) -> Identity:
        """As ``authenticate``, with the keys known now: for a token that was checked before.

        Raises:
            Refused: ``unauthenticated``.
        """
        return self._identity(self._signed_claims(token, self._header(token)))

    def _identity(self, claims: _Claims | None) -> Identity:
        if claims is None:
            raise Refused("unauthenticated", "the token is not valid")
        now_s = self._clock() / 1000
        if claims.exp <= now_s:
            raise Refused("unauthenticated", "the token has expired")
        if claims.nbf > now_s:
            raise Refused("unauthenticated", "the token is not valid yet")
        if not is_user_id(claims.sub):
            raise Refused("unauthenticated", "the token's sub cannot be a user id")
        return Identity(
            user_id=claims.sub,
            expires_at_ms=round(min(claims.exp, _LATEST_S) * 1000),
            admin="admin" in (claims.scope or "").split(" "),
            visitor=claims.visitor,
        )

    def new_visitor(self) -> tuple[str, Identity]:
        """A token for somebody new, and the identity in it."""
        return self._visitor_token(f"visitor_{ids.new_nonce()}")

    def renewed(self, identity: Identity) -> str | None:
        """A fresh token for a visitor whose own has passed half of its time, else None."""
        if not identity.visitor or identity.expires_at_ms is None:
            return None
        left_ms = identity.expires_at_ms - self._clock()
        if left_ms > self._visitor_ttl_ms / 2:
            return None
        return self._visitor_token(identity.user_id)[0]

    def _visitor_token(self, user_id: str) -> tuple[str, Identity]:
        expires_at_ms = self._clock() + self._visitor_ttl_ms
        assert self._secret, "known before anybody is let in"
        claims = _Claims(sub=user_id, exp=expires_at_ms / 1000, visitor=True)
        token = self._jws.encode(msgspec.json.encode(claims), self._secret, algorithm="HS256")
        return token, Identity(user_id, expires_at_ms, admin=False, visitor=True)

    def _signed_claims(self, token: str, header: _Header) -> _Claims | None:
        """What the token with ``header`` claims, if one of the known keys signed it."""
        for key in self._keys_for(header):
            try:
                payload = self._jws.decode(token, key, algorithms=[header.alg])
                return _CLAIMS.decode(payload)
            except _not_a_token():
                continue
        return None

    def _header(self, token: str) -> _Header:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise Refused("unauthenticated", "the token is too long")
        try:
            return msgspec.convert(self._jws.get_unverified_header(token), _Header)
        except _not_a_token() as error:
            raise Refused("unauthenticated", "the token is not valid") from error

    def _keys_for(self, header: _Header) -> Sequence[PyJWK | bytes]:
        if header.alg == "HS256":
            return (self._secret,) if self._takes_hs256 and self._secret else ()
        if header.alg in KEY_ALGORITHMS and self._keys is not None:
            return self._keys.find(header.alg, header.kid)
        return ()

    @cached_property
    def _jws(self) -> PyJWS:
        return _new_jws()


def is_user_id(text: str) -> bool:
    """Whether ``text`` is 1 to 255 characters without control characters."""
    return _USER_ID.fullmatch(text) is not None


def _not_a_token() -> tuple[type[Exception], ...]:
    from jwt import PyJWTError

    # PyJWT decodes base64 and JSON with the standard library, which raises its own.
    return (PyJWTError, ValueError, TypeError, RecursionError)


def _new_jws() -> PyJWS:
    from jwt.algorithms import HMACAlgorithm
    from jwt.api_jws import PyJWS

    class _AnyLength(HMACAlgorithm):
        # A short secret is warned about once, at the start, and not with every token.
        def check_key_length(self, key: bytes) -> str | None:  # noqa: ARG002
            return None

    jws = PyJWS(algorithms=KEY_ALGORITHMS, options={"enforce_minimum_key_length": True})
    jws.register_algorithm("HS256", _AnyLength(HMACAlgorithm.SHA256))
    return jws
