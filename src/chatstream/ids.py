"""The ids of chatstream: what they look like and how new ones are made.

Ids are strings of ``[A-Za-z0-9_-]``, 1 to 64 characters. Server-made ones carry a prefix and
at least 96 random bits. Ids that key rows of our own begin with the time, in an alphabet that
sorts, so that rows written together lie on the same pages (a random key dirties a page a row).
"""

from __future__ import annotations

import os
import re
from base64 import b64encode, urlsafe_b64encode
from typing import Final, NewType

ChatId = NewType("ChatId", str)
IntentId = NewType("IntentId", str)
SessionId = NewType("SessionId", str)
SocketId = NewType("SocketId", str)

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
# From the alphabet of base64 to one in ASCII order, so that text order is time order.
_SORTED = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
)
_TIME_BYTES = 6  # 48 bits of milliseconds: good until the year 10889


def is_id(text: str) -> bool:
    """Whether ``text`` may be an id on the wire."""
    return _ID.fullmatch(text) is not None


# Each is handed out once. Asking the system for each by itself costs as much as a decision.
_nonces: Final[list[str]] = []
_NONCES_AT_ONCE: Final = 128


def new_nonce() -> str:
    """96 random bits as 16 characters; the seed of all ids that one command makes."""
    try:
        return _nonces.pop()
    except IndexError:
        return _draw_nonces()


def _draw_nonces() -> str:
    text = urlsafe_b64encode(os.urandom(12 * _NONCES_AT_ONCE)).decode()
    first, *others = (text[start : start + 16] for start in range(0, len(text), 16))
    _nonces.extend(others)
    return first


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_nonces.clear)


def new_chat_id() -> ChatId:
    """A fresh ``chat_`` id."""
    return ChatId(f"chat_{new_nonce()}")


def new_socket_id() -> SocketId:
    """A fresh ``socket_`` id."""
    return SocketId(f"socket_{new_nonce()}")


def new_command_id() -> str:
    """An idempotency key for a caller that gave none: a message's id, where it is one."""
    return f"msg_{new_nonce()}"


def sortable_time(now_ms: int) -> str:
    """``now_ms`` (Unix milliseconds) as 8 characters whose text order is the order of time."""
    return b64encode(now_ms.to_bytes(_TIME_BYTES, "big")).translate(_SORTED).decode()
