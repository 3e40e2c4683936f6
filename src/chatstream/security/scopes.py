"""What a token allows beyond its user's own things: a closed set of names."""

from __future__ import annotations

from typing import Final, Literal, get_args

Scope = Literal["admin"]
"""``admin`` reads everything and may order an erasure."""

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

ScopeClaim = str | list[str] | None
"""Words with one space between them (RFC 8693), or a list whose items are a word each."""


def scopes_in(claim: ScopeClaim, prefix: str) -> frozenset[Scope]:
    """The scopes that ``claim`` names; ``prefix`` stands before each name. Words are compared
    whole, and words that name no scope give nothing."""
    words = frozenset(claim.split(" ") if isinstance(claim, str) else claim or ())
    return frozenset(scope for scope in SCOPES if f"{prefix}{scope}" in words)
