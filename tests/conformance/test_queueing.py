"""Sections 4 and 6: a message sent while a turn runs is stored at once and waits its turn."""

from __future__ import annotations

from tests.kit.laws import check_log
from tests.kit.tokens import new_id
from tests.kit.wire import Talk, only, outline


async def start_waiting(talk: Talk, then: str = "echo first", **fields) -> tuple[str, str]:
    """Start a turn that waits at a gate; its id and the gate."""
    gate = new_id("gate")
    ack = await talk.send(f"think waiting ; wait {gate} ; {then}", **fields)
    await talk.event("thinking", caused_by=ack["id"])
    return ack["id"], gate


async def test_a_message_in_a_running_turn_is_stored_at_once_without_intent_and_session(
    talk: Talk,
):
    first, gate = await start_waiting(talk)
    ack = await talk.send("echo second")
    user = await talk.event("user", message_id=ack["id"])
    assert "user_intent_id" not in user
    assert "session_id" not in user
    assert user["socket_connection_id"] == talk.socket.frames[0]["socket_connection_id"]
    talk.person.server.open_gate(gate)
    await talk.end(ack["id"])
    assert first != ack["id"]


async def test_its_turn_starts_after_the_running_one_and_carries_the_ids(talk: Talk):
    first, gate = await start_waiting(talk)
    ack = await talk.send("echo second")
    talk.person.server.open_gate(gate)
    end, second = await talk.end(first), await talk.turn(ack["id"])
    started = only(second, "turn", status="started", caused_by=ack["id"])
    assert started["position"] > end["position"]
    assert started["user_intent_id"] == end["user_intent_id"]
    assert started["session_id"] == end["session_id"]


async def test_its_history_row_takes_the_ids_from_there(talk: Talk):
    _, gate = await start_waiting(talk)
    ack = await talk.send("echo second")
    rows = (await talk.person.get(f"{talk.path}/history"))["items"]
    waiting = next(row for row in rows if row["position"] == ack["position"])
    assert (waiting["user_intent_id"], waiting["session_id"]) == (None, None)
    assert (waiting["is_complete"], waiting["abandoned"]) == (False, False)
    talk.person.server.open_gate(gate)
    end = await talk.end(ack["id"])
    rows = (await talk.person.get(f"{talk.path}/history"))["items"]
    started = next(row for row in rows if row["position"] == ack["position"])
    assert started["user_intent_id"] == end["user_intent_id"]
    assert started["session_id"] == end["session_id"]


async def test_waiting_messages_run_in_the_order_stored(talk: Talk):
    _, gate = await start_waiting(talk)
    acks = [await talk.send(f"echo {n}") for n in range(6)]
    talk.person.server.open_gate(gate)
    await talk.end(acks[-1]["id"])
    answers = [f["content"] for f in talk.log() if f["type"] == "response"]
    assert answers == ["first", *"012345"]
    check_log(talk.log())


async def test_a_waiting_message_whose_intent_completes_starts_a_new_one(talk: Talk):
    first, gate = await start_waiting(talk, "complete first")
    intent = (await talk.event("intent"))["user_intent_id"]
    ack = await talk.send("echo second", user_intent_id=intent)
    talk.person.server.open_gate(gate)
    await talk.end(first)
    end = await talk.end(ack["id"])
    assert end["status"] == "finished"
    assert end["user_intent_id"] != intent


async def test_a_waiting_message_without_a_wish_goes_on_in_the_then_active_intent(talk: Talk):
    first, gate = await start_waiting(talk, "switch other_task ; echo switched")
    ack = await talk.send("echo second")
    talk.person.server.open_gate(gate)
    end = await talk.end(first)
    assert (await talk.end(ack["id"]))["user_intent_id"] == end["user_intent_id"]


async def test_a_waiting_message_that_wants_a_new_intent_gets_it_when_its_turn_starts(talk: Talk):
    first, gate = await start_waiting(talk)
    ack = await talk.send("echo second", new_intent=True)
    assert (await talk.state())["intent"]["status"] == "active"
    talk.person.server.open_gate(gate)
    old = await talk.end(first)
    new = await talk.end(ack["id"])
    assert new["user_intent_id"] != old["user_intent_id"]
    superseded = await talk.event("intent", status="abandoned", reason="superseded")
    assert superseded["user_intent_id"] == old["user_intent_id"]
    assert superseded["position"] > old["position"]


async def test_a_turn_that_fails_lets_the_waiting_message_run(talk: Talk):
    _, gate = await start_waiting(talk, "raise_error oops")
    ack = await talk.send("echo second")
    talk.person.server.open_gate(gate)
    assert (await talk.end(ack["id"]))["status"] == "finished"


async def test_a_turn_that_needs_input_lets_the_waiting_message_run(talk: Talk):
    _, gate = await start_waiting(talk, "ask Which day?")
    ack = await talk.send("echo second")
    talk.person.server.open_gate(gate)
    assert (await talk.end(ack["id"]))["status"] == "finished"


async def test_a_submit_in_a_running_turn_waits_too(talk: Talk):
    frames = await talk.say("form")
    component = only(frames, "component")["component_id"]
    first, gate = await start_waiting(talk)
    ack = await talk.do("submit", component_id=component, values={"city": "Oslo"})
    talk.person.server.open_gate(gate)
    end, second = await talk.end(first), await talk.turn(ack["id"])
    started = only(second, "turn", status="started", caused_by=ack["id"])
    assert started["position"] > end["position"]
    assert outline(second)[-2:] == ["response", "turn finished"]


async def test_a_waiting_submit_whose_intent_completes_fails_as_component_closed(talk: Talk):
    frames = await talk.say("form")
    component = only(frames, "component")["component_id"]
    _, gate = await start_waiting(talk, "complete done")
    ack = await talk.do("submit", component_id=component, values={"city": "Oslo"})
    talk.person.server.open_gate(gate)
    await talk.end(ack["id"])
    turn = [f for f in talk.log() if f.get("caused_by") == ack["id"]]
    assert outline(turn)[0] == "turn started"
    assert outline(turn)[-2:] == ["error", "turn failed"]
    assert only(turn, "error")["code"] == "component_closed"


async def test_two_chats_of_one_socket_do_not_wait_for_each_other(talk: Talk):
    first, gate = await start_waiting(talk)
    other = await talk.person.talk(socket=talk.socket)
    await other.say("echo at once")
    talk.person.server.open_gate(gate)
    await talk.end(first)


async def test_a_late_submits_failure_is_activity_of_its_complete_intent(talk: Talk):
    frames = await talk.say("form")
    component = only(frames, "component")["component_id"]
    _, gate = await start_waiting(talk, "complete done")
    await talk.send("sleep 0.2 ; echo between", new_intent=True)
    ack = await talk.do("submit", component_id=component, values={"city": "Oslo"})
    talk.person.server.open_gate(gate)
    end = await talk.end(ack["id"])
    assert end["user_intent_id"] == frames[0]["user_intent_id"]
    shown = (await talk.person.get("/intents", status="complete"))["items"]
    assert shown[0]["last_activity_at"] == end["timestamp"]
