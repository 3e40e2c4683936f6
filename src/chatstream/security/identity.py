"""Who is calling: tokens to identities, and visitors' tokens of our own.

A token is a JWT: HS256 with the secret, or RS256 and ES256 with the keys of the host
application. Which algorithm counts is fixed by where the key comes from; nothing in a token
chooses it. What a token is worth is fixed by who signed it: the secret that the server made for
itself signs for visitors alone. PyJWT is imported late: it is a good part of the time a restart
takes.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import Struct

from chatstream import ids, timestamps
from chatstream.config import Settings
from chatstream.errors import Refused
from chatstream.security.claims import LEEWAY_S, Claims, decode_claims, fault_of
from chatstream.security.jwks import ALGORITHMS as KEY_ALGORITHMS
from chatstream.security.jwks import KeySet
from chatstream.security.limited_log import LimitedLog
from chatstream.security.scopes import Scope, scopes_in
from chatstream.security.token_refusals import TokenFault, level_of, line_of, message_of
from chatstream.security.unsafe import unsafe_settings

if TYPE_CHECKING:
    from jwt import PyJWK
    from jwt.api_jws import PyJWS

VISITOR_PREFIX: Final = "visitor_"
"""What the user id of a visitor begins with."""

_MAX_TOKEN_CHARACTERS = 8192  # what a proxy takes as one header line
_LATEST_S = 253_402_300_799.0  # the end of year 9999: later ones have no RFC 3339 text
_LEEWAY_MS = round(LEEWAY_S * 1000)
_log = logging.getLogger(__name__)


class Identity(Struct, frozen=True):
    """A caller. ``expires_at_ms`` is the token's own end in Unix milliseconds (None: never),
    ``visitor`` whether the server itself made the token, for somebody without an account;
    ``is_late`` whether the token came after its end, within the leeway."""

    user_id: str
    expires_at_ms: int | None
    scopes: frozenset[Scope] = frozenset()
    visitor: bool = False
    is_late: bool = False

    @property
    def admin(self) -> bool:
        """Whether the caller may read everything and order an erasure."""
        return "admin" in self.scopes

    @property
    def ends_at_ms(self) -> int | None:
        """When what the caller has open ends, in Unix milliseconds: at the token's end, or with
        the leeway for who came in after that."""
        if self.expires_at_ms is None or not self.is_late:
            return self.expires_at_ms
        return self.expires_at_ms + _LEEWAY_MS

    def left_s(self, now_ms: int) -> float:
        """The seconds until ``ends_at_ms``."""
        return math.inf if self.ends_at_ms is None else (self.ends_at_ms - now_ms) / 1000


class _Header(Struct, frozen=True):
    alg: str
    kid: str | None = None


class _Signer(NamedTuple):
    """A key that tokens are checked with, and whether it is the server's own for visitors."""

    key: PyJWK | bytes
    is_server: bool


class _Signed(NamedTuple):
    """What a token says that one of the known keys has signed."""

    payload: bytes
    by_server: bool


class Identities:
    """Checks tokens and makes those of visitors. One a server."""

    def __init__(
        self,
        settings: Settings,
        own_secret: str = "",
        clock: Callable[[], int] = timestamps.now_ms,
    ) -> None:
        """``own_secret`` is the one kept with the server's data, which signs for visitors; without
        it ``use_own_secret`` comes before anybody is let in. ``clock`` is in Unix ms. Settings
        that do not go well together are warned about in the log.

        Raises:
            ConfigurationError: ``settings.jwks`` cannot be used.
        """
        self._settings = settings
        self._host_secret = (settings.secret or "").encode()
        self._own_secret = own_secret.encode()
        self._keys = KeySet(settings.jwks) if settings.jwks else None
        self._visitor_ttl_ms = round(settings.visitor_ttl_s * 1000)
        self._clock = clock
        self._refusals = LimitedLog(_log)
        self.anonymous_allowed = settings.anonymous_allowed
        """Whether a caller without a token gets ``new_visitor``."""
        for warning in unsafe_settings(settings):
            _log.warning("%s", warning)

    def use_own_secret(self, own_secret: str) -> None:
        """Sign and check visitors' tokens with the secret kept with the data."""
        self._own_secret = own_secret.encode()

    def use_local_key(self, key: str) -> None:
        """Take tokens of ``chatstream token``, where no other key is configured for users."""
        if self._settings.signs_locally:
            self._host_secret = key.encode()

    def start(self) -> None:
        """Keep the keys of the host application up to date, in the background, until ``close``."""
        if self._keys is not None:
            self._keys.start()

    async def close(self) -> None:
        """End what runs in the background."""
        if self._keys is not None:
            await self._keys.close()

    async def authenticate(self, token: str) -> Identity:
        """The identity in ``token``, by the keys that are known; where none of them signed it,
        newer ones are waited for, for a moment.

        Raises:
            Refused: ``unauthenticated``, or ``unavailable`` while no keys can be read.
        """
        header = self._header(token)
        signed = self._signed(token, header)
        if signed is None and self._keys is not None and header.alg in KEY_ALGORITHMS:
            await self._keys.renew()
            signed = self._signed(token, header)
        return self._identity(signed, header)

    def verify(self, token: str) -> Identity:
        """As ``authenticate``, with the keys known now: for a token that was checked before.

        Raises:
            Refused: ``unauthenticated``.
        """
        header = self._header(token)
        return self._identity(self._signed(token, header), header)

    def new_visitor(self) -> tuple[str, Identity]:
        """A token for somebody new, and the identity in it."""
        return self._visitor_token(f"{VISITOR_PREFIX}{ids.new_nonce()}")

    def renewed(self, identity: Identity) -> str | None:
        """A fresh token for a visitor whose own has passed half of its time, else None."""
        if not identity.visitor or identity.expires_at_ms is None:
            return None
        left_ms = identity.expires_at_ms - self._clock()
        if left_ms > self._visitor_ttl_ms / 2:
            return None
        return self._visitor_token(identity.user_id)[0]

    def refusal(self, fault: TokenFault) -> Refused:
        """The refusal of a token for ``fault``, told in the log with what would change it."""
        self._refusals.write(level_of(fault), line_of(fault, self._settings))
        return Refused("unauthenticated", message_of(fault))

    def _visitor_token(self, user_id: str) -> tuple[str, Identity]:
        assert self._own_secret, "known before anybody is let in"
        expires_at_ms = self._clock() + self._visitor_ttl_ms
        token = signed_token(Claims(sub=user_id, exp=expires_at_ms / 1000), self._own_secret)
        return token, Identity(user_id, expires_at_ms, visitor=True)

    # -- who signed it -----------------------------------------------------------------------

    def _header(self, token: str) -> _Header:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise self.refusal("too_long")
        try:
            return msgspec.convert(self._jws.get_unverified_header(token), _Header)
        except _not_a_token() as error:
            raise self.refusal("malformed") from error

    def _signed(self, token: str, header: _Header) -> _Signed | None:
        """What ``token`` says, if one of the known keys signed it."""
        for signer in self._signers(header):
            try:
                payload: bytes = self._jws.decode(token, signer.key, algorithms=[header.alg])
            except _not_a_token():
                continue
            return _Signed(payload, signer.is_server)
        return None

    def _signers(self, header: _Header) -> Iterator[_Signer]:
        if header.alg == "HS256":
            if self._host_secret:
                yield _Signer(self._host_secret, is_server=False)
            if self._own_secret and self.anonymous_allowed:
                yield _Signer(self._own_secret, is_server=True)
        elif header.alg in KEY_ALGORITHMS and self._keys is not None:
            for key in self._keys.find(header.alg, header.kid):
                yield _Signer(key, is_server=False)

    def _why_unsigned(self, header: _Header) -> TokenFault:
        taken = KEY_ALGORITHMS if self._keys is not None else ()
        if self._host_secret or self.anonymous_allowed:
            taken = (*taken, "HS256")
        return "signature" if header.alg in taken else "algorithm"

    # -- what it is worth --------------------------------------------------------------------

    def _identity(self, signed: _Signed | None, header: _Header) -> Identity:
        if signed is None:
            raise self.refusal(self._why_unsigned(header))
        try:
            claims = decode_claims(signed.payload)
        except (ValueError, RecursionError) as error:
            raise self.refusal("claims") from error
        return self._of_server(claims) if signed.by_server else self._of_host(claims)

    def _of_host(self, claims: Claims) -> Identity:
        settings = self._settings
        self._refuse_faulty(claims, settings.audience, settings.issuer)
        return self._admitted(claims, scopes_in(claims.granted, settings.scope_prefix))

    def _of_server(self, claims: Claims) -> Identity:
        """The own secret lies with the data, so whoever has a copy of them could sign with it."""
        if claims.granted is not None or not claims.sub.startswith(VISITOR_PREFIX):
            raise self.refusal("not_a_visitor")
        self._refuse_faulty(claims, (), ())
        return self._admitted(claims, frozenset(), visitor=True)

    def _refuse_faulty(
        self, claims: Claims, audiences: tuple[str, ...], issuers: tuple[str, ...]
    ) -> None:
        fault = fault_of(claims, self._clock() / 1000, audiences, issuers)
        if fault is not None:
            raise self.refusal(fault)

    def _admitted(
        self, claims: Claims, scopes: frozenset[Scope], *, visitor: bool = False
    ) -> Identity:
        expires_at_ms = round(min(claims.exp, _LATEST_S) * 1000)
        is_late = expires_at_ms <= self._clock()
        return Identity(claims.sub, expires_at_ms, scopes, visitor, is_late)

    @cached_property
    def _jws(self) -> PyJWS:
        return _new_jws()


def signed_token(claims: Claims, secret: bytes) -> str:
    """A token with ``claims``, signed with ``secret``."""
    return _new_jws().encode(msgspec.json.encode(claims), secret, algorithm="HS256")


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
