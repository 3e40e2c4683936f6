"""A real server whose disk, database or clock fails: every command is answered within 3 s, nothing
is acked that is not stored, health tells the truth, and it goes on without a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from tests.faults.disks import failing, fill, locked, needs_strace, small_disk
from tests.faults.process import FaultyServer
from tests.kit.laws import check_log
from tests.kit.tokens import new_id, token_for
from tests.kit.wire import Person, Socket, Talk, answer_to, http_client

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]
ANSWERED_S = 3.0
RECOVERED_S = 10.0
HOUR_S = 3600
Harm = Callable[[FaultyServer], AbstractContextManager[object]]


@contextmanager
def full(server: FaultyServer) -> Iterator[None]:
    filler = fill(Path(server.database.removeprefix("sqlite:///")).parent)
    yield
    filler.unlink()


def locked_by_another(server: FaultyServer) -> AbstractContextManager[None]:
    return locked(server.folder / "chatstream.db")


def failing_by(call: str, error: str) -> Harm:
    return lambda server: failing(server.pid, call, error)


TROUBLES = [
    pytest.param(full, id="full disk"),
    pytest.param(locked_by_another, id="locked by another process"),
    pytest.param(failing_by("pwrite64", "EROFS"), id="read-only disk", marks=needs_strace),
    pytest.param(failing_by("fdatasync", "EIO"), id="sync fails", marks=needs_strace),
]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_while_storage_fails_commands_are_answered_and_after_it_all_goes_on(
    tmp_path: Path, trouble: Harm
):
    if trouble is full:
        with small_disk(tmp_path, megabytes=4) as disk:
            await endures(tmp_path, f"sqlite:///{disk}/chatstream.db", trouble)
    else:
        await endures(tmp_path, None, trouble)


async def endures(folder: Path, database: str | None, trouble: Harm) -> None:
    server = FaultyServer(folder)
    server.database = database or server.database
    await server.up()
    person = Person(server, "worker")
    try:
        talk = await person.talk()
        acked = [(await talk.say("echo before"))[0]["message_id"]]
        with trouble(server):
            refused, stored = await asked_in_trouble(talk)
            await told_by_health(server)
        acked += stored
        await recovers(talk, refused)
        log = await talk.stored()
        check_log(log)
        ids = [frame["message_id"] for frame in log if frame["type"] == "user"]
        assert sorted(ids) == sorted([*acked, *refused])
        assert "Traceback" not in server.log_tail()
    finally:
        await person.aclose()
        server.kill()


async def asked_in_trouble(talk: Talk) -> tuple[list[str], list[str]]:
    """Send by socket and by HTTP: the ids of what was `unavailable`, and of what was acked."""
    by_socket = [new_id("send") for _ in range(4)]
    by_http = [new_id("send") for _ in range(2)]
    answers = await asyncio.gather(
        *(ask(talk.socket, message(talk, one)) for one in by_socket),
        *(post(talk, one) for one in by_http),
    )
    codes = dict(zip([*by_socket, *by_http], answers, strict=True))
    assert set(codes.values()) <= {"ack", "unavailable"}
    refused = [one for one, code in codes.items() if code == "unavailable"]
    assert refused, "nothing failed"
    return refused, [one for one, code in codes.items() if code == "ack"]


def message(talk: Talk, command_id: str) -> dict[str, object]:
    """Large enough to need room of its own."""
    content = f"quick {command_id} {'x' * 20_000}"
    return {"type": "send", "id": command_id, "user_chat_id": talk.chat, "content": content}


async def ask(socket: Socket, frame: dict[str, object]) -> str:
    """Its code, or `ack`."""
    before = len(socket.frames)
    await socket.post(frame)
    answer = await socket.until(answer_to(frame["id"]), before, seconds=ANSWERED_S)
    return answer.get("code", "ack")


async def post(talk: Talk, command_id: str) -> str:
    """The same over HTTP."""
    body = {"id": command_id, "content": message(talk, command_id)["content"]}
    answer = await talk.person.http.post(f"{talk.path}/messages", json=body, timeout=ANSWERED_S)
    return answer.json().get("code", "ack")


async def told_by_health(server: FaultyServer) -> None:
    """Alive, and not ready for a reason that it names."""
    async with http_client(server) as http:
        live, ready = await asyncio.gather(
            http.get(f"{server.url}/health/live"), http.get(f"{server.url}/health/ready")
        )
    assert (live.status_code, ready.status_code) == (200, 503)
    assert ready.json()["code"] == "unavailable"
    assert ready.json()["detail"]


async def recovers(talk: Talk, refused: list[str]) -> None:
    """Ready again, and what was refused is taken, by the same process and socket."""
    async with asyncio.timeout(RECOVERED_S):
        for command_id in refused:
            while await ask(talk.socket, message(talk, command_id)) != "ack":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        for command_id in refused:
            await talk.end(command_id)
    answer = await talk.person.http.get(f"{talk.person.server.url}/health/ready")
    assert answer.status_code == 200


async def test_a_clock_that_jumps_moves_no_position_and_ends_nothing(tmp_path: Path):
    server = FaultyServer(tmp_path, HEARTBEAT=0.3)
    await server.up(server.clock_seam)
    person = Person(server, "worker", token_for("worker", seconds=3 * HOUR_S))
    try:
        talk = await person.talk()
        for offset_s in (0, HOUR_S, -HOUR_S, 0):
            server.set_clock(offset_s)
            await clock_is_off_by(offset_s, person)
            await talk.say("slow answer")
            await talk.socket.until(lambda f: f["type"] == "heartbeat", len(talk.socket.frames))
        log = await talk.stored()
        check_log(log)
        assert talk.log() == log
        assert sum(f["type"] == "turn" and f["status"] == "finished" for f in log) == 4
        assert not any(f["type"] == "intent" and f["status"] == "abandoned" for f in log)
        assert await server.is_ready()
    finally:
        await person.aclose()
        server.kill()


async def clock_is_off_by(offset_s: float, person: Person) -> None:
    """What a `welcome` says is now."""
    async with asyncio.timeout(10):
        off_by_s = float("inf")
        while abs(off_by_s - offset_s) > HOUR_S / 2:
            socket = await person.connect()
            welcome = await socket.hello(token=person.token)
            await socket.close()
            off_by_s = datetime.fromisoformat(welcome["server_time"]).timestamp() - time.time()
