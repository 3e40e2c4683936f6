"""Tokens that an operator makes by hand: ``chatstream token``."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from chatstream.config import Settings
from chatstream.errors import ConfigurationError
from chatstream.security.claims import Claims, is_user_id
from chatstream.security.identity import signed_token
from chatstream.security.local_key import local_key, local_key_path
from chatstream.security.scopes import Scope

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TTL: Final = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_LONGEST_TTL_S: Final = 3_650 * _UNIT_S["d"]

_PROVIDER_SIGNS: Final = (
    "CHATSTREAM_JWKS is set and CHATSTREAM_SECRET is not: the server takes only tokens that the"
    " identity provider has signed, and would refuse this one. Get one from the provider, or set"
    " CHATSTREAM_SECRET beside it"
)
_NO_KEY: Final = (
    "there is no key to sign with: nodes on one PostgreSQL need CHATSTREAM_SECRET, the same for"
    " each server and for this command (as of `openssl rand -base64 48`). CHATSTREAM_ANONYMOUS=on"
    " beside it keeps visitors allowed"
)


def operator_token(
    settings: Settings, user_id: str, scopes: Collection[Scope], ttl_s: int, now_ms: int
) -> str:
    """A token of ``user_id`` that the server of ``settings`` takes for ``ttl_s`` seconds from
    ``now_ms`` (Unix milliseconds) on, with the names of its audience, issuer and scopes.

    Raises:
        ConfigurationError: the server would not take it, or there is no key to sign it with.
    """
    if not is_user_id(user_id):
        raise ConfigurationError(f"{user_id!r} cannot be a user id")
    now_s = now_ms // 1000
    claims = Claims(
        sub=user_id,
        iat=now_s,
        exp=now_s + ttl_s,
        scope=" ".join(f"{settings.scope_prefix}{scope}" for scope in scopes) or None,
        aud=next(iter(settings.audience), None),
        iss=next(iter(settings.issuer), None),
    )
    return signed_token(claims, _key(settings).encode())


def ttl_seconds(text: str) -> int:
    """The seconds that ``90s``, ``30m``, ``8h`` or ``7d`` are.

    Raises:
        ValueError: it is no such text, or more than ten years.
    """
    found = _TTL.fullmatch(text)
    seconds = 0 if found is None else int(found[1]) * _UNIT_S[found[2]]
    if not 0 < seconds <= _LONGEST_TTL_S:
        raise ValueError("expected a time such as 90s, 30m, 8h or 7d, of at most ten years")
    return seconds


def _key(settings: Settings) -> str:
    if settings.secret is not None:
        return settings.secret
    if settings.jwks is not None:
        raise ConfigurationError(_PROVIDER_SIGNS)
    path = local_key_path(settings.database)
    if path is None:
        raise ConfigurationError(_NO_KEY)
    _refuse_missing(path)
    return local_key(path)


def _refuse_missing(path: Path) -> None:
    """A key beside no database would be that of no server."""
    database = path.with_suffix("")
    if not database.exists():
        raise ConfigurationError(
            f"there is no database {str(database)!r}: name the server's with --database, or start"
            " the server first"
        )
