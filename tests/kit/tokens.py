"""Tokens as a host application would sign them, good and bad."""

from __future__ import annotations

import secrets
import time

import jwt
from tests.kit.server import SECRET


def new_id(prefix: str = "t") -> str:
    """A new id as a client makes it."""
    return f"{prefix}_{secrets.token_hex(12)}"


def token_for(
    user_id: str, *, seconds: float = 3600, secret: str = SECRET, **claims: object
) -> str:
    """A token of `user_id` signed with HS256 that expires in `seconds`."""
    payload = {"sub": user_id, "exp": int(time.time() + seconds), **claims}
    return jwt.encode(payload, secret, algorithm="HS256")
