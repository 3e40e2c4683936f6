"""The public keys of the application that signs tokens: a JWK Set in a file or at a URL.

Keys are kept until a token names one that is not among them, or was signed with none of them;
then the set is read again, in a thread, but not more often than every ``RELOAD_AFTER_S``: forged
tokens must not become requests to somebody's identity provider.
"""

from __future__ import annotations

import asyncio
import logging
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from chatstream.errors import ConfigurationError, Refused

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS: Final = ("RS256", "ES256")
"""What a token signed with one of these keys may name; symmetric keys never count."""

RELOAD_AFTER_S: Final = 10.0

_MAX_BYTES = 1 << 20
_FETCH_TIMEOUT_S = 5.0
_log = logging.getLogger(__name__)


class _Document(Struct, frozen=True):
    keys: list[dict[str, Any]]


class KeySet:
    """The keys found at ``source``. A file is read at once, a URL at the first token: the
    application behind it may start after us."""

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``source`` is a path or an http(s) URL; ``clock`` is in seconds.

        Raises:
            ConfigurationError: the file cannot be read or holds no key that can be used.
        """
        self._source = source
        self._clock = clock
        self._keys: Sequence[PyJWK] = ()
        self._tried_at: float | None = None
        self._loading = asyncio.Lock()
        if not _is_url(source):
            self._keys = _first_read(source)

    def find(self, algorithm: str, key_id: str | None) -> list[PyJWK]:
        """The keys that may have signed a token with this header, among those known now."""
        return [
            key
            for key in self._keys
            if key.algorithm_name == algorithm and key_id in (None, key.key_id)
        ]

    async def prepare(self, algorithm: str, key_id: str | None) -> None:
        """Read the set again if no known key fits and the last time is long enough ago.

        Raises:
            Refused: ``unavailable``, as long as no set could be read at all.
        """
        async with self._loading:
            if not self.find(algorithm, key_id) and self._may_load():
                await self._load()
        if not self._keys:
            raise Refused("unavailable", "the keys that tokens are signed with cannot be read")

    async def renew(self) -> None:
        """Read the set again if the last time is long enough ago: no key fits a signature, and
        a new key may have the id of an old one, or none."""
        async with self._loading:
            if self._may_load():
                await self._load()

    def _may_load(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= RELOAD_AFTER_S

    async def _load(self) -> None:
        first = not self._keys
        self._tried_at = self._clock()
        try:
            self._keys = await asyncio.to_thread(_read, self._source)
        except (OSError, ValueError) as error:
            _log.warning("the key set cannot be read, the known keys stay: %s", error)
        else:
            if first:
                self._tried_at = None  # no token has made us read a set that was known


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _first_read(path: str) -> Sequence[PyJWK]:
    try:
        return _read(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"CHATSTREAM_JWKS: {path!r} cannot be used: {error}") from error


def _read(source: str) -> Sequence[PyJWK]:
    """The usable keys; ``OSError`` or ``ValueError`` if there are none to be had."""
    document = msgspec.json.decode(_bytes_of(source), type=_Document)
    keys = [key for one in document.keys if (key := _usable(one)) is not None]
    if not keys:
        raise ValueError(f"no key for {' or '.join(ALGORITHMS)} in it")
    return keys


def _bytes_of(source: str) -> bytes:
    if not _is_url(source):
        return Path(source).read_bytes()
    # Only http and https come here.
    with urllib.request.urlopen(source, timeout=_FETCH_TIMEOUT_S) as answer:  # noqa: S310
        return bytes(answer.read(_MAX_BYTES))


def _usable(key: dict[str, Any]) -> PyJWK | None:
    from jwt import PyJWK, PyJWTError

    if key.get("use", "sig") != "sig":
        return None
    try:
        made = PyJWK(key)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None  # a set may hold kinds of keys that are not for us
    return made if made.algorithm_name in ALGORITHMS else None
