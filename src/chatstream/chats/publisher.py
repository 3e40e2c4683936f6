"""``BatchPublisher``: what was committed and is still to be shown to readers."""

from __future__ import annotations

from collections.abc import Sequence

from chatstream.live.feed import Feed


class BatchPublisher:
    """Keeps stored bodies in the order of their commits, each with its feed and first position.

    Readers are fed once a batch, after all answers of it, so that an ``ack`` leaves with the
    events it stands for and not behind them.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Feed, int, Sequence[bytes]]] = []

    def add(self, feed: Feed, first_position: int, bodies: Sequence[bytes]) -> None:
        """Keeps ``bodies``, the first of which stands at ``first_position``, for ``publish``."""
        self._waiting.append((feed, first_position, bodies))

    def drop(self, feed: Feed | None) -> None:
        """Drops what is kept for ``feed``: the log holds it in another form by now."""
        self._waiting = [one for one in self._waiting if one[0] is not feed]

    def publish(self) -> None:
        """Feeds the readers; what is contiguous wakes them once."""
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
