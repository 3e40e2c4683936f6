"""Downloads a key set within one deadline, however slowly it comes.

``PyJWKClient`` of PyJWT is not used: it blocks its caller, its time limit holds for each read and
not for the whole (a server that sends a byte a second is never late), it follows redirects to any
host and to ``ftp:``, and it reads without a bound.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.request
from functools import partial
from typing import IO, Any, Final
from urllib.parse import SplitResult, urlsplit

MAX_BYTES: Final = 1 << 20

_SCHEMES: Final = ("http", "https")


def is_url(source: str) -> bool:
    """Whether ``source`` names something to download, and not a file."""
    return "://" in source


def refuse_url(url: str) -> None:
    """``ValueError`` for what is no URL of http or https with a host."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError("expected a file, or a URL of http or https")


def download(url: str, deadline_s: float) -> bytes:
    """What ``url`` answers, within ``deadline_s`` seconds from now and ``MAX_BYTES``. Blocks;
    proxies are taken from the environment.

    Raises:
        OSError, http.client.HTTPException: it does not answer, in time, or not with a 2xx.
        ValueError: it answers too much, or is no URL of http or https.
    """
    refuse_url(url)
    deadline = _Deadline()
    timer = threading.Timer(deadline_s, deadline.cut)
    timer.daemon = True
    timer.start()
    try:
        # `refuse_url` and `_SameServer` let http and https pass alone.
        with _opener(deadline).open(url, timeout=deadline_s) as answer:
            body = bytes(answer.read(MAX_BYTES + 1))
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"it answers with the status {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if deadline.is_over:
            raise TimeoutError(f"it did not come within {deadline_s:g} s") from error
        raise
    finally:
        timer.cancel()
    if deadline.is_over:  # what was cut may look like what has come to its end
        raise TimeoutError(f"it did not come within {deadline_s:g} s")
    if len(body) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    return body


class _Deadline:
    """Cuts the connections of one download. A thread that waits for a read can be woken by
    nothing else."""

    def __init__(self) -> None:
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._guard = threading.Lock()

    def watch(self, connected: socket.socket) -> None:
        """Cut this one too, at once where the time is over."""
        with self._guard:
            self._sockets.append(connected)
            if self.is_over:
                _shut(connected)

    def cut(self) -> None:
        """The time is over."""
        with self._guard:
            self.is_over = True
            for connected in self._sockets:
                _shut(connected)


def _shut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is closed already
        # Below TLS, whose own goodbye would wait for the peer.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


class _PlainConnection(http.client.HTTPConnection):
    def __init__(self, *arguments: Any, deadline: _Deadline, **options: Any) -> None:  # noqa: ANN401 - as the base
        super().__init__(*arguments, **options)
        self._deadline = deadline

    def connect(self) -> None:
        super().connect()
        self._deadline.watch(self.sock)


class _TlsConnection(http.client.HTTPSConnection):
    def __init__(self, *arguments: Any, deadline: _Deadline, **options: Any) -> None:  # noqa: ANN401 - as the base
        super().__init__(*arguments, **options)
        self._deadline = deadline

    def connect(self) -> None:
        super().connect()  # the handshake has a time limit as a whole
        self._deadline.watch(self.sock)


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_PlainConnection, deadline=self._deadline), req)


class _TlsHandler(urllib.request.HTTPSHandler):
    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        made = partial(
            _TlsConnection, deadline=self._deadline, context=ssl.create_default_context()
        )
        return self.do_open(made, req)


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Follows redirects within the server that the operator named, and its own step to TLS."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not _is_same_server(urlsplit(req.full_url), urlsplit(newurl)):
            fp.close()
            raise urllib.error.URLError("a redirect to another server is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_same_server(old: SplitResult, new: SplitResult) -> bool:
    if old.hostname != new.hostname:
        return False
    if old.scheme == new.scheme:
        return _port(old) == _port(new)
    return (old.scheme, new.scheme) == _SCHEMES


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _opener(deadline: _Deadline) -> urllib.request.OpenerDirector:
    """``urllib``'s own without files, FTP and data URLs."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SameServer(),
        _PlainHandler(deadline),
        _TlsHandler(deadline),
    ):
        opener.add_handler(handler)
    return opener
