"""How long the event loop was held, in CPU time: other load of the machine does not count."""

from __future__ import annotations

import asyncio
from time import thread_time
from typing import Self

AT_MOST_S = 0.25
"""CPU of one stretch: five times the rule, for a machine that is slower or collects garbage."""


class Stalls:
    """How long others had to wait for the loop, in CPU seconds of its thread."""

    async def __aenter__(self) -> Self:
        self.longest_s = 0.0
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            begun_at = thread_time()
            await asyncio.sleep(0)
            self.longest_s = max(self.longest_s, thread_time() - begun_at)
