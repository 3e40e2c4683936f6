"""Any schedule of losses, repeats, gaps and swapped answers ends in the same chat."""

from __future__ import annotations

import json

from fake_server import Chats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatstream.client.following import Following
from chatstream.client.frames import Ack, CaughtUp, Rejected, Send, Welcome, decode
from chatstream.client.state import ChatView, apply

LARGE = 262144


class News:
    """A listener that remembers."""

    def __init__(self):
        self.answers = []

    def changed(self):
        pass

    def answered(self, answer):
        self.answers.append(answer)

    def ended(self, error):
        raise error


def frame_of(frame):
    return next(iter(decode(json.dumps(frame))))


class Network(RuleBasedStateMachine):
    """One chat, one client, a server, and a wire between them on which all goes wrong."""

    def __init__(self):
        super().__init__()
        self.server = Chats(hold_turns=True)
        self.news = News()
        self.ids = iter(range(10**9))
        self.following = Following(
            "chat", last=None, new_id=lambda: str(next(self.ids)), listener=self.news
        )
        self.socket = self.server.connected()
        self.up, self.sent, self.now = [], [], 0.0

    # ------------------------------------------------------------------- what may happen

    @rule(text=st.text(st.sampled_from("aä🎉 "), max_size=5))
    def user_says(self, text):
        command = Send(id=f"msg_{next(self.ids)}", user_chat_id="chat", content=text)
        if len(self.following.outbox) < 40:
            self.following.add(command)
            self.sent.append(command)

    @rule()
    def client_sends(self):
        self.now += 1
        message = self.following.outgoing(self.now, LARGE)
        if message is not None:
            self.up.append(json.loads(message))

    @precondition(lambda self: self.up)
    @rule()
    def server_reads(self):
        self.server.handle(self.socket, self.up.pop(0))

    @rule(count=st.integers(1, 8))
    def agent_works(self, count):
        for _ in range(count):
            self.server.step()

    @rule(count=st.integers(1, 8))
    def client_reads(self, count):
        for _ in range(count):
            if self.socket.out:
                self._deliver(self.socket.out.pop(0))

    @rule()
    def all_is_well_for_a_while(self):
        for _ in range(200):
            self._anything_happens()

    @rule()
    def the_wire_breaks(self):
        self.server.gone(self.socket)
        self.up.clear()
        self.socket = self.server.connected()
        self.following.disconnected()

    @rule(code=st.sampled_from(["unavailable", "overloaded", "rate_limited"]))
    def server_is_unwell(self, code):
        self.server.refusals = [{"code": code}]

    @precondition(lambda self: self.socket.out)
    @rule(data=st.data())
    def a_frame_comes_twice(self, data):
        index = data.draw(st.integers(0, len(self.socket.out) - 1))
        frame = self.socket.out[index]
        if "position" in frame and "event_id" in frame:
            self.socket.out.insert(data.draw(st.integers(index, len(self.socket.out))), frame)

    @precondition(lambda self: self.socket.out)
    @rule(data=st.data())
    def a_frame_of_the_feed_is_lost(self, data):
        frame = data.draw(st.sampled_from(self.socket.out))
        if frame["type"] == "delta" or "event_id" in frame:
            self.socket.out.remove(frame)

    @precondition(lambda self: len(self.socket.out) > 1)
    @rule(data=st.data())
    def an_answer_comes_early_or_late(self, data):
        answers = [frame for frame in self.socket.out if frame["type"] in ("ack", "rejected")]
        if answers:
            answer = data.draw(st.sampled_from(answers))
            self.socket.out.remove(answer)
            self.socket.out.insert(data.draw(st.integers(0, len(self.socket.out))), answer)

    @precondition(lambda self: len(self.server.events.get("chat", ())) > 2)
    @rule()
    def the_server_comes_back_from_another_past(self):
        """The newest event is another one than the client read: a restored backup."""
        events = self.server.events["chat"]
        if not self.server.work and self.following.view.position == len(events):
            events[-1] = {**events[-1], "event_id": f"evt_restored_{next(self.ids)}"}
            self.the_wire_breaks()

    # ------------------------------------------------------------------- what always holds

    @invariant()
    def the_log_has_no_hole(self):
        log = self.following.log
        positions = [log.at(p).position for p in range(log.start + 1, log.end + 1)]
        assert positions == [*range(log.start + 1, log.end + 1)]
        assert self.following.view.position == log.end

    @invariant()
    def every_command_is_waiting_or_answered_once(self):
        answered = [answer.id for answer in self.news.answers]
        waiting = [command.id for command in self.following.outbox.commands]
        assert answered + waiting == [command.id for command in self.sent]

    def teardown(self):
        """The wire is whole again: in the end all is said once, and all is known."""
        self.server.refusals = []
        self.the_wire_breaks()
        while self._anything_happens():
            pass
        assert self.server.user_texts("chat") == [command.content for command in self.sent]
        assert len(self.following.outbox) == 0
        expected = ChatView(user_chat_id="chat")
        stored = [frame_of(event) for event in self.server.events["chat"]]
        for event in stored:
            expected = apply(expected, event)
        assert self.following.view == expected
        assert [self.following.log.at(event.position) for event in stored] == stored

    # ------------------------------------------------------------------------------------

    def _anything_happens(self):
        before = (len(self.up), len(self.socket.out), len(self.server.work))
        self.client_sends()
        moved = bool(self.up or self.socket.out or self.server.work)
        if self.up:
            self.server_reads()
        self.server.step()
        if self.socket.out:
            self._deliver(self.socket.out.pop(0))
        waiting = self.following.phase != "live" or len(self.following.outbox) > 0
        return moved or waiting or before != (0, 0, 0)

    def _deliver(self, frame):
        decoded = frame_of(frame)
        match decoded:
            case Ack() | Rejected():
                self.following.answered(decoded, self.now)
            case Welcome():
                pass
            case _:
                self.following.receive(decoded)


TestNetwork = Network.TestCase


def test_one_open_is_enough_for_a_gap():
    following = Following("chat", last=None, new_id=lambda: "1", listener=News())
    following.outgoing(0, LARGE)
    event = {"type": "user", "user_chat_id": "chat", "event_id": "e", "timestamp": ""}
    following.receive(opened(at=0))
    following.receive(frame_of({**event, "position": 5}))
    following.receive(frame_of({**event, "position": 6}))
    assert json.loads(following.outgoing(0, LARGE))["type"] == "open"
    following.receive(frame_of({**event, "position": 7}))
    assert following.outgoing(0, LARGE) is None
    following.receive(CaughtUp(user_chat_id="chat", position=4))
    assert following.phase == "opening"


def test_commands_wait_until_the_past_has_been_read():
    following = Following("chat", last=None, new_id=lambda: "1", listener=News())
    following.add(Send(id="m", user_chat_id="chat", content="hi"))
    sent = [following.outgoing(0, LARGE), following.outgoing(0, LARGE)]
    following.receive(opened(at=0))
    sent.append(following.outgoing(0, LARGE))
    following.receive(CaughtUp(user_chat_id="chat", position=0))
    sent.append(following.outgoing(0, LARGE))
    assert [message and json.loads(message)["type"] for message in sent] == [
        "open",
        None,
        None,
        "send",
    ]


@given(st.text(min_size=1), st.lists(st.integers(0, 30)))
def test_an_answer_grows_by_what_lies_beyond_it_whatever_comes(text, offsets):
    view = apply(ChatView(user_chat_id="chat"), opened(at=0, turn="m"))
    for offset in offsets:
        end = offset + 1 + offset % 3
        delta = {"type": "delta", "user_chat_id": "chat", "message_id": "a"}
        view = apply(view, frame_of({**delta, "offset": offset, "text": text[offset:end]}))
        assert text.startswith(view.answers.get("a", ""))


def opened(*, at, turn=None):
    return frame_of(
        {
            "type": "opened",
            "user_chat_id": "chat",
            "created": False,
            "status": "open",
            "position": 9,
            "from": at,
            "intent": None,
            "session": None,
            "turn": turn and {"message_id": turn, "attempt": 1},
            "resumable": [],
        }
    )
