"""Sections 2 (G1, G2, G3, G7) and 6 "After a crash": `kill -9`, and what the next start does.

Each test kills its server. `first` and `later` in a script mean the first attempt of the
turn and those after it.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress

import httpx
import pytest
from tests.conformance.conftest import Launch, MakePerson
from tests.kit.laws import check_log
from tests.kit.server import Server
from tests.kit.tokens import new_id
from tests.kit.wire import Talk, of_type, only, outline


async def crash_and_start(server: Server) -> None:
    """`kill -9`, then a new start on the same data."""
    server.kill()
    await asyncio.to_thread(server.start)


async def restart_after_own_crash(server: Server) -> None:
    """Wait for the agent to take the process down, then start it again."""
    await asyncio.to_thread(server.exit_code)
    await asyncio.to_thread(server.start)


async def crash_and_return(server: Server, talk: Talk) -> Talk:
    """The same person's chat, followed again after a kill and a start."""
    await crash_and_start(server)
    return await talk.person.talk(talk.chat)


def turn_of(frames: list, cause: str) -> list:
    """The events of one turn, from its start on."""
    return [f for f in frames if f.get("caused_by") == cause]


async def test_what_was_acked_is_there_in_order_after_a_kill(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    acks = await asyncio.gather(*(talk.send(f"echo {n}", id=f"m{n}") for n in range(30)))
    before = {f["position"]: f.text for f in talk.log()}
    again = await crash_and_return(server, talk)
    stored = {f["position"]: f for f in again.log()}
    for ack in acks:
        assert stored[ack["position"]]["message_id"] == ack["id"]
    for position, text in before.items():
        assert stored[position].text == text
    repeats = [await again.send(f"echo {n}", id=f"m{n}") for n in range(30)]
    assert [r["position"] for r in repeats] == [a["position"] for a in acks]
    assert all(r["duplicate"] for r in repeats)
    assert (await again.refused("send", id="m1", content="other"))["code"] == "id_conflict"
    await again.end("m29")
    check_log(again.log())


async def test_commands_that_did_nothing_are_remembered_after_a_kill(
    mortal: Server, people: MakePerson
):
    server = mortal
    talk = await people(server).talk()
    first = await talk.do("cancel", id="late")
    again = await crash_and_return(server, talk)
    gate = new_id("gate")
    sent = await again.send(f"wait {gate} ; echo a")
    repeat = await again.do("cancel", id="late")
    assert (repeat["position"], repeat["duplicate"]) == (first["position"], True)
    server.open_gate(gate)
    assert (await again.end(sent["id"]))["status"] == "finished"


async def test_a_turn_killed_in_mid_answer_restarts_soon_and_ends_once(
    mortal: Server, people: MakePerson
):
    server = mortal
    talk = await people(server).talk()
    sent = await talk.send("think a ; piece Hel ; first hang ; piece lo ; answer complete")
    partial = await talk.event("partial")
    again = await crash_and_return(server, talk)
    ready = time.monotonic()
    restarted = await again.event("turn", status="restarted")
    assert time.monotonic() - ready < 5.0
    assert (restarted["attempt"], restarted["caused_by"]) == (2, sent["id"])
    frames = await again.turn(sent["id"])
    response = only(frames, "response")
    assert response["content"] == "Hello"
    assert response["message_id"] != partial["message_id"], "an unfinished answer is void"
    assert outline(frames)[-4:] == [
        "response",
        "intent complete",
        "session completed",
        "turn finished",
    ]
    assert frames[-1]["attempt"] == 2
    check_log(again.log())


async def test_a_reader_resumes_across_the_kill_without_a_gap(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    sent = await talk.send("think a ; think b ; first hang ; echo c")
    await talk.event("thinking", step="b")
    held = talk.log()[-1]
    await crash_and_start(server)
    socket = await talk.person.join()
    _, events, _ = await socket.read_chat(
        user_chat_id=talk.chat, after=held["position"], after_event=held["event_id"]
    )
    assert not any(f["type"] == "resync" for f in socket.frames)
    end = await socket.until(talk.ending(sent["id"]))
    positions = [f["position"] for f in socket.events(talk.chat)]
    assert positions == list(range(held["position"] + 1, end["position"] + 1))
    assert end["status"] == "finished"
    assert len(events) <= len(positions)


async def test_finished_answers_stay_and_the_agent_is_given_them(
    mortal: Server, people: MakePerson
):
    server = mortal
    talk = await people(server).talk()
    sent = await talk.send("first echo stored-before ; first hang ; inspect")
    await talk.event("response")
    again = await crash_and_return(server, talk)
    frames = await again.turn(sent["id"])
    responses = [f for f in frames if f["type"] == "response"]
    assert responses[0]["content"] == "stored-before"
    seen = json.loads(responses[-1]["content"])
    assert seen["attempt"] == 2
    assert "stored-before" in seen["history"]


async def test_waiting_messages_run_after_a_kill(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    first = await talk.send("first hang ; echo first")
    second = await talk.send("echo second")
    third = await talk.send("echo third")
    again = await crash_and_return(server, talk)
    for ack in (first, second, third):
        assert (await again.end(ack["id"]))["status"] == "finished"
    answers = [f["content"] for f in again.log() if f["type"] == "response"]
    assert answers == ["first", "second", "third"]
    check_log(again.log())


async def test_a_running_turn_shows_its_attempt_after_a_kill(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    gate = new_id("gate")
    sent = await talk.send(f"think a ; wait {gate} ; echo a")
    await talk.event("thinking")
    again = await crash_and_return(server, talk)
    await again.event("turn", status="restarted")
    assert (await again.state())["turn"] == {"message_id": sent["id"], "attempt": 2}
    server.open_gate(gate)
    await again.end(sent["id"])


async def test_a_restarted_turn_can_be_cancelled(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    sent = await talk.send("think a ; hang")
    await talk.event("thinking")
    again = await crash_and_return(server, talk)
    await again.event("turn", status="restarted")
    await again.do("cancel")
    assert (await again.end(sent["id"]))["status"] == "cancelled"


async def test_a_tool_call_without_a_result_is_not_made_again(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    tool = new_id("tool")
    gate = new_id("gate")
    sent = await talk.send(f"tool {tool} once visible {gate} ; complete paid")
    await talk.event("tool_call")
    await server.marked(tool)
    server.kill()
    server.open_gate(gate)
    await asyncio.to_thread(server.start)
    again = await talk.person.talk(talk.chat)
    frames = await again.turn(sent["id"])
    assert server.marks(tool) == 1
    assert outline(frames)[-2:] == ["response", "turn needs_input"]
    assert frames[-2]["follow_up"] is True
    assert frames[-2]["content"]
    assert (await again.state())["intent"]["status"] == "active"
    await again.say("echo it went through")
    assert server.marks(tool) == 1


async def test_an_idempotent_tool_call_is_made_again(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    tool = new_id("tool")
    gate = new_id("gate")
    sent = await talk.send(f"tool {tool} idempotent visible {gate} ; complete found")
    await talk.event("tool_call")
    await server.marked(tool)
    server.kill()
    server.open_gate(gate)
    await asyncio.to_thread(server.start)
    again = await talk.person.talk(talk.chat)
    frames = await again.turn(sent["id"])
    assert server.marks(tool) == 2
    assert outline(frames)[-1] == "turn finished"
    assert sum(f["type"] == "tool_result" for f in frames) == 1


async def test_a_tool_call_with_its_result_is_not_made_again(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    tool = new_id("tool")
    sent = await talk.send(f"tool {tool} once visible ; first hang ; complete paid")
    await talk.event("tool_result")
    again = await crash_and_return(server, talk)
    frames = await again.turn(sent["id"])
    assert server.marks(tool) == 1
    assert outline(frames)[-1] == "turn finished"
    assert sum(f["type"] == "tool_result" for f in frames) == 1


async def test_attempts_that_crash_are_used_up(launch: Launch, people: MakePerson):
    server = launch(MAX_ATTEMPTS=2)
    talk = await people(server).talk()
    one, two = new_id("gate"), new_id("gate")
    await talk.send(f"think a ; first wait {one} ; later wait {two} ; crash", id="fatal")
    await talk.event("thinking")
    server.open_gate(one)
    await restart_after_own_crash(server)
    server.open_gate(two)
    await restart_after_own_crash(server)
    again = await talk.person.talk(talk.chat)
    frames = turn_of(await again.turn("fatal"), "fatal")
    assert outline(frames)[-2:] == ["error", "turn failed"]
    assert frames[-2]["code"] == "agent_crashed"
    assert outline(frames).count("turn restarted") == 1
    await again.say("echo next")
    check_log(again.log())


async def restart_until_it_stays(server: Server, deadly: Talk, lives: int) -> int:
    """Start it again each time it dies, as a supervisor does, until the deadly turn has ended; how
    often it died, the first time included."""
    for deaths in range(1, lives + 1):
        with suppress(RuntimeError):  # it may die before it says that it is ready
            await asyncio.to_thread(server.start)
        while server.running:
            with suppress(httpx.TransportError):
                if (await deadly.state())["turn"] is None:
                    return deaths
            await asyncio.sleep(0.05)
    raise AssertionError("it dies for ever")


async def test_a_message_that_kills_the_process_at_once_is_stored_and_given_up(
    launch: Launch, people: MakePerson
):
    server = launch(MAX_ATTEMPTS=2)
    talk = await people(server).talk()
    message = {"type": "send", "id": "fatal", "user_chat_id": talk.chat, "content": "crash"}
    await talk.socket.post(message)
    await asyncio.to_thread(server.exit_code)
    assert await restart_until_it_stays(server, talk, lives=3) == 2
    again = await talk.person.talk(talk.chat)
    assert outline(turn_of(again.log(), "fatal")) == [
        "turn started",
        "session started",
        "intent active",
        "turn restarted",
        "error",
        "turn failed",
    ]
    assert only(again.log(), "error")["code"] == "agent_crashed"
    assert (await again.send("crash", id="fatal"))["duplicate"], "it may be sent again"
    await again.say("echo next")
    check_log(again.log())


async def test_text_of_a_turn_that_is_given_up_is_kept(launch: Launch, people: MakePerson):
    server = launch(MAX_ATTEMPTS=1)
    talk = await people(server).talk()
    await talk.send("piece Hel ; piece lo ; wait gate ; crash", id="fatal")
    await talk.event("partial")
    server.open_gate("gate")
    await restart_after_own_crash(server)
    again = await talk.person.talk(talk.chat)
    frames = turn_of(await again.turn("fatal"), "fatal")
    assert outline(frames)[-3:] == ["response", "error", "turn failed"]
    assert (frames[-3]["content"], frames[-3]["stopped"]) == ("Hello", True)
    check_log(again.log())


@pytest.mark.slow
async def test_a_turn_that_kills_the_process_is_given_up_and_those_beside_it_lose_nothing(
    launch: Launch, people: MakePerson
):
    server = launch(MAX_ATTEMPTS=2, RATE_LIMIT=0)
    innocents = [await people(server).talk() for _ in range(5)]
    deadly = await people(server).talk()
    for talk in innocents:
        await talk.send("think a ; wait gate ; complete done", id="long")
    for talk in innocents:
        await talk.event("thinking")
    message = {"type": "send", "id": "fatal", "user_chat_id": deadly.chat, "content": "crash"}
    await deadly.socket.post(message)
    await asyncio.to_thread(server.exit_code)
    # Twice nobody can tell who it was; then the suspects are tried one by one.
    assert await restart_until_it_stays(server, deadly, lives=6) <= 4
    given_up = turn_of((await deadly.person.talk(deadly.chat)).log(), "fatal")
    assert [f["code"] for f in given_up if f["type"] == "error"] == ["agent_crashed"]
    server.open_gate("gate")
    for talk in innocents:
        again = await talk.person.talk(talk.chat)
        assert (await again.end("long"))["status"] == "finished"
        check_log(again.log())


async def test_a_hand_over_on_sigterm_is_no_crash(launch: Launch, people: MakePerson):
    server = launch(MAX_ATTEMPTS=1, DRAIN=0.5)
    talk = await people(server).talk()
    sent = await talk.send("think a ; first hang ; complete done")
    await talk.event("thinking")
    server.terminate()
    assert await asyncio.to_thread(server.exit_code) == 0
    await asyncio.to_thread(server.start)
    again = await talk.person.talk(talk.chat)
    frames = turn_of(await again.turn(sent["id"]), sent["id"])
    assert "turn restarted" in outline(frames)
    assert outline(frames)[-1] == "turn finished"


async def test_sessions_intents_and_history_are_the_same_after_a_kill(
    mortal: Server, people: MakePerson
):
    server = mortal
    talk = await people(server).talk()
    await talk.say('recognise book 0.5 ; slots {"to":"Oslo"} ; ask Which day?')
    await talk.say("complete a", new_intent=True)
    paths = [talk.path, "/intents", "/sessions", "/chats", f"{talk.path}/history"]
    before = [await talk.person.get(path) for path in paths]
    await crash_and_start(server)
    assert [await talk.person.get(path) for path in paths] == before


async def test_kill_after_kill_loses_and_doubles_nothing(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    acked: dict[str, int] = {}
    number = 0
    for _ in range(3):
        for _ in range(5):
            ack = await talk.send(f"stream 3 0.01 ; echo {number}", id=f"m{number}")
            acked[ack["id"]] = ack["position"]
            number += 1
        talk = await crash_and_return(server, talk)
    await talk.end(f"m{number - 1}")
    log = talk.log()
    check_log(log)
    assert {f["message_id"]: f["position"] for f in log if f["type"] == "user"} == acked
    for cause in acked:
        assert sum(map(talk.ending(cause), log)) == 1


async def test_an_unacked_message_is_decided_by_its_resend(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    for number in range(20):
        await talk.socket.post(
            {"type": "send", "id": f"m{number}", "user_chat_id": talk.chat, "content": "echo a"}
        )
    await talk.socket.until(of_type("ack", id="m3"))
    server.kill()
    await talk.socket.closed()
    acked = {f["id"]: f["position"] for f in talk.socket.frames if f["type"] == "ack"}
    await asyncio.to_thread(server.start)
    again = await talk.person.talk(talk.chat)
    repeats = {f"m{n}": await again.send("echo a", id=f"m{n}") for n in range(20)}
    assert all(repeats[i]["position"] == position for i, position in acked.items())
    await again.end("m19")
    assert sum(f["type"] == "user" for f in again.log()) == 20


async def test_a_tool_call_cut_off_by_sigterm_is_not_made_again(launch: Launch, people: MakePerson):
    server = launch(DRAIN=0.5)
    talk = await people(server).talk()
    tool = new_id("tool")
    gate = new_id("gate")
    sent = await talk.send(f"tool {tool} once visible {gate} ; complete paid")
    await talk.event("tool_call")
    await server.marked(tool)
    server.terminate()
    assert await asyncio.to_thread(server.exit_code) == 0
    server.open_gate(gate)
    await asyncio.to_thread(server.start)
    again = await talk.person.talk(talk.chat)
    frames = await again.turn(sent["id"])
    assert server.marks(tool) == 1
    assert outline(frames)[-2:] == ["response", "turn needs_input"]


async def test_an_open_form_can_be_submitted_after_a_kill(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    component = only(await talk.say("form"), "component")["component_id"]
    again = await crash_and_return(server, talk)
    assert (await again.state())["intent"]["question"]["component_id"] == component
    refused = await again.refused("submit", component_id=component, values={})
    assert refused["code"] == "invalid_form"
    frames = await again.submit(component, {"city": "Oslo"})
    assert outline(frames)[-1] == "turn finished"


async def test_a_failed_turn_can_be_retried_after_a_kill(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    first = await talk.say("raise_error a")
    again = await crash_and_return(server, talk)
    ack = await again.do("retry", message_id=first[0]["message_id"])
    frames = await again.turn(ack["id"])
    assert frames[0]["retry_of"] == first[0]["message_id"]
