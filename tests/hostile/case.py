"""What one case is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tests.hostile.guest import Guest


class Case(NamedTuple):
    """``act`` does it. Cases of one ``size`` are compared with harmless ones of that size."""

    size: str
    name: str
    act: Callable[[Guest], Awaitable[object]]
