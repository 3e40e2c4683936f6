"""An event loop whose clock jumps to the next timer when nothing else is to be done.

Minutes of back-off and heartbeats pass in no time, and always in the same order. A loop that
waits for nothing fails at once instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self):
        super().__init__()
        self.now = 1000.0

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("everyone waits, and nothing will ever happen")
        self.now += max(timeout, 0)
        if self.now > 20_000:
            raise AssertionError("hours went by, and what the test waits for did not happen")
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self):
        return self._jumping.now


def run(coroutine):
    """Run ``coroutine`` to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)
