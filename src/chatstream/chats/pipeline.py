"""What becomes of one chat's commands, and in which order: a state machine without any I/O.

A command is decided on the *tip* (the state after all that has been decided) and appended at its
position. What leaves the server is taken from the *committed* state. The tip runs ahead, so that
steps do not wait for the disk. ``inbox`` holds the commands that are not decided, ``in_flight``
what is decided and not on disk, both in order.

``Freshness`` says what the states are worth:

    UNKNOWN   nothing: the log may hold anything (at first, after a failed append, an erasure, or
              a fault in a decision: some code may have changed the state in memory)
    STALE     ``committed`` holds, but the log may hold more: nothing is decided on the tip
    CURRENT   ``tip`` is the log with all that is in flight

The machine (``→ X`` is the state afterwards, ``[…]`` the effects; *load* is ``[Load]`` unless one
is under way or something is in flight):

    input               CURRENT                                UNKNOWN, STALE
    on_command          decide it (below)                      to the inbox, load
    on_reader           [Answer]                               to the readers, load
    on_loaded           does not happen                        → CURRENT [TakeIn, Answer each
                                                               reader, DecideInbox if one waits];
                                                               → STALE, load if more was heard of
    on_next             decide the head of the inbox           does not happen
    on_withdrawn        drop the head of the inbox             does not happen
    on_load_failed      nothing (when the service closes)      [Refuse each command and reader,
                                                               Retry if a turn may run]
    on_outcome
      Stored            [Publish if it has events, Answer], then the replies behind it
      Stored, erasure   → UNKNOWN, otherwise the same; the replies are decided again
      Conflict          → STALE, it is decided again, and the replies behind it;
                        the 101st time [Refuse]
      Failed            → UNKNOWN [DropFrames, Refuse]; the replies behind it are decided again
      (the last one)    nothing more                           what is decided again goes to the
                                                               front of the inbox, load
    on_heard            up to the tip: nothing; else           notes the position; load if
                        → STALE, load if somebody looks on     somebody looks on or waits
    on_read             nothing under way: as on_loaded, if it is news;
                        else [MoveReaders], and as on_heard
    on_timer            nothing                                load
    on_not_forwarded    does not happen                        no patience any more, load

    to decide on CURRENT        alone        beside others, not fresh    beside others, fresh
    it stores something         append it    append it                   append it
    it stores nothing           reply        hold it: → STALE, load      reply
      known by its id           reply        reply                       reply
    a fault, not fresh          hold it: → UNKNOWN, load (fresh: reply, as it stores nothing)
    it ends a turn that         append it    hold it: → STALE, load      hold it: → STALE [Retry,
      another node runs                                                  Forward], then append it
                                                                         once patience is over

*Fresh* is a command that came before the load began that led to the state. A reply waits for the
appends before it: where one of those is not stored, it is decided again. What is held or decided
again goes to the front of the inbox: commands are stored in the order in which they came.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final, Generic, assert_never

from msgspec.structs import replace

from chatstream.chats.appends import Acknowledges, AppendPlanner, Appends, Refuses
from chatstream.chats.effects import (
    Answer,
    DecideInbox,
    DropFrames,
    Effect,
    Forward,
    Load,
    MoveReaders,
    PendingAppend,
    PendingCommand,
    PendingReply,
    Publish,
    Refuse,
    Retry,
    TakeIn,
    W,
)
from chatstream.chats.policy import MAY_STORE_NO_EVENT, RunHere, WriterPolicy
from chatstream.chats.receipt import Receipt
from chatstream.chats.repository import CaughtUp
from chatstream.domain.commands import AnyCommand, ClearSession, ClientCommand
from chatstream.domain.user_chat.evolution import INITIAL
from chatstream.domain.user_chat.state import UserChat
from chatstream.errors import Code, Refused, StaleTurn
from chatstream.eventstore.store import AppendChain, Conflict, Failed, Outcome, Stored
from chatstream.ids import ChatId

TRIES: Final = 100
"""How often a command is decided again because another node was faster."""
ANOTHER_WITHIN_S: Final = 1.0
"""How long the node that runs a turn may take to end it on the word of another one."""
RELOAD_AFTER_S: Final = 0.5
"""When a chat whose turn may have lost its run is read again while the storage is down."""

Effects = tuple[Effect[W], ...]


class Freshness(Enum):
    """What the states of a chat in memory are worth; the module's docstring tells the states."""

    UNKNOWN = "unknown"
    STALE = "stale"
    CURRENT = "current"


_UNKNOWN, _STALE, _CURRENT = Freshness


class ChatPipeline(Generic[W]):
    """Carries the commands of the chat ``chat_id`` through decision, append and answer.

    Each method takes one input and returns the effects, to be carried out in order before the
    next input of the chat, but for inputs that an effect itself brings about. Times are seconds
    of a monotonic clock.

    Attributes:
        chat_id: The chat.
        freshness: What ``tip`` and ``committed`` are worth.
        tip: The state after all that has been decided.
        committed: The state after all that is known to be on disk.
        inbox: The commands that are not decided, in the order in which they came.
        in_flight: What is decided and not answered, in the order of the decisions. The first is
            always an append.
        heard_of: The newest position that others told of since the last load began; 0 is none.
    """

    __slots__ = (
        "_again",
        "_chain",
        "_fresh",
        "_has_timer",
        "_is_loading",
        "_planner",
        "_policy",
        "_readers",
        "_superseded",
        "chat_id",
        "committed",
        "freshness",
        "heard_of",
        "in_flight",
        "inbox",
        "tip",
    )

    def __init__(self, chat_id: ChatId, planner: AppendPlanner, policy: WriterPolicy) -> None:
        self.chat_id = chat_id
        self.freshness = _UNKNOWN
        self.tip: UserChat = INITIAL
        self.committed: UserChat = INITIAL
        self.inbox: deque[PendingCommand[W]] = deque()
        self.in_flight: deque[PendingAppend[W] | PendingReply[W]] = deque()
        self.heard_of = 0
        self._planner = planner
        self._policy = policy
        self._chain = AppendChain()
        # Commands in flight whose decision is void, in order.
        self._again: list[PendingCommand[W]] = []
        self._readers: list[W] = []
        # How many commands at the front of the inbox came before the load began.
        self._fresh = 0
        self._is_loading = False
        self._has_timer = False
        # Whether the tip is void, not only out of date: an append was not stored since the last
        # load, or erased what the states hold.
        self._superseded = False

    # -- what others may know ---------------------------------------------------------------

    @property
    def is_current(self) -> bool:
        """Whether the tip may be decided on."""
        return self.freshness is _CURRENT

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, so that the chat may be forgotten."""
        return not (
            self.in_flight or self.inbox or self._again or self._is_loading or self._has_timer
        )

    @property
    def has_ready(self) -> bool:
        """Whether the head of the inbox can be decided now."""
        return bool(self.inbox) and self.freshness is _CURRENT

    @property
    def known(self) -> UserChat:
        """The newest state that the log is known to have had; ``INITIAL`` is none."""
        return INITIAL if self.freshness is _UNKNOWN else self.committed

    # -- commands and readers ---------------------------------------------------------------

    def on_command(self, command: AnyCommand, waiter: W, run: RunHere | None) -> Effects[W]:
        """Takes a command in.

        Args:
            command: The command.
            waiter: Who waits for its receipt.
            run: The run of the chat's turn, if that is on this node; not needed for a command
                that ends no turn (``policy.ENDS_TURNS``).
        """
        pending = PendingCommand(command, waiter)
        if self.freshness is _CURRENT and not self.inbox:
            return self._decide(pending, run)
        self.inbox.append(pending)
        return self._load()

    def on_next(self, run: RunHere | None, now_s: float) -> Effects[W]:
        """Decides the head of the inbox, while the chat ``has_ready``; ``run`` as above."""
        is_fresh = self._fresh > 0
        return self._decide(self._take_next(), run, now_s if is_fresh else None)

    def on_withdrawn(self) -> Effects[W]:
        """Drops the head of the inbox: nobody waits for it any more."""
        self._take_next()
        return ()

    def on_reader(self, waiter: W) -> Effects[W]:
        """Answers ``waiter`` with the committed state, once there is one."""
        if self.freshness is _CURRENT:
            return (_answer_of_reader(waiter, self.committed),)
        self._readers.append(waiter)
        return self._load()

    def on_not_forwarded(self) -> Effects[W]:
        """Takes in that there is no other node to ask: this one ends the turn itself."""
        self.inbox.appendleft(replace(self.inbox.popleft(), patience_until_s=_OVER))
        return self._load()

    # -- the store --------------------------------------------------------------------------

    def on_outcome(self, outcome: Outcome) -> Effects[W]:
        """Takes in what became of the append that was decided first."""
        settled = self.in_flight.popleft()
        assert isinstance(settled, PendingAppend)
        match outcome:
            case Stored():
                effects = self._stored(settled)
            case Conflict():
                effects = self._conflicted(settled.pending)
            case Failed():
                effects = self._failed(settled.pending, outcome)
            case _:  # pragma: no cover
                assert_never(outcome)
        if self.freshness is _CURRENT and not self.in_flight:
            return effects
        return effects + self._follow_up()

    def _stored(self, settled: PendingAppend[W]) -> Effects[W]:
        plan = settled.plan
        self.committed = plan.after
        receipt = Receipt(plan.position, False, plan.after)  # noqa: FBT003
        answer = Answer(settled.pending.waiter, receipt)
        if not plan.events:
            return (answer,)
        if plan.append.rewrite is not None:
            self._distrust()  # what the state still holds has just been erased
        return (Publish(plan), answer)

    def _conflicted(self, pending: PendingCommand[W]) -> Effects[W]:
        self._superseded = True
        self._fall_behind()
        if pending.tries >= TRIES:
            return (Refuse(pending.waiter, Refused("overloaded")),)
        self._again.append(replace(pending, tries=pending.tries + 1))
        return ()

    def _failed(self, pending: PendingCommand[W], failed: Failed) -> Effects[W]:
        self._distrust()
        return (DropFrames(), Refuse(pending.waiter, Refused(failed.code)))

    def _follow_up(self) -> Effects[W]:
        """Gives the replies whose appends before them are stored, has the others decided again,
        and reads the log once nothing is in flight."""
        effects: list[Effect[W]] = []
        while self.in_flight and isinstance(reply := self.in_flight[0], PendingReply):
            self.in_flight.popleft()
            if self._superseded:
                self._again.append(reply.pending)
            else:
                effects.append(self._answer(reply.pending, reply.plan))
        if self.freshness is not _CURRENT and not self.in_flight:
            self.inbox.extendleft(reversed(self._again))
            self._again.clear()
            effects += self._load()
        return tuple(effects)

    # -- the log ----------------------------------------------------------------------------

    def on_loaded(self, caught_up: CaughtUp) -> Effects[W]:
        """Takes in what a ``Load`` has read."""
        self._is_loading = False
        return self._take_in(caught_up, reads_on=True)

    def on_load_failed(self, code: Code, *, may_retry: bool, is_watched: bool) -> Effects[W]:
        """Takes in that the log cannot be read.

        Args:
            code: What everybody who waits is refused with.
            may_retry: Whether it may be better half a second later.
            is_watched: Whether somebody here follows the chat or runs its turn.
        """
        self._is_loading = False
        waiters = [*(pending.waiter for pending in self.inbox), *self._readers]
        self.inbox.clear()
        self._readers.clear()
        effects: list[Effect[W]] = [Refuse(waiter, Refused(code)) for waiter in waiters]
        may_have_a_turn = self.tip.turn is not None or self.committed.turn is not None
        if may_retry and (may_have_a_turn or is_watched):
            # Somebody must take the turn up and feed the readers, asked or not.
            effects += self._retry(RELOAD_AFTER_S)
        return tuple(effects)

    def on_heard(self, position: int, *, is_watched: bool) -> Effects[W]:
        """Takes in that the chat's log is said to reach ``position``; ``is_watched`` as above."""
        reached = self.tip.position if self.freshness is _CURRENT else 0
        if position <= max(reached, self.heard_of):
            return ()
        self.heard_of = position
        self._fall_behind()
        return self._load() if is_watched or self.inbox else ()

    def on_read(self, known: UserChat, caught_up: CaughtUp, *, is_watched: bool) -> Effects[W]:
        """Takes in what somebody else has read of the log, beside the loads.

        Args:
            known: What was ``known`` when that began.
            caught_up: What was found.
            is_watched: As above.
        """
        if self._is_quiet and self.known is known:
            is_old = self.freshness is _CURRENT and not (caught_up.bodies or caught_up.is_whole)
            return () if is_old else self._take_in(caught_up, reads_on=is_watched)
        state = caught_up.state
        return (MoveReaders(state), *self.on_heard(state.position, is_watched=is_watched))

    def on_timer(self) -> Effects[W]:
        """Takes in that the time of a ``Retry`` has come."""
        self._has_timer = False
        return self._load()

    # -- deciding ---------------------------------------------------------------------------

    def _take_next(self) -> PendingCommand[W]:
        self._fresh -= 1
        return self.inbox.popleft()

    def _decide(
        self, pending: PendingCommand[W], run: RunHere | None, fresh_at_s: float | None = None
    ) -> Effects[W]:
        """Decides a command on the tip; ``fresh_at_s`` is the time, for one that is fresh."""
        command = pending.command if run is None else _with_streamed(pending.command, run)
        plan = self._planner.plan(command, self.tip, self._chain)
        if not isinstance(plan, Appends):
            if fresh_at_s is None and _is_fault(plan):
                self.freshness = _UNKNOWN  # the state may be what is wrong; the log is right
                self._hold(pending)
                return self._load()
            return self._reply(pending, plan, is_fresh=fresh_at_s is not None)
        if self._policy.runs_elsewhere(command, plan.events, run) and _has_patience(
            pending, fresh_at_s
        ):
            return self._leave_to_another(pending, fresh_at_s)
        decided = PendingAppend(pending, plan)
        self.tip = plan.after
        self.in_flight.append(decided)
        return (decided,)

    def _reply(
        self, pending: PendingCommand[W], plan: Acknowledges | Refuses, *, is_fresh: bool
    ) -> Effects[W]:
        if not self._policy.may_stand(plan, is_fresh=is_fresh):
            self._hold(pending)
            return self._load()
        if self.in_flight:
            self.in_flight.append(PendingReply(pending, plan))
            return ()
        return (self._answer(pending, plan),)

    def _answer(
        self, pending: PendingCommand[W], plan: Acknowledges | Refuses
    ) -> Answer[W] | Refuse[W]:
        match plan:
            case Acknowledges():
                # What another node did for this one is the command's first answer.
                duplicate = plan.duplicate and pending.patience_until_s is None
                receipt = Receipt(plan.position, duplicate, self.committed)
                return Answer(pending.waiter, receipt)
            case Refuses():
                return Refuse(pending.waiter, plan.error)
            case _:  # pragma: no cover
                assert_never(plan)

    def _leave_to_another(self, pending: PendingCommand[W], fresh_at_s: float | None) -> Effects[W]:
        """Waits for the node that runs the turn, once it is sure that there is one."""
        if fresh_at_s is None:
            self._hold(pending)
            return self._load()
        if pending.patience_until_s is not None:
            self._hold(pending)
            return self._retry(pending.patience_until_s - fresh_at_s)
        self._hold(replace(pending, patience_until_s=fresh_at_s + ANOTHER_WITHIN_S))
        return (*self._retry(ANOTHER_WITHIN_S), Forward(pending.command))

    # -- the state of knowledge -------------------------------------------------------------

    @property
    def _is_quiet(self) -> bool:
        return not (self.in_flight or self.inbox or self._again or self._is_loading)

    def _hold(self, pending: PendingCommand[W]) -> None:
        """Keeps a command that has to be decided on what the log holds now."""
        self.inbox.appendleft(pending)
        self._fall_behind()

    def _fall_behind(self) -> None:
        if self.freshness is _CURRENT:
            self.freshness = _STALE

    def _distrust(self) -> None:
        self._superseded = True
        self.freshness = _UNKNOWN

    def _load(self) -> Effects[W]:
        """Reads the log on, unless that is under way or has to wait for what is in flight."""
        if self.freshness is _CURRENT or self._is_loading or self.in_flight:
            return ()
        self._is_loading = True
        self._fresh = len(self.inbox)
        self.heard_of = 0  # what is heard from now on may not be read yet
        with_ids = any(type(one.command) in MAY_STORE_NO_EVENT for one in self.inbox)
        return (Load(self.known, with_ids),)

    def _retry(self, after_s: float) -> Effects[W]:
        """Sets the timer, unless it is set: whatever it was set for, the log is read then."""
        if self._has_timer:
            return ()
        self._has_timer = True
        return (Retry(after_s),)

    def _take_in(self, caught_up: CaughtUp, *, reads_on: bool) -> Effects[W]:
        """Goes on from what the log holds; ``reads_on``: and reads on if that is not all."""
        superseded, self._superseded = self._superseded, False
        readers, self._readers = self._readers, []
        self.tip = self.committed = caught_up.state
        self._chain = AppendChain()
        self.freshness = _CURRENT
        effects: list[Effect[W]] = [TakeIn(caught_up, superseded)]
        effects += [_answer_of_reader(reader, self.committed) for reader in readers]
        if self.heard_of > self.tip.position:
            self._fall_behind()
            effects += self._load() if reads_on else ()
        elif self.inbox:
            effects.append(DecideInbox())
        return tuple(effects)


_OVER: Final = float("-inf")


def _with_streamed(command: AnyCommand, run: RunHere) -> AnyCommand:
    """Adds what the run has streamed, in case the command ends its turn."""
    if run.streamed is None:
        return command
    assert isinstance(command, (ClientCommand, ClearSession))
    return replace(command, streamed=run.streamed)


def _is_fault(plan: Acknowledges | Refuses) -> bool:
    """Returns whether a plan is no decision, but an error that nobody raises on purpose."""
    return isinstance(plan, Refuses) and not isinstance(plan.error, (Refused, StaleTurn))


def _has_patience(pending: PendingCommand[W], fresh_at_s: float | None) -> bool:
    """Returns whether the turn is still left to the node that runs it."""
    until_s = pending.patience_until_s
    return fresh_at_s is None or until_s is None or fresh_at_s < until_s


def _answer_of_reader(waiter: W, state: UserChat) -> Answer[W]:
    return Answer(waiter, Receipt(state.position, duplicate=True, state=state))
