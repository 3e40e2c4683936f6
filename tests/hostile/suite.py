"""The whole suite: which cases go to which server, and the page of browsers."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.hostile import forms, frames, messages, requests, stored
from tests.hostile.run import HEAD, Campaign, Kind, Result, some
from tests.hostile.server import HostileServer
from tests.kit.server import REPOSITORY

AGENT: Final = "tests.hostile.agent:agent"
PAGE_TESTS: Final = ("widget/test/hostile.test.ts", "widget/test/markdown.test.ts")
SHORT: Final = {"messages": 8, "frames": 8, "headers": 20, "lists": 16, "forms": 16, "stored": 8}


class Outcome(NamedTuple):
    """What came of all."""

    results: list[Result]
    notes: list[str]

    @property
    def held(self) -> bool:
        """Whether nothing missed."""
        return not any(result.misses for result in self.results)

    def table(self) -> str:
        """For people."""
        lines = [HEAD, *(result.row() for result in self.results), *self.notes]
        for result in self.results:
            if result.worst_case:
                lines.append(f"dearest of {result.kind}: {result.worst_case[:160]}")
            lines += [
                f"MISSED by {one.found_by}: {one.case}: {one.figure}" for one in result.misses
            ]
        return "\n".join(lines)


def by_default(*, is_long: bool) -> Iterator[Kind]:
    """For the server as it is installed, with the built-in assistant."""

    def of(name: str) -> int | None:
        return None if is_long else SHORT[name]

    most = 120 if is_long else 8
    yield Kind(
        "messages", some(messages.hostile(most), of("messages")), [*messages.harmless_ones()]
    )
    yield Kind("frames", some(frames.hostile(), of("frames")), [*frames.harmless_ones()])
    yield Kind("headers", some(requests.headers(), of("headers")), [*requests.harmless_ones()])
    yield Kind("lists", some(requests.lists(), of("lists")), [*requests.harmless_ones()])


def by_agent(*, is_long: bool) -> Iterator[Kind]:
    """For a server whose agent shows hostile forms and stores hostile words."""
    most = None if is_long else SHORT["forms"]
    yield Kind("forms", some(forms.cases(harmless=False), most), [*forms.cases(harmless=True)])
    most = None if is_long else SHORT["stored"]
    yield Kind("stored words", some(stored.hostile(), most), [*stored.harmless_ones()])
    most = None if is_long else 2
    yield Kind("terminal", [*stored.at_a_terminal()][:most], [*stored.harmless_ones()])


async def run(folder: Path, source: Path = REPOSITORY, *, is_long: bool, only: str = "") -> Outcome:
    """Try all, or the kinds whose name begins with ``only``."""
    results: list[Result] = []
    for name, agent, kinds in (
        ("default", None, by_default(is_long=is_long)),
        ("agent", AGENT, by_agent(is_long=is_long)),
    ):
        chosen = [kind for kind in kinds if kind.name.startswith(only)]
        if chosen:
            results += await _on_server(folder / name, agent, source, chosen)
    return Outcome(results, [])


async def _on_server(
    folder: Path, agent: str | None, source: Path, kinds: list[Kind]
) -> list[Result]:
    server = HostileServer(folder, agent, source)
    await asyncio.to_thread(server.start)
    try:
        return await Campaign(server, folder).run(kinds)
    finally:
        server.kill()


def page() -> tuple[bool, str]:
    """Whether what a browser shows of hostile words held, and a line that says so."""
    folder = REPOSITORY / "web"
    if shutil.which("npm") is None or not (folder / "node_modules").exists():
        return True, "SKIPPED: Markdown in a browser (there is no npm, or `make widget` never ran)"
    ran = subprocess.run(
        ["npm", "test", "--silent", "--", *PAGE_TESTS],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        return False, f"MISSED: Markdown in a browser:\n{ran.stdout[-3000:]}{ran.stderr[-1000:]}"
    return True, "held: Markdown in a browser (vitest)"


def new_folder() -> Path:
    """For the servers' data; whoever asks removes it."""
    return Path(tempfile.mkdtemp(prefix="chatstream-hostile-"))
