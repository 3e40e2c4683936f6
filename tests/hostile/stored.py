"""Words that are stored and come back: in lists, in histories, to a terminal."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator

from tests.hostile.case import Case
from tests.hostile.guest import Guest, Unanswered
from tests.hostile.words import NAMED, WORDS
from tests.kit.server import REPOSITORY

_READ = (
    "chats?limit=200",
    "intents?limit=200",
    "chats/CHAT",
    "chats/CHAT/events",
    "chats/CHAT/history",
)
_COMMAND_S = 30.0


def hostile() -> Iterator[Case]:
    """Each is stored as content, names and values, and read by every way."""
    for number, (name, _) in enumerate(NAMED, start=1):
        yield Case("8 KiB", name, functools.partial(_store_and_read, number))


def harmless_ones() -> Iterator[Case]:
    """Words of that size."""
    yield Case("8 KiB", "words", functools.partial(_store_and_read, 0))


def at_a_terminal() -> Iterator[Case]:
    """The commands that show a conversation."""
    for number in (1, 5, 9, len(WORDS) - 1):
        for command in ("replay", "history"):
            act = functools.partial(_store_and_show, number, command)
            yield Case("8 KiB", f"{command} of {WORDS[number][:20]!r}", act)


async def _store_and_read(number: int, guest: Guest) -> None:
    chat = await guest.open()
    await guest.say(chat, f"store {number}")
    # What a person says comes back as well: as the title, and as it is.
    await guest.say(chat, WORDS[number].replace("\x00", ""))
    for path in _READ:
        target = path.replace("CHAT", chat)
        head = f"GET /api/v1/{target} HTTP/1.1\r\nHost: {guest.server.host}\r\n"
        await guest.ask(
            f"{head}Authorization: Bearer @TOKEN@\r\nConnection: close\r\n\r\n".encode()
        )
    await guest.socket.read_chat(user_chat_id=chat)


async def _store_and_show(number: int, command: str, guest: Guest) -> None:
    chat = await guest.open()
    await guest.say(chat, f"store {number}")
    shown = await asyncio.to_thread(_shown, command, chat, guest.server.database)
    odd = {
        hex(ord(one)) for one in shown if one not in "\n\t" and unicodedata.category(one) == "Cc"
    }
    if odd:
        raise Unanswered(f"{command} lets {sorted(odd)} through")


def _shown(command: str, chat: str, database: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "chatstream", command, chat, "--database", database],
        cwd=REPOSITORY,
        env={name: one for name, one in os.environ.items() if not name.startswith("CHATSTREAM_")},
        capture_output=True,
        timeout=_COMMAND_S,
        check=False,
    )
    if ran.returncode:
        raise Unanswered(f"{command} ended with {ran.returncode}: {ran.stderr[-200:]!r}")
    return ran.stdout.decode()
