"""What operators can watch: one object with everything that is counted, in its own registry.

No label holds anything that a user chose: every label has few values.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

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
        self._batch_size = Histogram(
            "chatstream_batch_size",
            "Appends in a transaction of the writer",
            buckets=_BATCH_SIZES,
            registry=registry,
        )

    def transaction(self, *, appends: int, events: int, seconds: float) -> None:
        """One transaction of the writer: how many appends and events, and how long it took."""
        self._batch_size.observe(appends)
        self._events.inc(events)
        self._commit_seconds.observe(seconds)

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """Show ``value()`` as the gauge ``chatstream_{name}`` whenever somebody looks."""
        gauge = Gauge(f"chatstream_{name}", help_text, registry=self._registry)
        gauge.set_function(value)

    def text(self) -> bytes:
        """All of it in the Prometheus text format."""
        return generate_latest(self._registry)
