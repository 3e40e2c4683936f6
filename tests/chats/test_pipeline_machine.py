"""Commands, outcomes, loads, other nodes, hints, readers and timers in any order.

The model is the log: what is stored, and what each command was answered with.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.chats.one_chat import CHAT, OneChat, Waiter, at_once

from chatstream.chats.pipeline import ANOTHER_WITHIN_S, Freshness
from chatstream.chats.policy import (
    MAY_STORE_NO_EVENT,
    RunHere,
    SharedWriter,
    SoleWriter,
    WriterPolicy,
)
from chatstream.chats.receipt import Receipt
from chatstream.domain.commands import (
    AbandonIntent,
    AnyCommand,
    ClientCommand,
    EraseChat,
    FinishTurn,
    RestartTurn,
    ResumeIntent,
    Streamed,
)
from chatstream.domain.user_chat.state import UserChat
from chatstream.errors import Refused
from chatstream.eventstore.mapper import decode
from chatstream.ids import IntentId

IDS = st.sampled_from([f"c{number}" for number in range(6)])
KINDS = st.sampled_from(
    ["send"] * 3
    + ["steps"] * 2
    + ["cancel", "finish", "restart", "resume", "abandon", "open", "close", "erase"]
)


class Interleavings(RuleBasedStateMachine):
    """Anything that can come to a pipeline comes, in any order, and its promises hold."""

    policy: WriterPolicy

    def __init__(self) -> None:
        super().__init__()
        self.chat = OneChat(self.policy)
        self.waiters: list[Waiter] = []
        self.readers: list[Waiter] = []
        self.checked = 0
        self.folds: dict[tuple[int, int], UserChat] = {}
        self.once_to = 0
        self.known_without_event: set[str] = set()

    # -- commands ---------------------------------------------------------------------------

    def command(self, kind: str, id: str) -> AnyCommand:
        """A command of that kind for the chat as the log holds it."""
        chat, state = self.chat, self.stored()
        base = chat.base()
        turn = state.turn
        caused_by, attempt = (turn.caused_by, turn.attempt) if turn else ("c0", 1)
        of_run = {**base, "caused_by": caused_by, "attempt": attempt}
        intent = state.newest_intent_id or IntentId("none")
        match kind:
            case "send":
                return chat.send(id)
            case "cancel":
                return chat.cancel(id)
            case "close":
                return chat.close(id)
            case "resume":
                return ResumeIntent(**base, id=id, user_intent_id=intent)
            case "abandon":
                return AbandonIntent(**base, id=id, user_intent_id=intent)
            case "steps":
                return chat.steps(caused_by, attempt=attempt)
            case "finish":
                return FinishTurn(**of_run, message_id="msg_1", streamed_text="done")
            case "restart":
                return RestartTurn(**of_run, crashed=False, max_attempts=3)
            case "erase":
                return EraseChat(**base)
            case _:
                return chat.open()

    @rule(kind=KINDS, id=IDS)
    def submit(self, kind, id):
        command = self.command(kind, id)
        if id in dict(at_once(self.chat.log.commands_of(CHAT))):
            self.known_without_event.add(command.nonce)
        self.waiters.append(self.chat.submit(command))

    @rule(kinds=st.tuples(KINDS, KINDS), id=IDS)
    def submit_what_another_node_overtook(self, kinds, id):
        self.write_elsewhere(kinds[0], id, tells=False)
        self.submit(kinds[1], id)

    @precondition(lambda self: any(one.answer is None for one in self.waiters))
    @rule(data=st.data())
    def give_up(self, data):
        waiting = [one for one in self.waiters if one.answer is None]
        data.draw(st.sampled_from(waiting)).has_given_up = True

    @rule(text=st.sampled_from([None, "", "Hel"]), watched=st.booleans(), others=st.booleans())
    def circumstances_change(self, text, watched, others):
        streamed = Streamed("msg_1", text) if text else None
        self.chat.run = None if text is None else RunHere(streamed)
        self.chat.is_watched, self.chat.has_others = watched, others

    # -- the store, the log -----------------------------------------------------------------

    @precondition(lambda self: self.chat.appends)
    @rule()
    def settle(self):
        self.chat.settle()

    @precondition(lambda self: self.chat.appends)
    @rule()
    def settle_all(self):
        self.chat.settle_all()

    @precondition(lambda self: self.chat.appends)
    @rule(is_stored=st.booleans())
    def fail(self, is_stored):
        self.chat.fail(is_stored=is_stored)

    @precondition(lambda self: self.chat.load is not None)
    @rule()
    def end_load(self):
        self.chat.look()

    @precondition(lambda self: self.chat.load is not None)
    @rule(kind=KINDS, late=KINDS, id=IDS, tells=st.booleans())
    def end_load_that_another_node_overtook(self, kind, late, id, tells):
        read = self.chat.read_log()
        self.write_elsewhere(kind, id, tells)
        self.submit(late, id)
        self.chat.end_load(read)

    @precondition(lambda self: self.chat.load is not None)
    @rule(may_retry=st.booleans())
    def fail_load(self, may_retry):
        self.chat.fail_load(may_retry=may_retry)

    # -- others -----------------------------------------------------------------------------

    @rule(kind=KINDS, id=IDS, tells=st.booleans())
    def write_elsewhere(self, kind, id, tells):
        if isinstance(self.policy, SharedWriter):
            self.chat.elsewhere(self.command(kind, id))
        if tells:
            self.chat.hear()

    @rule(beyond=st.integers(0, 2))
    def hear(self, beyond):
        self.chat.hear(self.chat.log.position + beyond)

    @rule()
    def read(self):
        if isinstance(self.policy, SoleWriter):
            self.readers.append(self.chat.read_committed())
        else:
            self.chat.end_read(self.chat.begin_read())

    @precondition(lambda self: self.chat.timer_at_s is not None)
    @rule(seconds=st.sampled_from([0.1, 0.5, ANOTHER_WITHIN_S]))
    def pass_time(self, seconds):
        self.chat.pass_time(seconds)

    # -- promises ---------------------------------------------------------------------------

    def stored(self, position: int | None = None) -> UserChat:
        log = self.chat.log
        key = (log.erasures, log.position if position is None else position)
        if key not in self.folds:
            self.folds[key] = at_once(self.chat.repository.state_at(CHAT, key[1]))
        return self.folds[key]

    @invariant()
    def somebody_works_for_all_who_wait(self):
        chat = self.chat
        if any(not one.has_given_up and one.answer is None for one in self.waiters + self.readers):
            assert chat.load or chat.appends or chat.timer_at_s is not None

    @invariant()
    def nothing_is_kept_that_nobody_needs(self):
        pipeline = self.chat.pipeline
        if pipeline.is_idle:
            assert not pipeline.inbox
            assert not pipeline.in_flight
            assert self.chat.load is None

    @invariant()
    def appends_stand_one_behind_the_other(self):
        """In the order of the decisions, and the tip behind them."""
        appends = self.chat.appends
        for one, following in zip(appends, list(appends)[1:], strict=False):
            assert following.expected_position == one.expected_position + len(one.events)
        if appends and self.chat.pipeline.is_current:
            last = appends[-1]
            assert last.expected_position + len(last.events) == self.chat.pipeline.tip.position

    @invariant()
    def what_is_committed_is_in_the_log(self):
        pipeline = self.chat.pipeline
        if pipeline.freshness is not Freshness.UNKNOWN:
            self.assert_is_stored(pipeline.committed)

    @invariant()
    def answers_come_in_the_order_of_the_commands(self):
        """But that whoever the storage fails hears of it at once, and that of an erased chat all
        are told the same."""
        if self.stored().status == "erased":
            return
        answered = [one for one in self.chat.answered if not _is_to_be_sent_again(one.answer)]
        order = [self.waiters.index(one) for one in answered if one.command is not None]
        assert order == sorted(order)

    @invariant()
    def each_answer_is_true(self):
        for waiter in self.chat.answered[self.checked :]:
            self.check(waiter)
        self.checked = len(self.chat.answered)

    def check(self, waiter: Waiter) -> None:
        command, answer = waiter.command, waiter.answer
        if isinstance(answer, Receipt):
            self.assert_is_stored(answer.state)
            if isinstance(command, ClientCommand):
                record = answer.state.commands.get(command.id)
                assert record is not None
                assert record.position == answer.position
                assert answer.duplicate or not self.was_known(waiter)
            assert answer.duplicate or answer.state.position >= waiter.since
        elif not _is_to_be_sent_again(answer):
            # Nothing guards a refusal but that it was decided on all that had been stored.
            assert self.chat.pipeline.committed.position >= waiter.since

    def was_known(self, waiter: Waiter) -> bool:
        """Whether the command had been carried out when it came. Who gives another command the
        same id may be told so only by an event."""
        command = waiter.command
        assert isinstance(command, ClientCommand)
        if command.id in self.stored(waiter.since).commands:
            return True
        return type(command) in MAY_STORE_NO_EVENT and command.nonce in self.known_without_event

    def assert_is_stored(self, state: UserChat) -> None:
        assert state.position <= self.chat.log.position
        if self.stored().status == "erased":
            return  # its words are gone from the log
        stored = self.stored(state.position)
        for name in ("status", "turn", "waiting", "last_event_id", "active_intent_id"):
            assert getattr(state, name) == getattr(stored, name)

    @invariant()
    def each_command_is_stored_once(self):
        if self.once_to == self.chat.log.position:
            return
        self.once_to = self.chat.log.position
        events = [decode(row.topic, row.body) for row in self.chat.log.rows]
        hidden = [one.hidden for one in events if one is not None and one.hidden is not None]
        ids = [one.command.id for one in hidden if one.command is not None]
        assert len(ids) == len(set(ids))

    def teardown(self):
        """The storage works again, the others fall silent: everybody is answered."""
        for _ in range(20 + 3 * len(self.waiters)):
            if self.chat.appends:
                self.chat.settle()
            elif self.chat.load is not None:
                self.chat.look()
            else:
                self.chat.pass_time(ANOTHER_WITHIN_S)
        assert all(one.answer for one in self.waiters + self.readers if not one.has_given_up)
        assert self.chat.pipeline.is_idle
        self.each_answer_is_true()
        self.each_command_is_stored_once()


def _is_to_be_sent_again(answer: object) -> bool:
    return isinstance(answer, Refused) and answer.code in {"unavailable", "overloaded"}


@pytest.mark.parametrize("policy", [SoleWriter(), SharedWriter()], ids=["alone", "beside others"])
def test_every_interleaving_keeps_the_promises(policy):
    class Interleaved(Interleavings):
        pass

    Interleaved.policy = policy
    run_state_machine_as_test(
        Interleaved, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
