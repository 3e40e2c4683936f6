"""What operators can watch: one object with everything that is counted, in its own registry.

No label holds anything that a user chose: every label has few values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_LAGS = (1, 100, 10_000)
_WAIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
# From an answer out of a table to an agent at its time limit.
_TURN_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_CLOSE_CODES = frozenset(
    {1000, 1001, 1002, 1005, 1006, 1007, 1009, 1011, 1012, 4400, 4401, 4408, 4410, 4429}
)

# From a commit on a fast disk to a database in trouble.
_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """The server's counters. Each may be used from the thread of the loop."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.commands = Counter(
            "chatstream_commands",
            "Client commands, by what became of them (ack, duplicate, or the code)",
            ["transport", "result"],
            registry=registry,
        )
        self.requests = Counter(
            "chatstream_http_requests",
            "HTTP requests that were answered",
            ["method", "status"],
            registry=registry,
        )
        self._events = Counter("chatstream_events", "Events stored", registry=registry)
        self._commit_seconds = Histogram(
            "chatstream_commit_seconds",
            "Time of a transaction of the writer",
            buckets=_COMMIT_SECONDS,
            registry=registry,
        )
        self._sync_seconds = Histogram(
            "chatstream_sync_seconds",
            "Time of the commit in a transaction: the sync to disk",
            buckets=_COMMIT_SECONDS,
            registry=registry,
        )
        self._batch_size = Histogram(
            "chatstream_batch_size",
            "Appends in a transaction of the writer",
            buckets=_BATCH_SIZES,
            registry=registry,
        )

        # A label looked up costs three times what counting does: the common ones are at hand.
        self._acks = {
            False: self.commands.labels("socket", "ack"),
            True: self.commands.labels("socket", "duplicate"),
        }
        self._ack_seconds = Histogram(
            "chatstream_ack_seconds",
            "From a command that came by socket to its ack",
            buckets=_WAIT_SECONDS,
            registry=registry,
        )
        self._closes = Counter(
            "chatstream_socket_closes",
            "WebSocket connections that ended, by close code",
            ["code"],
            registry=registry,
        )
        self.refused_upgrades = Counter(
            "chatstream_refused_upgrades",
            "WebSocket upgrades that were refused, by code",
            ["code"],
            registry=registry,
        )
        self.opens = Counter(
            "chatstream_opens",
            "Chats opened on sockets: created, whole, resumed (from a position), resync",
            ["kind"],
            registry=registry,
        )
        self.turns = Counter(
            "chatstream_turns",
            "Turns that left this process, by outcome (handed_over: another run goes on)",
            ["outcome"],
            registry=registry,
        )
        self.turn_seconds = Histogram(
            "chatstream_turn_seconds",
            "Time of a turn's run, by outcome",
            ["outcome"],
            buckets=_TURN_SECONDS,
            registry=registry,
        )
        self.first_text_seconds = Histogram(
            "chatstream_first_text_seconds",
            "From the start of a turn's run to the first text of its answer",
            buckets=_TURN_SECONDS,
            registry=registry,
        )

        self._loop_blocked = Counter(
            "chatstream_loop_blocked",
            "Times that something held the event loop for more than half a second",
            registry=registry,
        )
        self._loop_blocked_seconds = Counter(
            "chatstream_loop_blocked_seconds",
            "Seconds for which the event loop was held, in stretches of more than half a second",
            registry=registry,
        )

    def loop_blocked(self, seconds: float) -> None:
        """Something held the event loop for so long. For the thread of the watchdog, too."""
        self._loop_blocked.inc()
        self._loop_blocked_seconds.inc(seconds)

    def acked(self, seconds: float, *, duplicate: bool) -> None:
        """A command that came by socket was acknowledged after ``seconds``."""
        self._acks[duplicate].inc()
        self._ack_seconds.observe(seconds)

    def rejected(self, code: str) -> None:
        """A frame that came by socket was refused."""
        self.commands.labels("socket", code).inc()

    def socket_closed(self, code: int) -> None:
        """A socket ended; a peer may choose its code, and not how many series there are."""
        self._closes.labels(str(code) if code in _CLOSE_CODES else "other").inc()

    def transaction(
        self, *, appends: int, events: int, seconds: float, commit_seconds: float
    ) -> None:
        """One transaction of the writer: how many appends and events, and how long it took,
        the commit of it on its own."""
        self._sync_seconds.observe(commit_seconds)
        self._batch_size.observe(appends)
        self._events.inc(events)
        self._commit_seconds.observe(seconds)

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """Show ``value()`` as the gauge ``chatstream_{name}`` whenever somebody looks."""
        gauge = Gauge(f"chatstream_{name}", help_text, registry=self._registry)
        gauge.set_function(value)

    def watch_lags(self, lags: Callable[[], Iterable[int]]) -> None:
        """Show how many stored events each reader has still to be sent, whenever somebody looks:
        the most, and how many readers are so far behind. A series a reader would be too many."""
        self._registry.register(_Lags(lags))

    def text(self) -> bytes:
        """All of it in the Prometheus text format."""
        return generate_latest(self._registry)


class _Lags(Collector):
    """Looks at every reader when it is asked."""

    def __init__(self, lags: Callable[[], Iterable[int]]) -> None:
        self._lags = lags

    def collect(self) -> Iterator[GaugeMetricFamily]:
        lags = tuple(self._lags())
        yield GaugeMetricFamily(
            "chatstream_reader_lag_events",
            "Stored events that the slowest reader has still to be sent",
            value=max(lags, default=0),
        )
        behind = GaugeMetricFamily(
            "chatstream_readers_behind",
            "Readers (sockets and event streams) that have at least so many events to be sent",
            labels=["events"],
        )
        for least in _LAGS:
            behind.add_metric([str(least)], sum(lag >= least for lag in lags))
        yield behind
