"""``chatstream serve``: the application in a uvicorn of its own, until a signal."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import socket
from collections.abc import Sequence
from typing import Final

from chatstream.app import app_of
from chatstream.config import Settings
from chatstream.errors import ConfigurationError
from chatstream.plugin import ChatStreamPlugin
from chatstream.security.hosts import unguarded
from chatstream.server import logs
from chatstream.server.uvicorn_server import Server, make_config

_log = logging.getLogger(__name__)

# Python looks for cycles at every 700 objects that are new. States and frames are many and make
# no cycle: that took a tenth of a turn's time, and at 10,000 a hundredth.
_OBJECTS_BETWEEN_COLLECTIONS: Final = 10_000


def run(settings: Settings, remarks: Sequence[str] = ()) -> None:
    """Serve until SIGTERM or SIGINT; ``remarks`` are what the operator should know first.

    Raises:
        ConfigurationError: the settings cannot be used, the database cannot be had, or the
            address is taken.
    """
    logs.configure(settings.log, settings.log_errors)
    if settings.log_errors == "full":
        _log.warning("errors are logged with their words, which may quote what people said")
    unguarded_hosts = unguarded(settings.host, settings.hosts)
    for remark in (*remarks, *([unguarded_hosts] if unguarded_hosts else [])):
        _log.warning("%s", remark)
    plugin = ChatStreamPlugin(settings)
    with _listen(settings) as listening:
        plugin.node.store.open()
        plugin.use_local_key()
        config = make_config(app_of(plugin), settings)
        server = _AnnouncingServer(config, plugin.goodbye, settings.drain_s, settings.slow_reader_s)
        server.run([listening])


class _AnnouncingServer(Server):
    """Says where it listens once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn, then tell people."""
        asyncio.get_running_loop().set_exception_handler(logs.on_uncaught)
        await super().startup(sockets)
        _spare_the_collector()
        if self.started and sockets:
            _announce(sockets[0])


def _spare_the_collector() -> None:
    gc.freeze()  # what is imported and wired stays for good
    gc.enable()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])


_ANOTHER_PORT = "; stop what listens there, or take another port with --port (0: any free one)"


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
            f"{_ANOTHER_PORT if error.errno == errno.EADDRINUSE else ''}"
        ) from error
    return listening


def _announce(listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"chatstream on http://{shown}:{port}", flush=True)  # noqa: T201 - told to people
