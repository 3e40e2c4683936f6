"""Planted bugs: each is a mistake that real servers make. A suite that lets one pass is no proof.

`plant` is called in the server process (`seams`: `bug=NAME`), before anything of it has started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace


class Bug(Struct, frozen=True):
    """What is wrong, how it is planted, which kinds of violation show it, and what brings it to
    light: the lives of the server (each but the last ends in a death), or a trace of its syncs."""

    what: str
    plant: Callable[[], None]
    shows: frozenset[str]
    lives: tuple[str, ...] = ("",)
    by_trace: bool = False
    writers: int = 3


def ack_before_commit() -> None:
    from chatstream.eventstore.store import Stored
    from chatstream.eventstore.writer import GroupCommitWriter

    append = GroupCommitWriter.append

    def append_and_say_so(self: Any, item: Any, done: Any) -> None:
        self._loop.call_soon(done, Stored())
        self._loop.call_soon(self._on_batch)
        append(self, item, lambda _: None)

    GroupCommitWriter.append = append_and_say_so


def synchronous(level: str) -> Callable[[], None]:
    def plant() -> None:
        from chatstream.eventstore.sqlite import engine as sqlite

        prepare = sqlite.prepare_to_write

        def prepare_badly(connection: Any) -> None:
            prepare(connection)
            connection.execute(f"PRAGMA synchronous = {level}")

        sqlite.prepare_to_write = prepare_badly

    return plant


def no_dedupe() -> None:
    from chatstream.domain.user_chat import decisions

    decisions._is_repeat = lambda state, key: False


def dedupe_in_memory() -> None:
    from chatstream.domain.user_chat import decisions

    known: set[str] = set()
    is_repeat = decisions._is_repeat

    def is_known(state: Any, key: Any) -> bool:
        if key.id in known:
            return is_repeat(state, key)
        known.add(key.id)
        return False

    decisions._is_repeat = is_known


def resume_off_by_one() -> None:
    from chatstream.ws import opening

    find = opening.find_start

    async def find_next(frame: Any, *arguments: Any) -> Any:
        start = await find(frame, *arguments)
        return replace(start, after=start.after + 1) if frame.after else start

    opening.find_start = find_next


def drop_for_slow_readers() -> None:
    from chatstream.ws.writer import Writer

    has_news = Writer._has_news

    def drop(self: Any, follower: Any) -> None:
        if self._sink.is_paused:
            follower.position = follower.feed.tip
        has_news(self, follower)

    Writer._has_news = drop


def _passed_unchecked(self: Any, frames: Any) -> list[bytes]:
    taken: list[bytes] = []
    for frame in frames:
        if frame.position <= self.position:
            continue
        self.position = frame.position
        taken.append(frame.data)
        caught_up = self._caught_up()
        if caught_up is not None:
            taken.append(caught_up)
    return taken


def subscribe_after_history() -> None:
    from chatstream.ws import opening
    from chatstream.ws.follower import Follower

    find, caught_up = opening.find_start, Follower._caught_up

    async def find_slowly(*arguments: Any) -> Any:
        start = await find(*arguments)
        await asyncio.sleep(0.1)
        return start

    def subscribe(self: Any) -> Any:
        frame = caught_up(self)
        if frame is not None:
            self.position = self.feed.tip
        return frame

    opening.find_start, Follower._caught_up = find_slowly, subscribe
    Follower._passed = _passed_unchecked


def no_skip_of_overlap() -> None:
    from chatstream.ws.follower import Follower

    caught_up = Follower._caught_up

    def send_buffered(self: Any) -> Any:
        frame = caught_up(self)
        if frame is not None:
            self.position = max(0, self.position - 1)
        return frame

    Follower._caught_up = send_buffered


def no_fencing() -> None:
    """A run that is over goes on, and the chat takes what it yields."""
    from chatstream.domain.commands import RecordSteps
    from chatstream.domain.user_chat import decisions
    from chatstream.turns.run import Run

    decide = decisions.decide_step
    turns: dict[str, Any] = {}

    def decide_all(draft: Any, command: Any) -> None:
        turn = draft.state.turn
        if turn is not None and turn.caused_by == command.caused_by:
            turns[command.caused_by] = turn
        elif isinstance(command, RecordSteps) and command.caused_by in turns:
            draft.state = replace(draft.state, turn=turns[command.caused_by])
        decide(draft, command)

    decisions.decide_step = decide_all
    Run.end = lambda self: None


def two_runs_after_a_crash() -> None:
    from chatstream.turns.runner import TurnRunner

    start = TurnRunner._start

    def start_twice(self: Any, run: Any, state: Any) -> None:
        start(self, run, state)
        if state.turn.attempt > 1:
            self._prepare(run.chat_id, state)
            start(self, self._runs.get(run.chat_id), state)

    TurnRunner._start = start_twice


def turns_lost_in_a_crash() -> None:
    from chatstream.turns.runner import TurnRunner

    def recover_none(self: Any, work: Any) -> None:
        pass

    TurnRunner.recover = recover_none


def reordered_sends() -> None:
    from chatstream.ws.connection import Connection

    execute, count = Connection._execute, 0

    def execute_now_or_later(self: Any, frame: Any) -> None:
        nonlocal count
        count += 1
        if count % 2:
            self._loop.call_later(0.01, execute, self, frame)
        else:
            execute(self, frame)

    Connection._execute = execute_now_or_later


def fed_by_success_only() -> None:
    """Readers get what commits report, not what the log holds."""
    from chatstream.live.feed import Feed
    from chatstream.live.hub import Hub
    from chatstream.ws.follower import Follower

    def keep_the_ring(self: Any) -> None:
        pass

    def newer(self: Any, after: int, _: int) -> Any:
        return [frame for frame in self._ring if frame.position > after]

    Feed._drop_ring = keep_the_ring
    Hub.moved_to = lambda self, chat_id, tip: None
    Hub.forget = lambda self, chat_id: None
    ready = Feed.ready
    Feed.ready = lambda self, after, size: (
        newer(self, after, size) if self._ring else ready(self, after, size)
    )
    Follower._passed = _passed_unchecked


def shown_before_commit() -> None:
    """Readers see events that are decided and not yet on the disk."""
    from chatstream.chats.service import ChatService

    append = ChatService._append

    def append_and_show(self: Any, chat: Any, decided: Any) -> None:
        events = decided.plan.append.events
        feed = self._hub.get(chat.chat_id)
        if feed is not None and events:
            first = decided.plan.append.expected_position + 1
            feed.publish(first, [one.body for one in events])
        append(self, chat, decided)

    ChatService._append = append_and_show
    ChatService.publish = lambda self: self._publisher.__init__()


def bytes_of_their_own() -> None:
    """One transport encodes anew."""
    from chatstream.http import sse

    event = sse.event
    sse.event = lambda frame: event(replace(frame, data=frame.data.replace(b'":', b'": ')))


def offsets_in_bytes() -> None:
    from chatstream.ws.follower import Follower

    delta = Follower._delta

    def delta_at_byte(self: Any, offset: int, text: str) -> Any:
        answer = self.feed.answer
        sent = "" if answer is None else answer.text[:offset]
        return delta(self, len(sent.encode()), text)

    Follower._delta = delta_at_byte


def two_acks() -> None:
    from chatstream.protocol.frames import Ack
    from chatstream.ws.connection import Connection

    send = Connection._send

    def send_twice(self: Any, frame: Any) -> None:
        if isinstance(frame, Ack) and frame.duplicate:
            send(self, frame)
        send(self, frame)

    Connection._send = send_twice


def ack_of_the_newest() -> None:
    """A repeat is acked with where the chat stands now."""
    from chatstream.protocol.frames import Ack
    from chatstream.ws.connection import Connection

    send = Connection._send

    def send_wrong(self: Any, frame: Any) -> None:
        if isinstance(frame, Ack) and frame.duplicate:
            frame = replace(frame, position=frame.position + 1)
        send(self, frame)

    Connection._send = send_wrong


def _shows(*kinds: str) -> frozenset[str]:
    return frozenset(kinds)


BUGS: Final[dict[str, Bug]] = {
    "ack_before_commit": Bug(
        "an ack leaves before the commit", ack_before_commit, _shows("lost"), ("die=begun:40", "")
    ),
    "no_fsync": Bug("commits are not synced", synchronous("OFF"), _shows("early"), by_trace=True),
    "synchronous_normal": Bug(
        "commits are synced later", synchronous("NORMAL"), _shows("early"), by_trace=True
    ),
    "no_dedupe": Bug("a repeat is stored again", no_dedupe, _shows("doubled")),
    "dedupe_in_memory": Bug(
        "a restart forgets the ids",
        dedupe_in_memory,
        _shows("doubled", "moved"),
        # A commit of steps alone is sent again by nobody.
        ("die=committed:20", "die=committed:26", "die=committed:37", ""),
    ),
    "resume_off_by_one": Bug(
        "a reader resumes one too far", resume_off_by_one, _shows("gap"), ("die=written:80", "")
    ),
    "drop_for_slow_readers": Bug(
        "who reads slowly misses events", drop_for_slow_readers, _shows("gap", "stuck")
    ),
    "subscribe_after_history": Bug(
        "events between history and subscription are missed",
        subscribe_after_history,
        _shows("gap", "stuck"),
    ),
    "no_skip_of_overlap": Bug("history and live overlap", no_skip_of_overlap, _shows("doubled")),
    "no_fencing": Bug("a run that is over still stores steps", no_fencing, _shows("turn")),
    "two_runs_after_a_crash": Bug(
        "a turn is taken up twice",
        two_runs_after_a_crash,
        _shows("turn"),
        ("die=settled:40", "die=settled:40", ""),
        writers=2,
    ),
    "turns_lost_in_a_crash": Bug(
        "a turn is not taken up",
        turns_lost_in_a_crash,
        _shows("turn"),
        # A death between two turns loses none.
        ("die=settled:40", "die=settled:31", "die=settled:34", "die=settled:37", ""),
        writers=2,  # the third one cancels, which ends what nobody runs
    ),
    "reordered_sends": Bug("pipelined sends change places", reordered_sends, _shows("reordered")),
    "fed_by_success_only": Bug(
        "readers miss commits whose report was lost",
        fed_by_success_only,
        _shows("gap"),
        ("doubt=40:3",),
    ),
    "shown_before_commit": Bug(
        "readers see what may never be stored",
        shown_before_commit,
        _shows("disagreement", "resync"),
        ("die=begun:40", ""),
    ),
    "bytes_of_their_own": Bug(
        "transports disagree about the bytes", bytes_of_their_own, _shows("disagreement")
    ),
    "offsets_in_bytes": Bug("deltas count bytes", offsets_in_bytes, _shows("stream")),
    "two_acks": Bug("a repeat is answered twice", two_acks, _shows("answers")),
    "ack_of_the_newest": Bug(
        "a repeat is acked at another position", ack_of_the_newest, _shows("moved", "answers")
    ),
}
