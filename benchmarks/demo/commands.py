"""What the command line says of a chat must be what was recorded, too."""

from __future__ import annotations

from benchmarks.demo.audit import Found, StoredEvent
from benchmarks.demo.driver import Run
from benchmarks.demo.server import Server


async def audit_commands(server: Server, run: Run, events: list[StoredEvent], found: Found) -> None:
    """Nothing yet."""
