"""The demonstration: dialogues, kills, cuts, and at the end a table and a verdict."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import httpx

from benchmarks.demo.audit import Auditor, Found
from benchmarks.demo.commands import audit_export, audit_replays, audit_tables
from benchmarks.demo.dialogues import EXCERPT, read
from benchmarks.demo.driver import Driver, Run
from benchmarks.demo.server import Server

IDLE_GRACE_SECONDS = 5.0
"""Beyond the time-out itself: the server may take 2 s, and this machine may be busy."""


def main() -> int:
    """Run the demonstration; 0 if every promise was kept."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="chatstream-demo-") as folder:
        return asyncio.run(Demonstration(options, Path(folder)).run())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=__doc__)
    parser.add_argument("--data", type=Path, default=_data(), help="folder of the dialogues")
    parser.add_argument("--dialogues", type=int, default=120)
    parser.add_argument("--kills", type=int, default=6, help="kill -9 of the server, on the way")
    parser.add_argument("--cut-rate", type=float, default=0.01, help="chance of a cut a message")
    parser.add_argument("--at-once", type=int, default=12, help="dialogues at the same time")
    parser.add_argument("--abandon-after", type=float, default=4.0, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _data() -> Path:
    folder = Path(os.environ.get("DATA", "../shared/data"))
    return folder if folder.is_dir() else EXCERPT


class Demonstration:
    """One run: play, wait, resume, audit, tell."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options = options
        self._server = Server(folder, options.data, abandon_after=options.abandon_after)
        self._chance = Random(options.seed)
        dialogues = read(options.data)
        self._runs = [
            Run(dialogue, f"demo-{number}-{dialogue.id}")
            for number, dialogue in enumerate(
                dialogues[at % len(dialogues)] for at in range(options.dialogues)
            )
        ]
        self._total = sum(len(run.dialogue.exchanges) for run in self._runs)
        self._said = 0
        self._progress = asyncio.Event()
        self._kills = 0
        self._found = Found()

    async def run(self) -> int:
        began = time.monotonic()
        await self._server.start()
        try:
            address = f"{self._server.http}/api/v1"
            async with httpx.AsyncClient(base_url=address) as http:
                token = (await http.post("/visitors")).json()["token"]
            driver = Driver(
                self._server.socket,
                token,
                cut_rate=self._options.cut_rate,
                seed=self._options.seed,
                on_message=self._one_more,
            )
            _say(f"{len(self._runs)} dialogues, {self._total} messages")
            await self._play(driver)
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30) as http:
                counted = await self._settle(driver, Auditor(http))
        finally:
            self._server.stop()
        self._found.words += [word for run in self._runs for word in run.violations]
        return self._tell(driver, counted, time.monotonic() - began)

    # ------------------------------------------------------------------------- the play

    async def _play(self, driver: Driver) -> None:
        room = asyncio.Semaphore(self._options.at_once)

        async def play(run: Run) -> None:
            async with room:
                await driver.play(run)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._kill_on_the_way())
            for run in self._runs:
                tasks.create_task(play(run))

    async def _kill_on_the_way(self) -> None:
        for number in range(1, self._options.kills + 1):
            while self._said < self._total * number // (self._options.kills + 1):
                self._progress.clear()
                await self._progress.wait()
            # Somewhere in the answers that are under way.
            await asyncio.sleep(self._chance.uniform(0, 0.2))
            self._server.kill()
            self._kills += 1
            _say(f"kill -9 number {self._kills}, after {self._said} of {self._total} messages")
            await self._server.start()

    def _one_more(self) -> None:
        self._said += 1
        self._progress.set()

    # ------------------------------------------------------------------- the reckoning

    async def _settle(self, driver: Driver, auditor: Auditor) -> dict[str, int]:
        completed = [run for run in self._runs if run.dialogue.completed]
        broken_off = [
            run for run in self._runs if not run.dialogue.completed and run.dialogue.exchanges
        ]
        _say("all is said; waiting for what was broken off to be set aside, then taking it up")
        complete = await self._all_become(auditor, completed, "complete")
        abandoned = await self._all_become(auditor, broken_off, "abandoned")
        for run in broken_off:
            await driver.resume(run)
        resumed = await self._all_become(auditor, broken_off, "active")
        _say("comparing history, events, export, replay and tables with the recording")
        frames = [(run, await auditor.audit(run, self._found)) for run in self._runs]
        await audit_export(self._server, self._runs, self._found)
        await asyncio.to_thread(audit_replays, self._server, frames, self._found)
        await audit_tables(self._server, self._found)
        return {"complete": complete, "abandoned": abandoned, "resumed": resumed}

    async def _all_become(self, auditor: Auditor, runs: list[Run], status: str) -> int:
        """How many of ``runs`` have one task, in this state; each that has not is a violation."""
        patience = self._options.abandon_after + IDLE_GRACE_SECONDS
        count = 0
        for run in runs:
            if await auditor.until_status(run.chat_id, status, patience):
                count += 1
            else:
                is_now = await auditor.statuses(run.chat_id)
                self._found.words.append(f"{run.chat_id} is {is_now}, not {status}")
        return count

    def _tell(self, driver: Driver, counted: dict[str, int], seconds: float) -> int:
        counts, found = driver.counts, self._found
        clients = len(self._runs) + counted["resumed"]
        table = {
            "dialogues": len(self._runs),
            "messages": counts.messages,
            "kills": self._kills,
            "cuts": counts.cuts,
            "reconnects": counts.connections - clients,
            "turns restarted": found.restarted,
            "resent": counts.resent,
            "duplicates acked": counts.duplicates,
            "lost": found.lost,
            "doubled": found.doubled,
            "reordered": found.reordered,
            **counted,
            "violations": len(found.words),
            "seconds": round(seconds),
        }
        for name, value in table.items():
            print(f"{name:>17} {value:>7,}")
        for word in found.words[:20]:
            print(word, file=sys.stderr)
        return int(bool(found.words or found.lost or found.doubled or found.reordered))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
