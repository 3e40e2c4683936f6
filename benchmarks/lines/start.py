"""From ``exec`` to ready, beside a Python that imports the two big libraries and ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

from benchmarks.servers import Server, chatstream, on_first_core
from benchmarks.table import Line, Scale, median

_IMPORTS = "import litestar, uvicorn"


async def measure(scale: Scale) -> list[Line]:
    """As ``pip install chatstream-server`` gives it, with an agent of one's own and with the built-in
    assistant; then in this environment, which has every extra."""
    ready: dict[str, list[float]] = {}
    imports = []
    for _ in range(scale.starts):
        for name, server in _servers().items():
            ready.setdefault(name, []).append(await asyncio.to_thread(_ready_seconds, server))
        imports.append(await asyncio.to_thread(_import_seconds))
    return [
        Line(f"exec to ready, {name}", median(seconds), median(imports), "s", _IMPORTS, "<=", 1.5)
        for name, seconds in ready.items()
    ]


def _servers() -> dict[str, Server]:
    return {
        "no extra installed": chatstream(has_extras=False),
        "no extra installed, built-in assistant": chatstream(has_extras=False, agent=()),
        "every extra installed": chatstream(),
    }


def _ready_seconds(server: Server) -> float:
    try:
        return server.start().ready_seconds
    finally:
        server.remove()


def _import_seconds() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _IMPORTS], check=True, preexec_fn=on_first_core)
    return time.perf_counter() - began
