"""Sections 5 and 8: answers in pieces, live and stored, and the rule of who holds them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.laws import gaps
from tests.kit.tokens import new_id
from tests.kit.wire import Frame, Person, Socket, Talk, of_type, only, outline


class Reader:
    """A client's own rule: take from a delta or partial only what lies beyond the text it has."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "response":
            self.texts[frame["message_id"]] = frame["content"]
        if frame["type"] in ("delta", "partial"):
            held = self.texts.get(frame["message_id"], "")
            known = len(held) - frame["offset"]
            if known >= 0:
                self.texts[frame["message_id"]] = held + frame["text"][known:]


def deltas(socket: Socket) -> list[Frame]:
    return [f for f in socket.frames if f["type"] == "delta"]


async def test_deltas_bring_the_answer_in_order_before_its_response(talk: Talk):
    frames = await talk.say("stream 20 0.02")
    response = only(frames, "response")
    at, text = 0, ""
    for delta in deltas(talk.socket):
        assert delta["message_id"] == response["message_id"]
        assert delta["offset"] == at
        text += delta["text"]
        at += len(delta["text"])
    assert len(deltas(talk.socket)) > 1
    assert response["content"].startswith(text)
    assert response["content"] == "".join(f"w{n} " for n in range(20))


async def test_pieces_go_out_at_once(talk: Talk):
    gate = new_id("gate")
    ack = await talk.send(f"piece Hel ; wait {gate} ; piece lo")
    delta = await talk.socket.until(of_type("delta"))
    assert (delta["offset"], delta["text"]) == (0, "Hel")
    assert delta["user_chat_id"] == talk.chat
    talk.person.server.open_gate(gate)
    await talk.end(ack["id"])


async def test_offsets_count_unicode_code_points(talk: Talk):
    gate = new_id("gate")
    ack = await talk.send(f"piece 👍é日 ; wait {gate} ; piece x ; wait {gate}")
    await talk.socket.until(of_type("delta"))
    talk.person.server.open_gate(gate)
    frames = await talk.turn(ack["id"])
    assert only(frames, "response")["content"] == "👍é日x"
    for delta in deltas(talk.socket)[1:]:
        assert delta["offset"] == 3


async def test_a_delta_comes_after_every_event_stored_before_its_text(talk: Talk):
    gate = new_id("gate")
    ack = await talk.send(f"think before ; piece a ; think between ; piece b ; wait {gate}")
    await talk.socket.until(lambda f: f["type"] == "delta" and "b" in f["text"])
    seen = outline([f for f in talk.socket.frames if f["type"] in ("thinking", "delta")])
    steps = [
        f.get("step") or f["text"] for f in talk.socket.frames if f["type"] in ("thinking", "delta")
    ]
    assert seen[0] == "thinking"
    assert steps.index("between") < next(
        i for i, s in enumerate(steps) if s not in ("before", "between") and "b" in s
    )
    talk.person.server.open_gate(gate)
    await talk.end(ack["id"])


async def test_no_delta_comes_after_the_response(talk: Talk):
    for _ in range(10):
        await talk.say("stream 6 0.01")
    await talk.socket.settle()
    finished: set[str] = set()
    for frame in talk.socket.frames:
        if frame["type"] == "response":
            finished.add(frame["message_id"])
        assert not (frame["type"] == "delta" and frame["message_id"] in finished)


async def test_only_those_who_follow_the_chat_get_deltas(person: Person, talk: Talk):
    other = await person.join()
    await talk.say("stream 5 0.05")
    await other.settle()
    assert deltas(other) == []


async def test_two_answers_of_a_turn_are_streamed_under_two_ids(talk: Talk):
    frames = await talk.say("stream 3 0.05 ; answer ; stream 3 0.05 ; answer")
    responses = [f for f in frames if f["type"] == "response"]
    assert len({f["message_id"] for f in responses}) == 2
    for response in responses:
        mine = [d for d in deltas(talk.socket) if d["message_id"] == response["message_id"]]
        assert mine[0]["offset"] == 0
        assert response["content"].startswith("".join(d["text"] for d in mine))


async def test_what_streams_for_long_is_stored_in_partials(talk: Talk):
    frames = await talk.say("stream 34 0.1")
    partials = [f for f in frames if f["type"] == "partial"]
    response = only(frames, "response")
    assert 2 <= len(partials) <= 5
    assert {f["message_id"] for f in partials} == {response["message_id"]}
    assert partials[0]["offset"] == 0
    stored = "".join(f["text"] for f in partials)
    assert response["content"].startswith(stored)
    offsets = [f["offset"] for f in partials] + [len(stored)]
    assert gaps(offsets) == [len(f["text"]) for f in partials]


async def test_partials_come_no_later_than_a_second_after_their_text_and_one_a_second(talk: Talk):
    gate = new_id("gate")
    ack = await talk.send(f"stream 26 0.1 ; wait {gate}")
    socket = talk.socket
    first = await socket.index_of(of_type("delta"))
    partial = await socket.index_of(of_type("partial"))
    assert socket.arrivals[partial] - socket.arrivals[first] < 2.5
    await socket.until(of_type("partial"), partial + 1)
    talk.person.server.open_gate(gate)
    await talk.end(ack["id"])
    arrivals = [socket.arrivals[i] for i, f in enumerate(socket.frames) if f["type"] == "partial"]
    assert min(gaps(arrivals)) > 0.5


async def test_text_that_waits_is_stored_within_a_second_or_so(talk: Talk):
    gate = new_id("gate")
    ack = await talk.send(f"piece Hello ; wait {gate}")
    partial = await talk.event("partial")
    assert (partial["offset"], partial["text"]) == (0, "Hello")
    talk.person.server.open_gate(gate)
    frames = await talk.turn(ack["id"])
    assert sum(f["type"] == "partial" for f in frames) == 1, "nothing new, nothing stored"


async def test_a_late_reader_holds_the_same_text_by_the_same_rule(person: Person, talk: Talk):
    gate = new_id("gate")
    ack = await talk.send(f"stream 15 0.1 ; wait {gate} ; piece END")
    whole = "".join(f"w{n} " for n in range(15))
    await talk.socket.until(of_type("partial"))
    other = await person.talk(talk.chat)
    readers = []
    for socket in (talk.socket, other.socket):
        reader = Reader()
        seen = 0
        while whole not in reader.texts.values():
            index = await socket.index_of(lambda f: f["type"] in ("delta", "partial"), seen)
            reader.take(socket.frames[index])
            seen = index + 1
        readers.append(reader.texts)
    assert readers[0] == readers[1]
    person.server.open_gate(gate)
    await talk.end(ack["id"])


async def test_opening_again_in_mid_answer_keeps_the_rule(talk: Talk):
    gate = new_id("gate")
    ack = await talk.send(f"piece Hello ; wait {gate} ; piece World")
    partial = await talk.event("partial")
    before = len(talk.socket.frames)
    await talk.socket.read_chat(user_chat_id=talk.chat, after=partial["position"])
    talk.person.server.open_gate(gate)
    await talk.end(ack["id"])
    await talk.event("response", content="HelloWorld")
    reader = Reader()
    reader.texts[partial["message_id"]] = "Hello"
    for frame in talk.socket.frames[before:]:
        if frame["type"] == "delta":
            reader.take(frame)
    assert "HelloWorld".startswith(reader.texts[partial["message_id"]])


@pytest.mark.parametrize("batch", [False, True])
async def test_an_answer_of_megabytes_comes_whole(person: Person, talk: Talk, batch: bool):
    follower = await person.join(batch=batch)
    await follower.read_chat(user_chat_id=talk.chat)
    frames = await talk.say("big 3000000")
    live = await follower.until(of_type("turn", status="finished"))
    assert live["position"] == frames[-1]["position"]
    assert len((await follower.until(of_type("response")))["content"]) == 3_000_000
    late = await person.join(batch=batch)
    _, events, _ = await late.read_chat(user_chat_id=talk.chat)
    assert [f.text for f in events] == [f.text for f in talk.log()]


async def test_a_piece_of_megabytes_is_streamed_and_stored_by_the_rule(talk: Talk):
    ack = await talk.send("big_piece 1000000 ; sleep 1.3 ; piece end")
    await talk.end(ack["id"])
    frames = talk.log()
    whole = "é" * 1_000_000 + "end"
    assert only(frames, "response")["content"] == whole
    reader = Reader()
    for frame in talk.socket.frames:
        if frame["type"] in ("delta", "partial"):
            reader.take(frame)
    (held,) = reader.texts.values()
    assert whole.startswith(held)
    assert len(held) >= 1_000_000


async def test_very_many_pieces_at_once_are_one_text(talk: Talk):
    frames = await talk.say("stream 5000 0")
    assert only(frames, "response")["content"] == "".join(f"w{n} " for n in range(5000))
    assert len(deltas(talk.socket)) < 1000, "pieces within about 30 ms may travel together"


async def test_very_many_steps_at_once_come_in_order(talk: Talk):
    frames = await talk.say("burst 2000 ; complete done")
    steps = [f["content"] for f in frames if f["type"] == "thinking"]
    assert steps == [str(n) for n in range(2000)]
