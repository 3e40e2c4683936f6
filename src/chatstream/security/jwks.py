"""The public keys of the application that signs tokens: a JWK Set in a file or at a URL.

Tokens are judged by the keys that are known, at once. The set is read in the background: at the
start of the server, every ``RENEW_EVERY_S`` after that, and when no known key has signed a token,
but for that reason not more often than every ``RELOAD_AFTER_S``: forged tokens must not become
requests to somebody's identity provider. Within that time what is not known counts as not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from chatstream.errors import ConfigurationError, Refused
from chatstream.security.key_download import MAX_BYTES, download, is_url, refuse_url

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS: Final = ("RS256", "ES256")
"""What a token signed with one of these keys may name; symmetric keys never count."""

RELOAD_AFTER_S: Final = 10.0
RENEW_EVERY_S: Final = 300.0
"""How long a key that was withdrawn still counts."""
DOWNLOAD_S: Final = 5.0
"""How long a download may take as a whole."""
PATIENCE_S: Final = 1.0
"""How long a token that no known key has signed waits for a download: a new key of a provider
that answers is found, and one that does not answer holds nobody up for long."""

UNREADABLE: Final = (OSError, ValueError, RecursionError, http.client.HTTPException)
"""What ``read_keys`` raises."""

_GRACE_S = 1.0  # for what no deadline can cut: the look-up of a name
_MOST_KEYS = 100  # a token that names no key is tried with each of its algorithm
_log = logging.getLogger(__name__)


class _Document(Struct, frozen=True):
    keys: list[dict[str, Any]]


class KeySet:
    """The keys found at ``source``. A file is read at once, a URL in the background: the
    application behind it may start after us. ``start`` and ``close`` go with the server's life;
    without ``start`` the set is read when a token needs it."""

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``source`` is a path or an http(s) URL; ``clock`` is in seconds.

        Raises:
            ConfigurationError: the file cannot be read or holds no key that can be used, or the
                URL is of another scheme.
        """
        self._source = source
        self._clock = clock
        self._keys: Sequence[PyJWK] = _first_keys(source)
        self._asked_at: float | None = None  # when a token last made us read
        self._reading: asyncio.Task[None] | None = None
        self._rounds: asyncio.Task[None] | None = None
        self._downloading: _Download | None = None

    def find(self, algorithm: str, key_id: str | None) -> list[PyJWK]:
        """The keys that may have signed a token with this header, among those known now."""
        return [
            key
            for key in self._keys
            if key.algorithm_name == algorithm and key_id in (None, key.key_id)
        ]

    def start(self) -> None:
        """Read the set now and then, in the background, until ``close``."""
        self._rounds = asyncio.create_task(self._go_round(), name="chatstream-keys")

    async def close(self) -> None:
        """End what runs in the background."""
        tasks = [task for task in (self._rounds, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def renew(self) -> None:
        """No known key has signed a token: have the set read again if the last time is long
        enough ago, and wait ``PATIENCE_S`` for it; where no key is known at all, until its end.

        Raises:
            Refused: ``unavailable``, as long as no set could be read at all.
        """
        if self._reading is None and self._may_ask():
            self._asked_at = self._clock()
            self._read_on()
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=PATIENCE_S if self._keys else None)
        if not self._keys:
            raise Refused("unavailable", "the keys that tokens are signed with cannot be read")

    def _may_ask(self) -> bool:
        return self._asked_at is None or self._clock() - self._asked_at >= RELOAD_AFTER_S

    async def _go_round(self) -> None:
        while True:
            if self._reading is None:
                self._read_on()
            await asyncio.sleep(RENEW_EVERY_S if self._keys else RELOAD_AFTER_S)

    def _read_on(self) -> None:
        self._reading = asyncio.create_task(self._read(), name="chatstream-read-keys")

    async def _read(self) -> None:
        first = not self._keys
        try:
            self._keys = await self._download().keys()
        except UNREADABLE as error:
            _log.warning("CHATSTREAM_JWKS cannot be read, the known keys stay: %s", error)
        else:
            if first:
                self._asked_at = None  # no token has made us read a set that was known
        finally:
            self._reading = None

    def _download(self) -> _Download:
        if self._downloading is not None and not self._downloading.is_over:
            raise TimeoutError("the last try has not ended yet")
        self._downloading = _Download(self._source)
        return self._downloading


def read_keys(source: str) -> Sequence[PyJWK]:
    """The usable keys at ``source``, a path or a URL; blocks up to ``DOWNLOAD_S``.

    Raises:
        OSError, ValueError, RecursionError, http.client.HTTPException: there are none to be had.
    """
    document = msgspec.json.decode(_bytes_of(source), type=_Document)
    keys = [key for one in document.keys[:_MOST_KEYS] if (key := _usable(one)) is not None]
    if not keys:
        raise ValueError(f"no key for {' or '.join(ALGORITHMS)} in it")
    return keys


def _first_keys(source: str) -> Sequence[PyJWK]:
    try:
        if is_url(source):
            refuse_url(source)
            return ()
        return read_keys(source)
    except UNREADABLE as error:
        raise ConfigurationError(f"CHATSTREAM_JWKS: {source!r} cannot be used: {error}") from error


class _Download:
    """One reading of a source, in a thread of its own: it may still be looking for a name when the
    time is over, and must not keep the process from ending."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[Sequence[PyJWK]] = self._loop.create_future()
        self.is_over = False
        """Whether the thread has read what there is."""
        threading.Thread(target=self._read, name="chatstream-keys", daemon=True).start()

    async def keys(self) -> Sequence[PyJWK]:
        """As ``read_keys``; ``TimeoutError`` if the time is over."""
        async with asyncio.timeout(DOWNLOAD_S + _GRACE_S):
            return await self._done

    def _read(self) -> None:
        try:
            settle = partial(self._settle, read_keys(self._source), None)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            settle = partial(self._settle, (), error)
        self.is_over = True
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(settle)

    def _settle(self, keys: Sequence[PyJWK], error: Exception | None) -> None:
        if self._done.done():
            return
        if error is None:
            self._done.set_result(keys)
        else:
            self._done.set_exception(error)


def _bytes_of(source: str) -> bytes:
    if is_url(source):
        return download(source, DOWNLOAD_S)
    with Path(source).open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    return content


def _usable(key: dict[str, Any]) -> PyJWK | None:
    from jwt import PyJWK, PyJWTError

    if key.get("use", "sig") != "sig":
        return None
    try:
        made = PyJWK(key)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None  # a set may hold kinds of keys that are not for us
    return made if made.algorithm_name in ALGORITHMS else None
