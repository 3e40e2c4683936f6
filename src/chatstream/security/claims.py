"""What a token claims, and why the claims of one that is signed may still be refused. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import Any, Final, Literal, cast

import msgspec
from msgspec import Struct

from chatstream.security.scopes import ScopeClaim

LEEWAY_S: Final = 30.0
"""How far the issuer's clock may differ from ours. Clocks kept by NTP differ by less than a
second; half a minute also lets in a token that was made on a machine that drifts."""

ME: Final = "me"
"""Stands for the caller in a path, and is therefore nobody's user id."""

_LONGEST_USER_ID = 255
# Control, format (bidirectional overrides, zero width), surrogates, line and paragraph separators:
# what makes two ids look alike, or a line of a log look like another one.
_NOT_IN_A_USER_ID = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Claims(Struct, frozen=True, omit_defaults=True):
    """The claims that count. Times are Unix seconds; ``aud`` and ``iss`` are looked at only where
    the settings name some, so they may be anything until then."""

    sub: str
    exp: float
    nbf: float = 0
    iat: float = 0
    scope: ScopeClaim = None
    scp: ScopeClaim = None
    aud: Any = None
    iss: Any = None

    @property
    def granted(self) -> ScopeClaim:
        """``scope``; where there is none ``scp``, as Entra ID and Okta call it."""
        return self.scp if self.scope is None else self.scope


ClaimFault = Literal["expired", "not_yet", "user_id", "audience", "issuer"]

decode_claims: Final = msgspec.json.Decoder(Claims).decode


def fault_of(
    claims: Claims, now_s: float, audiences: Collection[str], issuers: Collection[str]
) -> ClaimFault | None:
    """Why ``claims`` are refused at ``now_s``, or None. An empty collection is not compared."""
    if claims.exp + LEEWAY_S <= now_s:
        return "expired"
    if max(claims.nbf, claims.iat) > now_s + LEEWAY_S:
        return "not_yet"
    if not is_user_id(claims.sub):
        return "user_id"
    if audiences and not _audiences_of(claims) & set(audiences):
        return "audience"
    if issuers and not (isinstance(claims.iss, str) and claims.iss in issuers):
        return "issuer"
    return None


def is_user_id(text: str) -> bool:
    """Whether ``text`` may be a token's ``sub``: 1 to 255 characters, none of which is a control
    or format character, and not ``me``."""
    if not 1 <= len(text) <= _LONGEST_USER_ID or text == ME:
        return False
    return not any(unicodedata.category(character) in _NOT_IN_A_USER_ID for character in text)


def _audiences_of(claims: Claims) -> set[str]:
    """``aud`` is a text or a list of texts (RFC 7519, section 4.1.3); anything else is nobody."""
    values = cast("list[object]", claims.aud if isinstance(claims.aud, list) else [claims.aud])
    return {value for value in values if isinstance(value, str)}
