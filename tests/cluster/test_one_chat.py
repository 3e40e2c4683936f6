"""Two nodes serve one chat as one server would: order, duplicates, readers, refusals."""

from __future__ import annotations

import asyncio

import pytest
from tests.kit.laws import check_log
from tests.kit.tokens import new_id
from tests.kit.wire import accepted, of_type

pytestmark = pytest.mark.postgres


@pytest.fixture
async def both(pair, people):
    """The same person's chat, followed through both nodes."""
    one, other = pair
    here = people(one)
    there = people(other, here.user_id)
    first = await here.talk()
    return first, await there.talk(first.chat)


async def test_what_one_node_stores_readers_of_the_other_get(both):
    here, there = both
    ack = await here.send("think plan ; echo hello")
    await there.end(ack["id"])
    assert [f.text for f in there.log()] == [f.text for f in await here.stored()]


async def test_a_message_sent_through_the_other_node_comes_after_what_was_acked(both):
    here, there = both
    newest = 0
    for number in range(20):
        ack = await (here, there)[number % 2].send(f"echo {number}")
        assert ack["position"] > newest
        newest = ack["position"]
    await here.end(ack["id"])
    await there.end(ack["id"])
    assert [f.text for f in here.log()] == [f.text for f in there.log()]
    check_log(here.log())


async def test_a_repeat_through_the_other_node_is_a_duplicate(both):
    here, there = both
    ack = await here.send("echo once", id="m1")
    repeat = await there.send("echo once", id="m1")
    assert (repeat["position"], repeat["duplicate"]) == (ack["position"], True)
    assert (await there.refused("send", id="m1", content="other"))["code"] == "id_conflict"


async def test_a_repeat_of_what_stored_nothing_does_nothing_through_the_other_node_either(both):
    here, there = both
    first = await here.do("cancel", id="late")
    gate = new_id("gate")
    sent = await here.send(f"wait {gate} ; echo a")
    repeat = await there.do("cancel", id="late")
    assert (repeat["position"], repeat["duplicate"]) == (first["position"], True)
    here.person.server.open_gate(gate)
    assert (await here.end(sent["id"]))["status"] == "finished"


async def test_the_same_command_at_both_nodes_at_once_is_stored_once(both):
    here, there = both
    for number in range(15):
        for kind, fields in (("send", {"content": "echo a"}), ("cancel", {"turn": "none"})):
            same = {**fields, "id": f"{kind}{number}"}
            answers = await asyncio.gather(here.ask(kind, **same), there.ask(kind, **same))
            assert len({accepted(one)["position"] for one in answers}) == 1
            assert sorted(one.get("duplicate", False) for one in answers) == [False, True]


async def test_a_refusal_is_decided_on_what_the_other_node_stored(both):
    here, there = both
    sent = await here.send("ask When?")
    await here.end(sent["id"])
    await here.do("close")
    assert (await there.refused("send", content="echo a"))["code"] == "chat_closed"


async def test_opened_shows_what_was_acked_at_the_other_node(pair, people):
    one, other = pair
    here = people(one)
    talk = await here.talk()
    watcher = await people(other, here.user_id).join()
    for number in range(10):
        ack = await talk.send(f"echo {number}")
        opened = await watcher.opened(user_chat_id=talk.chat, last=0)
        assert opened["position"] >= ack["position"]
        state = await people(other, here.user_id).get(talk.path)
        assert state["position"] >= ack["position"]


async def test_an_abandoned_intent_is_resumed_through_the_other_node(both):
    here, there = both
    sent = await here.send("recognise book 0.9 ; ask When?")
    end = await here.end(sent["id"])
    await here.do("abandon", user_intent_id=end["user_intent_id"])
    await there.do("resume", user_intent_id=end["user_intent_id"])
    assert (await here.state())["intent"]["status"] == "active"
    again = await there.say("echo at five")
    assert again[0]["user_intent_id"] == end["user_intent_id"]


async def test_a_visitor_of_one_node_is_known_to_the_other(launch, people):
    nodes = launch(2, SECRET="")
    one, other = nodes.all
    here = people(one, token=None)
    socket = await here.connect()
    welcome = await socket.hello()
    there = await people(other, token=welcome["token"]).join()
    assert there.frames[0]["user_id"] == welcome["user_id"]


async def test_an_erasure_reaches_what_the_other_node_holds_in_memory(both):
    here, there = both
    sent = await here.send("echo a secret")
    await there.end(sent["id"])
    assert (await here.person.http.delete(here.path)).status_code == 204
    await there.event("chat", status="erased")
    _, events, _ = await there.socket.read_chat(user_chat_id=there.chat)
    assert "secret" not in "".join(event.text for event in events)
    assert events[-1]["status"] == "erased"
    assert all(event["erased"] for event in events if event["type"] in {"user", "response"})


async def test_many_writers_through_both_nodes_see_no_conflict(pair, people):
    one, other = pair
    here = people(one)
    talk = await here.talk()
    sockets = [await people((one, other)[n % 2], here.user_id).join() for n in range(16)]

    async def write(number: int) -> list[int]:
        positions = []
        for count in range(6):
            frame = {"type": "send", "id": f"m{number}_{count}", "user_chat_id": talk.chat}
            positions.append(accepted(await sockets[number].ask({**frame, "content": "echo a"})))
        return [one["position"] for one in positions]

    positions = await asyncio.gather(*(write(n) for n in range(16)))
    assert all(mine == sorted(mine) for mine in positions)
    assert len({one for mine in positions for one in mine}) == 16 * 6
    newest = max(one for mine in positions for one in mine)
    await talk.socket.until(of_type("user", position=newest))
    seen = [f.text for f in talk.log()]  # before anything more is awaited: more comes in meanwhile
    stored = [f.text for f in await talk.stored()]
    assert seen == stored[: len(seen)]
