"""Reads a system-call trace of a server: did each ack leave after the sync that covers its write?

A write to the write-ahead log is recognised by the command's id in it, an ack by the frame.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from tests.faults.line import Line, http_client
from tests.faults.process import FaultyServer

CALL = re.compile(r"^(?P<thread>\d+) +(?:<\.\.\. )?(?P<name>\w+)(?P<resumed> resumed>)?")
ACK = re.compile(r'\\"type\\":\\"ack\\",\\"id\\":\\"(send_[0-9a-z_]+)\\"')
ID = re.compile(r'\\"message_id\\":\\"(send_[0-9a-z_]+)\\"')
TRACED = "trace=pwrite64,fdatasync,fsync,write,writev,sendmsg,sendto"


class Order(Struct):
    """How many acks the trace has, and the ids of those that left too early."""

    acks: int = 0
    early: list[str] = []


def tracer(trace: Path) -> tuple[str, ...]:
    """The command that runs a server under a trace, whole strings in it."""
    return ("strace", "-f", "-y", "-s", "200000", "-o", str(trace), "-e", TRACED)


def may_trace() -> bool:
    """Whether processes can be traced on this machine."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def order_of(lines: Iterable[str]) -> Order:
    """The order of writes, syncs and acks in a trace."""
    order = Order()
    unsynced: set[str] = set()
    in_sync: dict[str, set[str]] = {}
    durable: set[str] = set()
    for line in lines:
        call = CALL.match(line)
        if call is None:
            continue
        thread, name = call["thread"], call["name"]
        if name == "pwrite64" and "-wal" in line:
            unsynced |= set(ID.findall(line)) - durable
        elif name in {"fdatasync", "fsync"}:
            if not call["resumed"]:
                in_sync[thread] = set(unsynced) if "-wal" in line else set()
            if "unfinished" not in line and line.rstrip().endswith("= 0"):
                covered = in_sync.pop(thread, set())
                durable |= covered
                unsynced -= covered
        else:
            for command_id in ACK.findall(line):
                order.acks += 1
                if command_id not in durable:
                    order.early.append(command_id)
    return order


async def traced(folder: Path, bug: str = "", *, sockets: int = 4, sends: int = 15) -> Order:
    """Send so many messages, several at once, to a server that is traced."""
    trace = folder / "trace"
    server = FaultyServer(folder, f"bug={bug}" if bug else "")
    server.prefix_command = tracer(trace)
    await server.up()
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*(_talk(server, number, sends) for number in range(sockets)))
    finally:
        server.kill()
    with trace.open(errors="replace") as lines:
        return order_of(lines)


async def _talk(server: FaultyServer, number: int, sends: int) -> None:
    chat = f"chat_{number}"
    async with http_client(server.port) as client:
        (await client.post("/chats", json={"user_chat_id": chat})).raise_for_status()
    line = await Line.join(server.port)
    waiting = {f"send_{number}_{count}" for count in range(sends)}
    for command_id in sorted(waiting):
        content = {"content": "quick one", "user_chat_id": chat}
        await line.send({"type": "send", "id": command_id, **content})
    async for frame, _ in line.frames():
        waiting.discard(frame.id or "") if frame.type == "ack" else None
        if not waiting:
            break
    line.abort()
