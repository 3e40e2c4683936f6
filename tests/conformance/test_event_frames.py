"""Section 6, fields of event frames: what they carry, what is absent, whose socket they name."""

from __future__ import annotations

from tests.kit.laws import check_event
from tests.kit.tokens import new_id
from tests.kit.wire import Person, Talk, only

SCRIPT = (
    'think a ; think_richly ; recognise x 0.5 ; slots {"a":null,"b":1} ; tool {} once visible ; '
)


async def test_every_frame_of_a_rich_turn_is_well_made(talk: Talk):
    for ending in ("form", "buttons", "custom", "ask_form why", "stream 3 0", "complete done"):
        for frame in await talk.say(SCRIPT.replace("{}", new_id("tool"), 1) + ending):
            check_event(frame)


async def test_every_event_names_its_chat_and_user(talk: Talk):
    frames = await talk.say("think a ; complete done")
    assert {f["user_chat_id"] for f in frames} == {talk.chat}
    assert {f["user_id"] for f in frames} == {talk.person.user_id}


async def test_event_ids_are_unique(talk: Talk):
    frames = await talk.say("think a ; think b ; complete done")
    assert len({f["event_id"] for f in frames}) == len(frames)


async def test_every_event_of_a_turn_names_what_caused_it(talk: Talk):
    user, *rest = await talk.say('think a ; slots {"a":1} ; piece x ; complete done')
    assert {f["caused_by"] for f in rest} == {user["message_id"]}


async def test_every_event_of_a_turn_names_the_socket_of_its_message(person: Person, talk: Talk):
    other = await person.join()
    socket_id = other.frames[0]["socket_connection_id"]
    ack = await other.ask(
        {
            "type": "send",
            "id": new_id(),
            "user_chat_id": talk.chat,
            "content": "think a ; complete b",
        }
    )
    frames = await talk.turn(ack["id"])
    assert {f["socket_connection_id"] for f in frames} == {socket_id}


async def test_a_turn_of_an_http_message_names_no_socket(person: Person, talk: Talk):
    answer = await person.http.post(f"{talk.path}/messages", json={"content": "complete b"})
    frames = await talk.turn(answer.json()["id"])
    assert not [f for f in frames if "socket_connection_id" in f]


async def test_every_event_of_a_turn_names_intent_and_session(talk: Talk):
    frames = await talk.say("think a ; complete done")
    assert len({f["user_intent_id"] for f in frames}) == 1
    assert len({f["session_id"] for f in frames}) == 1


async def test_times_of_a_chat_do_not_go_back(talk: Talk):
    for _ in range(3):
        await talk.say("think a ; echo b")
    times = [f["timestamp"] for f in talk.log()]
    assert times == sorted(times)


async def test_a_thinking_frame_has_what_the_agent_gave_and_nothing_else(talk: Talk):
    frames = await talk.say("think a ; think_richly ; echo b")
    plain, rich = [f for f in frames if f["type"] == "thinking"]
    assert not {"attempt", "of", "duration_ms", "data"} & plain.keys()
    assert (rich["step"], rich["status"], rich["attempt"]) == ("intent_processing", "started", 2)
    assert rich["content"] == "second try"
    assert rich["data"] == {"model": "small", "n": 1}
    assert not {"of", "duration_ms"} & rich.keys()


async def test_flags_of_a_response_are_booleans_and_stopped_is_absent(talk: Talk):
    response = only(await talk.say("echo b"), "response")
    assert response["is_complete"] is False
    assert response["follow_up"] is False
    assert "stopped" not in response


async def test_every_answer_has_an_id_of_its_own(talk: Talk):
    frames = await talk.say("echo a ; echo b ; piece c")
    responses = [f for f in frames if f["type"] == "response"]
    assert [f["content"] for f in responses] == ["a", "b", "c"]
    assert len({f["message_id"] for f in responses}) == 3


async def test_a_turn_starts_with_attempt_1_and_without_retry_of(talk: Talk):
    started = only(await talk.say("echo a"), "turn", status="started")
    assert started["attempt"] == 1
    assert "retry_of" not in started
