"""What nodes say to each other, sealed: only who has their secret can read it, or say anything.

A channel of PostgreSQL is open to every role that may connect, a subject of NATS to every client.
So its name follows from the secret, and what is said there is encrypted and authenticated
(AES-256-GCM, RFC 5116). Each sender has a key and a sequence of its own: no nonce comes twice
under a key, and what is recorded and said again is recognised by its number or its age.
"""

from __future__ import annotations

import hmac
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # comes with pyjwt[crypto]

SENDER_BYTES: Final = 16
WINDOW_MS: Final = 30_000
"""How old a message may be, and how far the clocks of two nodes may be apart."""
OVERHEAD_BYTES: Final = 48
"""What sealing adds, before all of it is written in base64."""
SENDERS_AT_MOST: Final = 1_024

_HASH: Final = "sha256"
_HEADER: Final = struct.Struct(f">{SENDER_BYTES}sQQ")  # sender, number, Unix milliseconds
_NAME_CHARACTERS: Final = 32

Purpose = Literal["wakes", "words"]
Reason = Literal["malformed", "forged", "late", "repeated"]


class UnreadableError(Exception):
    """A message is not genuine, or not of now."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Channel(NamedTuple):
    """A channel that only nodes know: its name, and the key of what is said there."""

    name: str
    key: bytes


def channel_of(secret: str, purpose: Purpose) -> Channel:
    """Return the channel for ``purpose`` of the nodes that share ``secret``."""
    root = hmac.digest(secret.encode(), b"chatstream bus 1", _HASH)
    name = hmac.digest(root, f"name of {purpose}".encode(), _HASH).hex()[:_NAME_CHARACTERS]
    return Channel(f"bus_{name}", hmac.digest(root, f"key of {purpose}".encode(), _HASH))


class Sealer:
    """Seals what one sender says on one channel; to be used by one thread.

    ``sender`` is ``SENDER_BYTES`` random bytes, drawn anew for each sealer: with them goes the
    sequence of its messages. ``now_ms`` is the wall clock.
    """

    def __init__(self, channel: Channel, sender: bytes, now_ms: Callable[[], int]) -> None:
        self._sender = sender
        self._cipher = _cipher_of(channel, sender)
        self._now_ms = now_ms
        self._number = 0

    def seal(self, text: str) -> str:
        """Return ``text`` as only the other nodes can read it."""
        self._number += 1
        header = _HEADER.pack(self._sender, self._number, self._now_ms())
        sealed = self._cipher.encrypt(_nonce(self._number), text.encode(), header)
        return b64encode(header + sealed).decode()


class _Sender:
    """One sender as an opener knows it: the number and the time of its newest message."""

    def __init__(self, cipher: AESGCM) -> None:
        self.cipher = cipher
        self.number = 0
        self.sent_ms = 0


class Opener:
    """Opens what is heard on one channel, each message once. ``now_ms`` is the wall clock."""

    def __init__(self, channel: Channel, now_ms: Callable[[], int]) -> None:
        self._channel = channel
        self._now_ms = now_ms
        self._senders: dict[bytes, _Sender] = {}

    def open(self, sealed: str) -> str:
        """Return what was sealed.

        Raises:
            UnreadableError: it was not sealed with the secret, is of another time, or came before.
        """
        header, body = _split(sealed)
        name, number, sent_ms = _HEADER.unpack(header)
        sender = self._senders.get(name) or _Sender(_cipher_of(self._channel, name))
        try:
            text = sender.cipher.decrypt(_nonce(number), body, header)
        except InvalidTag:
            raise UnreadableError("forged") from None
        now_ms = self._now_ms()
        if abs(now_ms - sent_ms) > WINDOW_MS:
            raise UnreadableError("late")
        if number <= sender.number:
            raise UnreadableError("repeated")
        sender.number, sender.sent_ms = number, sent_ms
        self._keep(name, sender, now_ms)
        return text.decode()

    def _keep(self, name: bytes, sender: _Sender, now_ms: int) -> None:
        """Only who has the secret gets in here, and stays while its messages could be of now."""
        self._senders[name] = sender
        if len(self._senders) > SENDERS_AT_MOST:
            self._senders = {
                name: one
                for name, one in self._senders.items()
                if abs(now_ms - one.sent_ms) <= WINDOW_MS
            }


def _split(sealed: str) -> tuple[bytes, bytes]:
    try:
        message = b64decode(sealed, validate=True)
    except ValueError:
        raise UnreadableError("malformed") from None
    if len(message) < OVERHEAD_BYTES:
        raise UnreadableError("malformed")
    return message[: _HEADER.size], message[_HEADER.size :]


def _cipher_of(channel: Channel, sender: bytes) -> AESGCM:
    return AESGCM(hmac.digest(channel.key, sender, _HASH))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
