"""Why a token is refused: what its bearer hears, and what the operator reads in the log.

The log's line names the setting that would change it, and nothing of the token.
"""

from __future__ import annotations

import logging
from typing import Final, Literal

from chatstream.config import Settings
from chatstream.security.claims import LEEWAY_S, ClaimFault

TokenFault = (
    ClaimFault
    | Literal[
        "too_long", "malformed", "algorithm", "signature", "claims", "not_a_visitor", "two_cookies"
    ]
)

_MESSAGES: Final[dict[TokenFault, str]] = {
    "too_long": "the token is too long",
    "malformed": "the token is not valid",
    "algorithm": "the token is not valid",
    "signature": "the token is not valid",
    "claims": "the token is not valid",
    "not_a_visitor": "the token is not valid",
    "two_cookies": "there are two visitor cookies that differ",
    "expired": "the token has expired",
    "not_yet": "the token is not valid yet",
    "user_id": "the token's sub cannot be a user id",
    "audience": "the token is for another audience",
    "issuer": "the token is of another issuer",
}

_CLOCKS: Final = f"a leeway of {LEEWAY_S:g} s is given; compare the clocks of issuer and server"

_LINES: Final[dict[TokenFault, str]] = {
    "too_long": "it has more than 8192 characters; have the issuer put less into it",
    "malformed": "it is no JWT with a header",
    "claims": "sub or exp is missing, or a claim has the wrong type (sub: text; exp, nbf, iat:"
    " numbers; scope, scp: text or a list of texts)",
    "not_a_visitor": "the server's own secret signs for visitors alone, without scopes; sign with"
    " CHATSTREAM_SECRET",
    "two_cookies": "the request has two visitor cookies that differ: a sibling domain may have set"
    " one; serve over TLS, where the cookie's name keeps others out",
    "expired": f"it has expired; {_CLOCKS}",
    "not_yet": f"its nbf or iat lies ahead; {_CLOCKS}",
    "user_id": "its sub is empty, 'me', longer than 255 characters, or holds control or format"
    " characters",
    "audience": "its aud is not among those of CHATSTREAM_AUDIENCE",
    "issuer": "its iss is not among those of CHATSTREAM_ISSUER",
}


def message_of(fault: TokenFault) -> str:
    """What the bearer of the token hears."""
    return _MESSAGES[fault]


def level_of(fault: TokenFault) -> int:
    """How grave it is for the operator: tokens expire by themselves."""
    return logging.INFO if fault == "expired" else logging.WARNING


def line_of(fault: TokenFault, settings: Settings) -> str:
    """The line of the log."""
    return f"refused a token: {_reason(fault, settings)}"


def _reason(fault: TokenFault, settings: Settings) -> str:
    match fault:
        case "algorithm":
            return f"its alg is not taken here: {_taken(settings)}"
        case "signature":
            return f"no key that is known here has signed it; look at {_keys(settings)}"
        case _:
            return _LINES[fault]


def _taken(settings: Settings) -> str:
    if settings.jwks is None:
        return "RS256 and ES256 need the keys of CHATSTREAM_JWKS, and others never count"
    return "HS256 needs CHATSTREAM_SECRET beside CHATSTREAM_JWKS, and others never count"


def _keys(settings: Settings) -> str:
    names = (("CHATSTREAM_SECRET", settings.secret), ("CHATSTREAM_JWKS", settings.jwks))
    return " and ".join(name for name, value in names if value) or "CHATSTREAM_SECRET"
