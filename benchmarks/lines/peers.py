"""What a user would pick instead: how fast, and what each loses where chatstream loses nothing."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from collections import defaultdict
from typing import NamedTuple

from benchmarks.client import Chat
from benchmarks.load import FINISHED, Sample, closed_loop
from benchmarks.peers.clients import ChainlitChat, SocketIoChat
from benchmarks.peers.environments import NotToBeHadError, server
from benchmarks.servers import Server, chatstream
from benchmarks.table import Line, Scale, median
from benchmarks.turn import EVENTS, PIECE_SECONDS, PIECES

_CHATS = 16
_PATIENCE_SECONDS = 8.0
_SLOW_SECONDS = 4.0  # a turn of Chainlit's may take one of them
_POSITION = re.compile(rb'"position":\d+,"type":"(?!chat")')


class Peer(NamedTuple):
    """A server, how it is talked to, how many messages of a turn it keeps, and how one sees the
    end of a turn and the beginning of its answer."""

    title: str
    server: Server
    kind: type[Chat]
    kept: int
    end_mark: bytes = FINISHED
    begin_mark: bytes = b'"delta"'


async def measure(scale: Scale) -> list[Line]:
    ours = Peer("chatstream", chatstream(), Chat, EVENTS)
    peers = [ours, *_to_be_had()]
    for peer in peers:
        peer.server.start()
    try:
        speeds = await _speeds(peers, scale)
        dropped = {peer.title: await _kept(peer, kill=False) for peer in peers}
        killed = {peer.title: await _kept(peer, kill=True) for peer in peers}
    finally:
        for peer in peers:
            peer.server.remove()
    lines = []
    for peer in peers[1:]:
        mine, other = speeds[ours.title], speeds[peer.title]
        lines += [
            Line(f"turns, {_CHATS} chats", _rate(mine), _rate(other), "/s", peer.title),
            Line(f"CPU a turn, {_CHATS} chats", _cpu(mine), _cpu(other), "ms", peer.title),
        ]
        for what, kept in (("connection dropped", dropped), ("server killed", killed)):
            name = f"kept of a turn, {what} in mid-answer"
            lines.append(Line(name, kept[ours.title], kept[peer.title], "%", peer.title))
    return lines


def _to_be_had() -> list[Peer]:
    peers: list[Peer] = []
    for title, name, kind, *marks in (
        ("FastAPI, aiosqlite", "handmade", Chat),
        ("python-socketio, aiosqlite", "socketio", SocketIoChat),
        ("Chainlit, SQLAlchemy", "chainlit", ChainlitChat, b'"task_end"', b"stream_"),
    ):
        try:
            peers.append(Peer(title, server(name), kind, 7, *marks))
        except NotToBeHadError as error:
            print(f"{title} is left out: {error}", file=sys.stderr)
    return peers


async def _speeds(peers: list[Peer], scale: Scale) -> dict[str, list[Sample]]:
    samples: dict[str, list[Sample]] = defaultdict(list)
    for _ in range(scale.rounds):
        for peer in peers:
            batch = peer.kind is Chat
            sample = await closed_loop(
                peer.server,
                _CHATS,
                max(scale.seconds, _SLOW_SECONDS) if peer.kind is ChainlitChat else scale.seconds,
                batch=batch,
                kind=peer.kind,
                end_mark=peer.end_mark,
            )
            samples[peer.title].append(sample)
    return samples


def _rate(samples: list[Sample]) -> float:
    return median(sample.rate for sample in samples)


def _cpu(samples: list[Sample]) -> float:
    return median(sample.cpu_ms_a_turn for sample in samples)


async def _kept(peer: Peer, *, kill: bool) -> float:
    """The share of a turn's messages that can be seen by who comes back, in percent."""
    lost = await peer.kind(peer.server.port).join()
    begun = lost.until(peer.begin_mark)
    lost.say("paced")
    await begun
    await asyncio.sleep(PIECES * PIECE_SECONDS / 3)
    if kill:
        peer.server.kill()
        peer.server.start()
    lost.close()
    loop = asyncio.get_running_loop()
    end = loop.time() + _PATIENCE_SECONDS
    while (seen := await _seen(peer, lost)) < peer.kept and loop.time() < end:
        await asyncio.sleep(0.5)
    return 100 * min(seen, peer.kept) / peer.kept


async def _seen(peer: Peer, lost: Chat) -> int:
    if peer.kind is ChainlitChat:
        return _in_its_database(peer, lost)
    chat = peer.kind(peer.server.port, token=lost.token)
    chat.keeps_messages = 1_000
    await chat.hello()
    seen = await chat.open(lost.chat_id)
    chat.close()
    return len(_POSITION.findall(seen))


def _in_its_database(peer: Peer, lost: Chat) -> int:
    """Its threads are shown to users who have logged in: what it could show is counted."""
    database = sqlite3.connect(f"file:{peer.server.home}/peer.db?mode=ro", uri=True)
    try:
        query = "SELECT count(*) FROM steps WHERE threadId = ? AND output <> ''"
        return int(database.execute(query, (lost.chat_id,)).fetchone()[0])
    finally:
        database.close()
