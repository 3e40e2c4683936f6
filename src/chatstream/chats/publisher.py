"""What was committed and is still to be shown: readers are fed once a batch, after all answers
of it, so that an ``ack`` leaves with the events it stands for and not behind them.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatstream.live.feed import Feed


class Committed:
    """Stored bodies in the order of their commits, each with its feed and first position."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Feed, int, Sequence[bytes]]] = []

    def add(self, feed: Feed, first: int, bodies: Sequence[bytes]) -> None:
        """Show ``bodies``, the first of which stands at ``first``, with the next ``publish``."""
        self._waiting.append((feed, first, bodies))

    def drop(self, feed: Feed | None) -> None:
        """Show nothing of ``feed`` that waits: the log holds it in another form by now."""
        self._waiting = [one for one in self._waiting if one[0] is not feed]

    def publish(self) -> None:
        """Feed the readers; what is contiguous wakes them once."""
        waiting, self._waiting = self._waiting, []
        runs: dict[Feed, tuple[int, list[bytes]]] = {}
        for feed, position, bodies in waiting:
            start, run = runs.get(feed, (position, []))
            if start + len(run) != position:
                feed.publish(start, run)
                start, run = position, []
            run.extend(bodies)
            runs[feed] = start, run
        for feed, (start, run) in runs.items():
            feed.publish(start, run)
