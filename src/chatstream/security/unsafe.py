"""Settings of identity that are legal and seldom meant: told loudly at the start and by doctor."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from chatstream.config import Settings

GOOD_SECRET_BYTES: Final = 32
"""As long as what HS256 makes of it."""


def unsafe_settings(settings: Settings) -> Iterator[str]:
    """What is unsafe about the identity of callers, the gravest first; each with what to set."""
    if settings.jwks is not None:
        yield from _of_provider(settings, settings.jwks)
    if settings.secret is not None and len(settings.secret.encode()) < GOOD_SECRET_BYTES:
        yield (
            f"CHATSTREAM_SECRET is shorter than {GOOD_SECRET_BYTES} bytes and may be guessed:"
            " take one made by chance, as of `openssl rand -base64 48`"
        )
    if settings.signs_locally and not settings.anonymous_allowed:
        yield (
            "CHATSTREAM_ANONYMOUS is off, and neither CHATSTREAM_SECRET nor CHATSTREAM_JWKS is"
            " set: nobody comes in, unless with a token of `chatstream token` made on this machine"
        )


def _of_provider(settings: Settings, jwks: str) -> Iterator[str]:
    if not settings.audience:
        yield (
            "CHATSTREAM_JWKS without CHATSTREAM_AUDIENCE: a token that the identity provider made"
            " for any other application is taken here; set CHATSTREAM_AUDIENCE to what your tokens"
            " have as aud"
        )
        if not settings.scope_prefix:
            yield (
                "a token of any application of the identity provider with the scope admin reads"
                " everybody's chats here: set CHATSTREAM_AUDIENCE, or CHATSTREAM_SCOPE_PREFIX to"
                " call it otherwise"
            )
    if settings.secret is not None:
        yield (
            "CHATSTREAM_SECRET and CHATSTREAM_JWKS are both set: whoever knows the secret signs"
            " for every user of the identity provider; unset the one that you do not use"
        )
    if settings.anonymous_allowed:
        yield (
            "CHATSTREAM_ANONYMOUS is on beside CHATSTREAM_JWKS: who brings no token is a visitor"
            " and may chat; set it off if only users may"
        )
    if _is_open_to_others(jwks):
        yield (
            "CHATSTREAM_JWKS is read over plain http: whoever sits between can put keys of their"
            " own in; use https"
        )


def _is_open_to_others(source: str) -> bool:
    parts = urlsplit(source)
    if parts.scheme != "http" or parts.hostname in {None, "localhost"}:
        return False
    try:
        return not ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return True
