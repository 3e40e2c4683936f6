"""One chat under test: its pure pipeline, a log that keeps a database's rules, other nodes, time.

The shell is here, in some lines: it carries the effects out as ``ChatService`` does, but loads,
outcomes and timers come when the test says so.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from chatstream.chats.appends import AppendPlanner, Appends
from chatstream.chats.effects import (
    Answer,
    DecideInbox,
    DropFrames,
    Effect,
    Forward,
    Load,
    MoveReaders,
    PendingAppend,
    Publish,
    Refuse,
    Retry,
    TakeIn,
)
from chatstream.chats.pipeline import ChatPipeline
from chatstream.chats.policy import ENDS_TURNS, RunHere, SharedWriter, SoleWriter, WriterPolicy
from chatstream.chats.receipt import Receipt
from chatstream.chats.repository import CaughtUp, ChatRepository
from chatstream.domain.commands import (
    AnyCommand,
    CancelTurn,
    CloseChat,
    OpenChat,
    RecordSteps,
    SendMessage,
    Streamed,
)
from chatstream.domain.steps import Step, Thinking
from chatstream.domain.user_chat.state import CommandRecord, UserChat
from chatstream.errors import Refused
from chatstream.eventstore.store import (
    Append,
    AppendChain,
    Conflict,
    Failed,
    Outcome,
    RowKey,
    SqlValue,
    Stored,
    StoredRow,
)
from chatstream.ids import ChatId
from chatstream.projections.models import ReadModels

CHAT = ChatId("chat_1")
T = TypeVar("T")
FAILED = Failed("unavailable", doubtful=True, reason="planted")


async def _no_rows(*_: object) -> list[tuple[SqlValue, ...]]:
    return []


ROWS = ReadModels("node", _no_rows)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` gives, which never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


class Log:
    """The database: the chat's events and the ids of commands without one, and the rules by
    which an append is stored (``Engine.write``)."""

    def __init__(self) -> None:
        self.rows: list[StoredRow] = []
        self.ids: dict[RowKey, tuple[SqlValue, ...]] = {}
        self.erasures = 0

    @property
    def position(self) -> int:
        return len(self.rows)

    def write(self, append: Append) -> Outcome:
        if append.is_superseded or append.unless in self.ids or not self._continues(append):
            append.break_chain()
            return Conflict()
        if append.rewrite is not None:
            self.erasures += 1
            self.rows = [
                replace(row, body=append.rewrite(row.topic, row.body)) for row in self.rows
            ]
        for position, event in enumerate(append.events, self.position + 1):
            self.rows.append(StoredRow(CHAT, position, event.topic, event.body, position))
        for change in append.changes:
            if change.table == "remembered_commands" and change.row is not None:
                self.ids[change.table, change.key] = change.row
        return Stored()

    def _continues(self, append: Append) -> bool:
        return not append.checks_position or append.expected_position == self.position

    async def read(
        self, chat_id: ChatId, after: int, limit: int, upto: int | None = None
    ) -> list[StoredRow]:
        return self.rows[after:upto][:limit]

    async def commands_of(self, _: ChatId) -> list[tuple[str, CommandRecord]]:
        return [
            (str(row[1]), CommandRecord(row[2], str(row[3]) or None, stored_no_fact=True))
            for row in self.ids.values()
        ]


class Waiter(Struct, eq=False):
    """Who waits for the answer to ``command``; ``since`` is how far the log was then."""

    command: AnyCommand | None
    since: int = 0
    answer: Receipt | Exception | None = None
    has_given_up: bool = False

    @property
    def receipt(self) -> Receipt:
        assert isinstance(self.answer, Receipt), self.answer
        return self.answer

    @property
    def code(self) -> str:
        assert isinstance(self.answer, Refused), self.answer
        return self.answer.code


class OneChat:
    """The chat on the node under test. ``run`` is what runs here of its turn."""

    def __init__(self, policy: WriterPolicy | None = None, *, opened: bool = True) -> None:
        self.policy = policy or SoleWriter()
        self.log = Log()
        self.repository = ChatRepository(self.log, self.log)
        self.planner = AppendPlanner(ROWS, self.policy)
        self.pipeline = ChatPipeline[Waiter](CHAT, self.planner, self.policy)
        self.effects: list[Effect[Waiter]] = []
        self.appends: deque[Append] = deque()
        self.answered: list[Waiter] = []
        self.load: Load | None = None
        self.timer_at_s: float | None = None
        self.now_s = 100.0
        self.run: RunHere | None = None
        self.is_watched = False
        self.has_others = isinstance(self.policy, SharedWriter)
        self.forwarded: list[AnyCommand] = []
        self.on_append: Callable[[], object] = lambda: None
        self._numbers = itertools.count()
        if opened:
            self.elsewhere(self.open())
            self.look()

    # -- commands ---------------------------------------------------------------------------

    def base(self) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "user_chat_id": CHAT,
            "user_id": "ann",
            "now_ms": 1_700_000_000_000 + number,
            "nonce": f"n{number:015d}",
        }

    def open(self) -> OpenChat:
        return OpenChat(**self.base())

    def send(self, id: str, content: str = "hello") -> SendMessage:
        return SendMessage(**self.base(), id=id, content=content)

    def cancel(self, id: str, turn: str | None = None) -> CancelTurn:
        return CancelTurn(**self.base(), id=id, turn=turn)

    def close(self, id: str) -> CloseChat:
        return CloseChat(**self.base(), id=id)

    def steps(self, caused_by: str, *steps: Step, attempt: int = 1) -> RecordSteps:
        base = self.base()
        return RecordSteps(
            **base,
            caused_by=caused_by,
            attempt=attempt,
            steps=steps or (Thinking("plan", base["nonce"]),),
            message_id="msg_1",
        )

    # -- inputs -----------------------------------------------------------------------------

    def submit(self, command: AnyCommand) -> Waiter:
        waiter = Waiter(command, self.log.position)
        self._carry_out(self.pipeline.on_command(command, waiter, self._run_for(command)))
        return waiter

    def read_committed(self) -> Waiter:
        """A reader that is content with what this node knows (``on_reader``)."""
        waiter = Waiter(None)
        self._carry_out(self.pipeline.on_reader(waiter))
        return waiter

    def begin_read(self) -> tuple[UserChat, CaughtUp]:
        """A reader reads the log by itself; ``end_read`` brings what it has found."""
        known = self.pipeline.known
        return known, at_once(self.repository.catch_up(CHAT, known))

    def end_read(self, read: tuple[UserChat, CaughtUp]) -> None:
        self._carry_out(self.pipeline.on_read(*read, is_watched=self.is_watched))

    def look(self) -> None:
        """The load that is under way ends; if there is none, a reader reads the log."""
        if self.load is None:
            self.end_read(self.begin_read())
        else:
            self.end_load(self.read_log())

    def read_log(self) -> CaughtUp:
        """What the load that is under way finds now."""
        assert self.load is not None, "no load is under way"
        return at_once(
            self.repository.catch_up(
                CHAT, self.load.known, with_command_ids=self.load.with_command_ids
            )
        )

    def end_load(self, caught_up: CaughtUp) -> None:
        self.load = None
        self._carry_out(self.pipeline.on_loaded(caught_up))

    def fail_load(self, *, may_retry: bool = True) -> None:
        assert self.load is not None, "no load is under way"
        self.load = None
        self._carry_out(
            self.pipeline.on_load_failed(
                "unavailable", may_retry=may_retry, is_watched=self.is_watched
            )
        )

    def settle(self) -> Outcome:
        """The append that was decided first is written and answered."""
        outcome = self.log.write(self.appends[0])
        self.report(outcome)
        return outcome

    def fail(self, *, is_stored: bool = False) -> None:
        """It fails, perhaps although it is stored."""
        append = self.appends[0]
        if is_stored:
            self.log.write(append)
        append.break_chain()
        self.report(FAILED)

    def report(self, outcome: Outcome) -> None:
        self.appends.popleft()
        self._carry_out(self.pipeline.on_outcome(outcome))

    def settle_all(self) -> None:
        while self.appends:
            self.settle()

    def hear(self, position: int | None = None) -> None:
        """Another node tells of ``position``, or of all that there is."""
        reached = self.log.position if position is None else position
        self._carry_out(self.pipeline.on_heard(reached, is_watched=self.is_watched))

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        if self.timer_at_s is not None and self.timer_at_s <= self.now_s:
            self.timer_at_s = None
            self._carry_out(self.pipeline.on_timer())

    def elsewhere(self, command: AnyCommand) -> bool:
        """Another node decides ``command`` on what the log holds, and stores what comes of it;
        nobody tells this one. Gives whether anything was stored."""
        state = at_once(self.repository.load(CHAT)).state
        plan = AppendPlanner(ROWS, SharedWriter()).plan(command, state, AppendChain())
        if not isinstance(plan, Appends):
            return False
        assert self.log.write(plan.append) == Stored()
        return True

    # -- what is seen -----------------------------------------------------------------------

    def take_effects(self) -> list[type]:
        """The kinds of the effects since the last time."""
        effects, self.effects = self.effects, []
        return [type(effect) for effect in effects]

    @property
    def stored_ids(self) -> list[str]:
        """The ids of the commands in the log, in order."""
        return list(at_once(self.repository.state_at(CHAT)).commands)

    # -- the shell --------------------------------------------------------------------------

    def _run_for(self, command: AnyCommand) -> RunHere | None:
        return self.run if type(command) in ENDS_TURNS else None

    def _carry_out(  # noqa: C901 - one arm an effect
        self, effects: tuple[Effect[Waiter], ...]
    ) -> None:
        for effect in effects:
            self.effects.append(effect)
            match effect:
                case PendingAppend():
                    self.appends.append(effect.plan.append)
                    self.on_append()
                case Answer():
                    self._answer(effect.waiter, effect.receipt)
                case Refuse():
                    self._answer(effect.waiter, effect.error)
                case Load():
                    assert self.load is None, "one load at a time"
                    assert not self.appends, "nothing is read below what is in flight"
                    self.load = effect
                case DecideInbox():
                    self._decide_inbox()
                case Forward():
                    self.forwarded.append(effect.command)
                    if not self.has_others:
                        self._carry_out(self.pipeline.on_not_forwarded())
                case Retry():
                    assert self.timer_at_s is None, "one timer at a time"
                    assert effect.after_s > 0
                    self.timer_at_s = self.now_s + effect.after_s
                case Publish() | TakeIn() | MoveReaders() | DropFrames():
                    pass

    def _answer(self, waiter: Waiter, answer: Receipt | Exception) -> None:
        assert waiter.answer is None, "answered once"
        waiter.answer = answer
        self.answered.append(waiter)

    def _decide_inbox(self) -> None:
        while self.pipeline.has_ready:
            head = self.pipeline.inbox[0]
            if head.waiter.has_given_up:
                self._carry_out(self.pipeline.on_withdrawn())
            else:
                run = self._run_for(head.command)
                self._carry_out(self.pipeline.on_next(run, self.now_s))


def with_turn(policy: WriterPolicy | None = None, *, runs_here: str | None = None) -> OneChat:
    """A chat in which the turn of the message ``m1`` runs: here, with what it has streamed, or
    on another node."""
    chat = OneChat(policy)
    chat.elsewhere(chat.send("m1"))
    if runs_here is not None:
        chat.run = RunHere(Streamed("msg_1", runs_here) if runs_here else None)
    chat.look()
    chat.take_effects()
    return chat
