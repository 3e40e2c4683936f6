"""The aggregate as a state machine: any commands in any order keep the promises of the page."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.domain.builder import CHAT, START_MS, Chat

from chatstream.domain.commands import Streamed
from chatstream.domain.events import ChatChanged, IntentChanged, SessionChanged, TurnChanged
from chatstream.domain.steps import (
    Abandon,
    Buttons,
    CancelReminder,
    Fail,
    FollowUp,
    Form,
    IntentRecognised,
    NewIntent,
    Option,
    Remind,
    Response,
    SlotsSet,
    Step,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatstream.domain.user_chat import fold
from chatstream.domain.views import chat_view
from chatstream.errors import Refused, StaleTurn
from chatstream.eventstore.mapper import decode, encode

IDS = st.sampled_from([f"id{number}" for number in range(8)])
TEXTS = st.text(alphabet="ab😀\n", max_size=4)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Thinking, st.sampled_from(["session", "own"]), TEXTS),
    st.builds(Response, st.none() | TEXTS, st.booleans()),
    st.just(FollowUp("when?")),
    st.just(FollowUp("when?", Form("When?", {"type": "object"}))),
    st.just(Buttons("Which?", (Option("a", "A"),))),
    st.builds(IntentRecognised, st.sampled_from(["alarm", "weather"]), st.none() | st.just(0.5)),
    st.builds(
        SlotsSet, st.dictionaries(st.sampled_from(["x", "_y"]), st.none() | st.integers(0, 3))
    ),
    st.builds(ToolCall, st.just("tool"), st.just({}), st.sampled_from(["c1", "c2"]), st.booleans()),
    st.builds(ToolResult, st.sampled_from(["c1", "c2"]), st.booleans(), st.integers(0, 2)),
    st.just(NewIntent("other")),
    st.builds(Remind, TEXTS, st.just(START_MS) | st.just(10**13), st.sampled_from(["k1", "k2"])),
    st.builds(CancelReminder, st.sampled_from(["k1", "k2"])),
    st.just(Abandon("user")),
    st.just(Fail("own", "sorry")),
)


class Commands(RuleBasedStateMachine):
    """Users, runner and timers act in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.chat = Chat()
        self.seen_commands: dict[str, int] = {}

    def attempt(self, act, *args, **kwargs) -> None:
        before = len(self.chat.log)
        try:
            act(*args, **kwargs)
        except (Refused, StaleTurn):
            assert len(self.chat.log) == before  # a refusal leaves no trace

    def intents(self) -> list[str]:
        state = self.chat.state
        return [*state.unfinished, *(one.user_intent_id for one in state.complete.values()), "i_x"]

    @rule(id=IDS, content=TEXTS.filter(bool), new=st.booleans(), data=st.data())
    def send(self, id, content, new, data):
        wanted = data.draw(st.none() | st.sampled_from(self.intents()))
        self.attempt(self.chat.send, id, content, new_intent=new, user_intent_id=wanted)

    @rule(id=IDS, data=st.data())
    def submit(self, id, data):
        state = self.chat.state
        shown = [one.component for one in state.unfinished.values() if one.component is not None]
        ids = [one.component_id for one in shown]
        values = data.draw(st.sampled_from([{}, {"value": "a"}]))
        self.attempt(self.chat.submit, data.draw(st.sampled_from([*ids, "cmp_x"])), values, id)

    @rule(id=IDS, text=st.none() | TEXTS)
    def cancel(self, id, text):
        streamed = None if text is None else Streamed("msg_1", text)
        self.attempt(self.chat.cancel, id, streamed=streamed)

    @rule(id=IDS, message=IDS)
    def retry(self, id, message):
        self.attempt(self.chat.retry, message, id)

    @rule(id=IDS, data=st.data())
    def resume(self, id, data):
        self.attempt(self.chat.resume, data.draw(st.sampled_from(self.intents())), id)

    @rule(id=IDS, data=st.data())
    def abandon(self, id, data):
        self.attempt(self.chat.abandon, data.draw(st.sampled_from(self.intents())), id)

    @rule(data=st.data())
    def clear(self, data):
        sessions = [*self.chat.state.sessions, "session_x"]
        self.attempt(self.chat.clear, data.draw(st.sampled_from(sessions)))

    @rule(data=st.data(), after_s=st.sampled_from([0, 3, 60]))
    def fall_due(self, data, after_s):
        self.attempt(self.chat.idle, data.draw(st.sampled_from(self.intents())), after_s)
        sessions = [*self.chat.state.sessions, "session_x"]
        self.attempt(self.chat.expire, data.draw(st.sampled_from(sessions)), after_s)

    @rule(key=st.sampled_from(["k1", "k2"]))
    def remind(self, key):
        self.chat.speak()
        self.chat.drop(key)

    @precondition(lambda self: self.chat.state.turn is not None)
    @rule(step=STEPS, streamed=TEXTS)
    def step(self, step, streamed):
        self.attempt(self.chat.step, step, streamed=streamed)

    @precondition(lambda self: self.chat.state.turn is not None)
    @rule(text=TEXTS)
    def partial(self, text):
        self.attempt(self.chat.partial, len(self.chat.state.turn.answer), text)

    @precondition(lambda self: self.chat.state.turn is not None)
    @rule(text=TEXTS)
    def finish(self, text):
        self.attempt(self.chat.finish, text)

    @precondition(lambda self: self.chat.state.turn is not None)
    @rule(crashed=st.booleans())
    def restart(self, crashed):
        self.attempt(self.chat.restart, crashed=crashed)

    @rule(close=st.integers(0, 9), erase=st.integers(0, 19))
    def end(self, close, erase):
        if close == 0:
            self.attempt(self.chat.close)
        if erase == 0:
            self.attempt(self.chat.erase)

    @invariant()
    def the_state_is_the_fold_of_what_was_stored(self):
        stored = [encode(fact) for fact in self.chat.log]
        assert fold(decode(event.topic, event.body) for event in stored) == self.chat.state

    @invariant()
    def at_most_one_intent_is_active(self):
        state = self.chat.state
        active = [one.user_intent_id for one in state.unfinished.values() if one.status == "active"]
        assert active == ([] if state.active_intent_id is None else [state.active_intent_id])

    @invariant()
    def every_turn_ends_exactly_once(self):
        running: str | None = None
        for fact in self.chat.log:
            if isinstance(fact, TurnChanged):
                if fact.status == "started":
                    assert running is None
                    running = fact.caused_by
                else:
                    assert running == fact.caused_by
                    running = running if fact.status == "restarted" else None
        assert running == (self.chat.state.turn.caused_by if self.chat.state.turn else None)

    @invariant()
    def a_message_waits_only_while_a_turn_runs(self):
        assert not (self.chat.state.waiting and self.chat.state.turn is None)

    @invariant()
    def positions_name_each_command_once(self):
        for command_id in [f"id{number}" for number in range(8)]:
            record = self.chat.state.commands.get(command_id)
            if record is not None:
                assert self.seen_commands.setdefault(command_id, record.position) == record.position
                fact = self.chat.log[record.position - 1]
                assert fact.hidden.command.id == command_id

    @invariant()
    def nothing_but_an_erasure_follows_a_close(self):
        if self.chat.state.status in {"closed", "erased"}:
            assert self.chat.state.turn is None
            assert self.chat.state.active_intent_id is None
            assert self.chat.state.sessions == {}
            assert isinstance(self.chat.log[-1], ChatChanged)

    @invariant()
    def every_session_belongs_to_one_intent_and_ends_once(self):
        ended: set[str] = set()
        for fact in self.chat.log:
            if isinstance(fact, SessionChanged):
                assert fact.session_id not in ended
                if fact.status != "started":
                    ended.add(fact.session_id)

    @invariant()
    def a_complete_intent_never_comes_back(self):
        done: set[str] = set()
        for fact in self.chat.log:
            if isinstance(fact, IntentChanged):
                assert fact.user_intent_id not in done
                if fact.status == "complete":
                    done.add(fact.user_intent_id)

    @invariant()
    def it_can_be_shown(self):
        chat_view(CHAT, self.chat.state, 1000)


TestCommands = Commands.TestCase
TestCommands.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
