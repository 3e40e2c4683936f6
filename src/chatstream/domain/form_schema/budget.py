"""A bound on the work of one check, counted in steps rather than read from a clock.

A clock would make the verdict depend on the load of the machine; a count is the same everywhere.
"""

from __future__ import annotations

from typing import Final

STEPS: Final = 15_000
"""One step is about a microsecond (``tests/domain/test_form_bounds.py`` measures it), so that a
check ends within 50 ms on a machine that is twice as slow."""
DEPTH: Final = 100
"""Schemas applied inside one another. Values nest 32 deep, and each level may pass through
a few references; each takes four frames of Python's stack of 1,000."""


class BudgetExceeded(Exception):
    """A check costs more than it may."""


class Budget:
    """The steps that one check may take."""

    __slots__ = ("left",)

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps
        """Steps that remain; ``spend`` lowers it."""

    def spend(self, steps: int = 1) -> None:
        """Count ``steps``.

        Raises:
            BudgetExceeded: there are not so many left.
        """
        self.left -= steps
        if self.left < 0:
            raise BudgetExceeded
