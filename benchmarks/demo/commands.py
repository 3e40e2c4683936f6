"""What the command line says of the chats must be what was recorded, too."""

from __future__ import annotations

import msgspec
from click.testing import CliRunner

from benchmarks.demo.audit import Found, StoredEvent, compare, lines_of
from benchmarks.demo.driver import Run
from benchmarks.demo.server import Server
from chatstream.cli.main import main as chatstream_command


class ExportedEvent(msgspec.Struct, frozen=True):
    """An event of an export: its frame without the chat and the position."""

    frame: dict[str, object]


class ExportedChat(msgspec.Struct, frozen=True):
    """A line of an export."""

    user_chat_id: str
    events: list[ExportedEvent]


async def audit_export(server: Server, runs: list[Run], found: Found) -> None:
    """``export`` holds every chat, with the recorded words."""
    lines = (await server.command("export")).splitlines()
    exported = {chat.user_chat_id: chat for chat in map(_CHAT.decode, lines)}
    for run in runs:
        events = [
            msgspec.convert({"position": position, **event.frame}, StoredEvent)
            for position, event in enumerate(exported[run.chat_id].events, start=1)
        ]
        compare(run, "export", lines_of(events), found)


def audit_replays(server: Server, frames: list[tuple[Run, list[bytes]]], found: Found) -> None:
    """``replay`` of every chat gives the recorded words, in the very frames that HTTP gave."""
    # The command itself, without a hundred processes that each import everything anew.
    runner = CliRunner(env=server.environment)
    for run, by_http in frames:
        # A resumed task may be set aside once more meanwhile: as it stood then.
        command = ["replay", run.chat_id, "--at", str(len(by_http)), "--json"]
        printed = runner.invoke(chatstream_command, command, catch_exceptions=False)
        replayed = printed.stdout_bytes.splitlines()
        if replayed != by_http:
            found.words.append(f"{run.chat_id}: replay and HTTP give different bytes")
        events = [msgspec.json.decode(frame, type=StoredEvent) for frame in replayed]
        compare(run, "replay", lines_of(events), found)


async def audit_tables(server: Server, found: Found) -> None:
    """``verify``: every table equals a fold of the log."""
    printed = (await server.command("verify")).decode().strip()
    if printed != "whole":
        found.words.append(f"verify: {printed}")


_CHAT = msgspec.json.Decoder(ExportedChat)
