"""What people see and do through a node that does not run their turn."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner
from tests.kit.laws import check_log
from tests.kit.tokens import new_id
from tests.kit.wire import of_type, only, outline

from chatstream.cli.main import main

pytestmark = pytest.mark.postgres


@pytest.fixture
async def both(pair, people):
    """The same person's chat, followed through both nodes."""
    here = await people(pair[0]).talk()
    there = await people(pair[1], here.person.user_id).talk(here.chat)
    return here, there


def shown(talk) -> str:
    """What a reader of deltas and partials holds of the one answer (protocol, section 8)."""
    text = ""
    for frame in talk.socket.frames:
        if frame["type"] in {"delta", "partial"} and frame["offset"] <= len(text):
            text += frame["text"][len(text) - frame["offset"] :]
    return text


async def test_an_answer_is_seen_growing_through_the_other_node(both):
    here, there = both
    sent = await here.send("stream 60 0.03 ; answer")
    await there.socket.until(of_type("delta"))
    await there.end(sent["id"])
    response = only(there.log(), "response")
    assert shown(there) == response["content"][: len(shown(there))]
    deltas = [f for f in there.socket.frames if f["type"] == "delta"]
    assert len(deltas) > 5
    last_delta = there.socket.frames.index(deltas[-1])
    assert last_delta < there.socket.frames.index(response)


async def test_text_beyond_any_payload_and_with_any_character_comes_through(both):
    here, there = both
    gate = new_id("gate")
    words = 'é🙂\\u0001\\"' * 200
    await here.send(f"piece {words} ; big_piece 9000 ; wait {gate} ; answer")
    sent = here.socket.frames[-1]["id"] if here.socket.frames[-1]["type"] == "ack" else None
    wanted = words + "é" * 9000
    async with asyncio.timeout(10):
        while shown(there) != wanted:  # noqa: ASYNC110 - frames come one after another
            await asyncio.sleep(0.02)
    here.person.server.open_gate(gate)
    response = await there.event("response")
    assert response["content"] == wanted
    assert sent is None or (await there.end(sent))["status"] == "finished"


async def test_who_comes_late_through_the_other_node_gets_the_whole_text(pair, people):
    here = await people(pair[0]).talk()
    gate = new_id("gate")
    sent = await here.send(f"piece first ; piece second ; wait {gate} ; piece third ; answer")
    await here.event("partial")
    there = await people(pair[1], here.person.user_id).talk(here.chat)
    here.person.server.open_gate(gate)
    await there.end(sent["id"])
    assert only(there.log(), "response")["content"].startswith(shown(there))
    assert "first" in shown(there)


async def test_a_cancel_through_the_other_node_keeps_what_was_streamed(both):
    here, there = both
    sent = await here.send("piece Hel ; piece lo ; hang")
    await there.socket.until(of_type("delta"))
    ack = await there.do("cancel")
    assert "duplicate" not in ack
    end = await there.end(sent["id"])
    await here.end(sent["id"])
    assert end["status"] == "cancelled"
    response = only(here.log(), "response")
    assert (response["content"], response["stopped"]) == ("Hello", True)
    assert ack["position"] == response["position"]
    assert [f.text for f in here.log()] == [f.text for f in there.log()]
    check_log(there.log())


async def test_commands_behind_a_cancel_through_the_other_node_keep_their_order(both):
    here, there = both
    await here.send("piece a ; hang")
    await there.socket.until(of_type("delta"))
    for frame in (
        {"type": "cancel", "id": "c1"},
        {"type": "send", "id": "s1", "content": "echo one"},
        {"type": "send", "id": "s2", "content": "echo two"},
    ):
        await there.socket.post({**frame, "user_chat_id": there.chat})
    await there.end("s2")
    acks = {f["id"]: f["position"] for f in there.socket.frames if f["type"] == "ack"}
    assert acks["c1"] < acks["s1"] < acks["s2"]


async def test_closing_and_abandoning_through_the_other_node_end_the_turn(both):
    here, there = both
    sent = await here.send("piece Hello ; hang")
    started = await there.event("turn", status="started")
    await there.socket.until(of_type("delta"))
    await there.do("abandon", user_intent_id=started["user_intent_id"])
    assert (await here.end(sent["id"]))["status"] == "cancelled"
    assert only(here.log(), "response")["content"] == "Hello"
    again = await here.send("hang")
    await there.event("turn", status="started", caused_by=again["id"])
    await there.do("close")
    assert (await here.end(again["id"]))["status"] == "cancelled"
    assert outline(here.log())[-1] == "chat closed"


async def test_a_node_that_does_not_answer_has_its_turn_cancelled_by_the_one_that_was_asked(
    launch, people
):
    nodes = launch(2, NODE_LEASE=30)
    here = await people(nodes.all[0]).talk()
    there = await people(nodes.all[1], here.person.user_id).talk(here.chat)
    sent = await here.send("piece Hello ; hang")
    partial = await there.event("partial")
    nodes.all[0].stop()
    ack = await there.do("cancel")
    end = await there.end(sent["id"])
    nodes.all[0].go_on()
    assert (end["status"], ack["position"]) == ("cancelled", partial["position"] + 1)
    assert only(there.log(), "response")["content"] == "Hello"
    await here.end(sent["id"])
    assert [f.text for f in here.log()] == [f.text for f in there.log()]


async def test_sockets_of_all_nodes_are_listed(pair, people):
    here = people(pair[0])
    there = people(pair[1], here.user_id)
    stranger = people(pair[1])
    await stranger.talk()
    talk = await here.talk()
    other = await there.talk(talk.chat)
    for person in (here, there):
        items = (await person.get("/connections"))["items"]
        assert [one["user_chat_ids"] for one in items] == [[talk.chat], [talk.chat]]
        assert len({one["node"] for one in items}) == 2
    await other.socket.close()
    async with asyncio.timeout(10):
        while len((await here.get("/connections"))["items"]) != 1:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def test_an_import_needs_the_database_to_itself(shared_pair, tmp_path):
    (tmp_path / "chats").write_text("")
    command = ["import", str(tmp_path / "chats"), "--database", shared_pair.database]
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, "servers run on the database" in result.output) == (2, True)
