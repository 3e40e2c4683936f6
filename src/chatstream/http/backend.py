"""What the HTTP side is built from, and how its handlers get it."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from chatstream.config import Settings
from chatstream.http.ports import Connections, Lists, Readiness, Service, UserValues
from chatstream.http.streams import Streams
from chatstream.metrics import Metrics
from chatstream.security.identity import Identities, Identity
from chatstream.security.limited_log import LimitedLog
from chatstream.security.quotas import RateLimiter, Shares

_log = logging.getLogger(__name__)


class Backend(Struct, frozen=True, kw_only=True):
    """All dependencies of the HTTP side. One a server.

    ``frames_schema`` makes the JSON Schema of the wire's frames once somebody asks; ``now_ms`` is
    the wall clock in Unix milliseconds; ``suggestions`` first messages for an empty chat; ``log``
    takes what strangers can cause.
    """

    settings: Settings
    identities: Identities
    limiter: RateLimiter
    shares: Shares
    service: Service
    lists: Lists
    user_values: UserValues
    connections: Connections
    readiness: Readiness
    metrics: Metrics
    streams: Streams
    frames_schema: Callable[[], bytes]
    now_ms: Callable[[], int]
    suggestions: tuple[str, ...] = ()
    log: LimitedLog = msgspec.field(default_factory=lambda: LimitedLog(_log))


BackendDependency = NamedDependency[SkipValidation[Backend]]
"""Injected by the name ``chatstream_backend``."""

CallerDependency = NamedDependency[SkipValidation[Identity]]
"""Who asks; injected by the name ``chatstream_caller``. To name it is to demand it."""
