"""Whole recorded dialogues, driven user line by user line through a real server and socket."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.eval.data import ALARM_SERVICE, Dialogue, alarm_dialogues
from benchmarks.eval.report import Figure, share
from chatstream.client import ChatClient
from chatstream.client.frames import ResponseEvent, ToolCallEvent, UserEvent

TARGET = 80
FOLDS = 4
START_S = 30.0
NEW_ALARM = "New alarm"
ROOT = Path(__file__).resolve().parents[2]


class Call(Struct, frozen=True):
    """A tool call, as it can be compared: the time to the minute, the name in small letters."""

    tool: str
    time: str = ""
    name: str = ""


class Driven(Struct, frozen=True):
    """What came of a dialogue."""

    dialogue: Dialogue
    wanted: list[Call]
    called: list[Call]
    transcript: list[str]

    @property
    def is_right(self) -> bool:
        """The alarms that were set are those wanted, in order; what was only to be looked up was
        looked up (looking again does no harm)."""
        setting = [call for call in self.called if call.tool == "add_alarm"]
        return setting == [it for it in self.wanted if it.tool == "add_alarm"] and {
            it.tool for it in self.wanted
        } <= {it.tool for it in self.called}


def figures(folder: Path) -> list[Figure]:
    _, tested = alarm_dialogues(folder)
    name = "SGD alarms, whole dialogues through a socket: right tool, right arguments"
    return [_figure(name, drive_all(folder, tested), TARGET)]


def development_figures(folder: Path) -> list[Figure]:
    """The same of the dialogues that may be looked at, each unseen by the assistant it talks to."""
    driven = drive_development(folder)
    return [_figure("SGD alarms, the dialogues of development, cross-validated", driven, None)]


def drive_development(folder: Path) -> list[Driven]:
    """Every fold is driven through an assistant that learned from the others."""
    learned, _ = alarm_dialogues(folder)
    folds = [learned[at::FOLDS] for at in range(FOLDS)]
    return [one for fold in folds if fold for one in drive_all(folder, fold)]


def drive_all(folder: Path, dialogues: list[Dialogue]) -> list[Driven]:
    """Each dialogue in a chat of its own, one after another; none of them is learned from."""
    with _server(folder, [dialogue.id for dialogue in dialogues]) as port:
        return asyncio.run(_drive_all(port, dialogues))


def _figure(name: str, driven: list[Driven], target: float | None) -> Figure:
    right = sum(one.is_right for one in driven)
    return Figure(name, share(right, len(driven)), target=target, of=len(driven))


def wanted_calls(dialogue: Dialogue) -> list[Call]:
    """What the recorded assistant called."""
    return [
        _call(line.intent.removeprefix(f"{ALARM_SERVICE}."), line.slots)
        for line in dialogue.turns
        if line.event == "call" and line.intent is not None
    ]


def _call(intent: str, arguments: dict[str, Any]) -> Call:
    if intent in {"GetAlarms", "get_alarms"}:
        return Call("get_alarms")
    name = str(arguments.get("new_alarm_name", NEW_ALARM))
    return Call("add_alarm", str(arguments["new_alarm_time"])[:5], name.lower())


async def _drive_all(port: int, dialogues: list[Dialogue]) -> list[Driven]:
    async with ChatClient(f"ws://127.0.0.1:{port}/api/v1/chat/ws/chat") as client:
        return [await _drive(client, dialogue) for dialogue in dialogues]


async def _drive(client: ChatClient, dialogue: Dialogue) -> Driven:
    chat = await client.open(dialogue.id)
    called: list[Call] = []
    transcript: list[str] = []
    for line in dialogue.turns:
        if line.speaker != "user" or not line.text:
            continue
        async with asyncio.timeout(START_S):
            answer = await chat.answer_to(await chat.send(line.text))
        for event in answer.events:
            match event:
                case ToolCallEvent():
                    called.append(_call(event.name, dict(event.arguments or {})))
                    transcript.append(f"  * {called[-1]}")
                case UserEvent():
                    transcript.append(f"user: {event.content}")
                case ResponseEvent():
                    transcript.append(f"assistant: {event.content}")
                case _:
                    pass
    client.leave(dialogue.id)
    return Driven(dialogue, wanted_calls(dialogue), called, transcript)


@contextmanager
def _server(folder: Path, unseen: list[str]) -> Iterator[int]:
    with tempfile.TemporaryDirectory() as data, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [
            sys.executable, "-m", "chatstream", "serve", "--port", str(port),
            "--agent", "benchmarks.eval.alarm_agent:agent",
            "--database", f"sqlite:///{data}/eval.db",
        ]  # fmt: skip
        environment = {
            **os.environ,
            "CHATSTREAM_EVAL_DATA": str(folder.resolve()),
            "CHATSTREAM_EVAL_UNSEEN": " ".join(unseen),
            "CHATSTREAM_RATE_LIMIT": "0",
            "CHATSTREAM_CONNECTIONS_PER_USER": "0",
            "CHATSTREAM_NEW_CHATS_PER_USER": "0",
        }
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            _await_readiness(process, port)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=START_S)
            assert process.stderr is not None
            process.stderr.close()


def _await_readiness(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stderr is not None
            raise RuntimeError(process.stderr.read().decode(errors="replace")[-2000:])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not become ready")
