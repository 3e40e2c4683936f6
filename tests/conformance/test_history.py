"""Sections 2 (G8) and 9: history rows, and that every reading equals a fold of the log."""

from __future__ import annotations

from tests.kit.laws import fold
from tests.kit.readings import agrees
from tests.kit.wire import Person, Talk, of_type, only

COLUMNS = {
    "id", "position", "user_id", "user_chat_id", "socket_connection_id", "session_id",
    "user_intent_id", "message_type", "content", "timestamp", "is_complete", "abandoned",
}  # fmt: skip


async def history(talk: Talk, **params) -> list[dict]:
    return (await talk.person.get(f"{talk.path}/history", **params))["items"]


async def test_rows_are_the_user_ai_and_thinking_messages_ascending(talk: Talk):
    frames = await talk.say("think a ; echo hi")
    rows = await history(talk)
    assert [r["message_type"] for r in rows] == ["user", "thinking", "ai"]
    assert [r["content"] for r in rows] == ["think a ; echo hi", "about a", "hi"]
    events = [frames[0], only(frames, "thinking"), only(frames, "response")]
    for row, event in zip(rows, events, strict=True):
        assert row.keys() == COLUMNS
        assert row["id"] == event["event_id"]
        for name in ("position", "user_id", "user_chat_id", "session_id", "user_intent_id"):
            assert row[name] == event[name]
        assert row["timestamp"] == event["timestamp"]
        assert row["socket_connection_id"] == frames[0]["socket_connection_id"]


async def test_a_message_that_came_by_no_socket_has_null_there(talk: Talk):
    answer = await talk.person.http.post(f"{talk.path}/messages", json={"content": "echo hi"})
    await talk.end(answer.json()["id"])
    assert [r["socket_connection_id"] for r in await history(talk)] == [None, None]


async def test_flags_are_the_state_of_the_rows_intent_now(talk: Talk):
    await talk.say("echo a")
    assert [(r["is_complete"], r["abandoned"]) for r in await history(talk)] == [(False, False)] * 2
    first = (await talk.state())["intent"]["user_intent_id"]
    await talk.do("abandon", user_intent_id=first)
    assert [(r["is_complete"], r["abandoned"]) for r in await history(talk)] == [(False, True)] * 2
    await talk.do("resume", user_intent_id=first)
    assert [(r["is_complete"], r["abandoned"]) for r in await history(talk)] == [(False, False)] * 2
    await talk.say("complete b")
    assert [(r["is_complete"], r["abandoned"]) for r in await history(talk)] == [(True, False)] * 4


async def test_flags_of_one_intent_do_not_touch_anothers_rows(talk: Talk):
    await talk.say("complete a")
    await talk.say("echo b")
    assert [r["is_complete"] for r in await history(talk)] == [True, True, False, False]


async def test_before_and_limit_give_the_newest_rows_below(talk: Talk):
    for number in range(5):
        await talk.say(f"echo {number}")
    rows = await history(talk)
    assert await history(talk, limit=3) == rows[-3:]
    assert await history(talk, before=rows[6]["position"], limit=3) == rows[3:6]
    assert await history(talk, before=rows[2]["position"]) == rows[:2]
    assert await history(talk, before=1) == []


async def test_rows_are_filtered(talk: Talk):
    first = await talk.say("think a ; complete b")
    second = await talk.say("think c ; echo d")
    by_type = await history(talk, message_type="thinking")
    assert [r["content"] for r in by_type] == ["about a", "about c"]
    assert [r["content"] for r in await history(talk, message_type="ai")] == ["b", "d"]
    by_intent = await history(talk, user_intent_id=second[0]["user_intent_id"])
    assert [r["content"] for r in by_intent][1:] == ["about c", "d"]
    both = await history(talk, user_intent_id=first[0]["user_intent_id"], message_type="ai")
    assert [r["content"] for r in both] == ["b"]


async def test_a_stopped_answer_is_a_row_too(talk: Talk):
    sent = await talk.send("piece Hello ; hang")
    await talk.socket.until(of_type("delta"))
    await talk.do("cancel")
    await talk.end(sent["id"])
    assert (await history(talk))[-1]["content"] == "Hello"


async def test_a_chat_without_messages_has_no_rows(talk: Talk):
    assert await history(talk) == []


async def test_every_reading_is_the_fold_of_the_log_after_every_turn(person: Person):
    talk = await person.talk()
    scripts = [
        'recognise book 0.5 ; slots {"a":1,"b":2} ; ask Which day?',
        'slots {"a":null} ; think x ; echo y',
        "complete done",
        "form",
        "switch other ; echo a",
        "raise_error b",
        "switch_back form ; ask again",
        "give_up cannot",
        "stream 4 0.01",
        "fail x again y",
    ]
    for script in scripts:
        await talk.say(script)
        await agrees(person, talk)
    await talk.say("echo z", new_intent=True)
    await agrees(person, talk)
    intent = (await talk.state())["intent"]["user_intent_id"]
    for kind in ("abandon", "resume"):
        await talk.do(kind, user_intent_id=intent)
        await agrees(person, talk)
    await talk.do("close")
    await agrees(person, talk)


async def test_every_past_state_is_the_fold_of_the_log_up_to_then(person: Person):
    talk = await person.talk()
    await talk.say('recognise book 0.5 ; slots {"a":1} ; ask b')
    await talk.say('slots {"a":2} ; complete c')
    await talk.say("switch d ; fail x again y")
    log = await talk.stored()
    for at in range(1, len(log) + 1):
        seen, folded = await person.get(talk.path, at=at, limit=1), fold(log[:at])
        assert (seen["status"], seen["position"]) == (folded["status"], at)
        assert seen["turn"] == folded["turn"], at
        statuses = {n: i["status"] for n, i in folded["intents"].items()}
        if seen["intent"] is None:
            assert statuses == {}
            continue
        assert seen["intent"]["status"] == statuses[seen["intent"]["user_intent_id"]]
        if "active" in statuses.values():
            assert seen["intent"]["status"] == "active"
        shown = {i["user_intent_id"] for i in seen["resumable"]}
        assert shown == {n for n, status in statuses.items() if status == "abandoned"}


async def test_no_reading_lags_behind_an_ack(talk: Talk):
    for number in range(10):
        frames = await talk.say(f"echo {number}", new_intent=number % 2 == 0)
        assert (await talk.state())["position"] == frames[-1]["position"]
        assert (await history(talk, limit=1))[0]["content"] == str(number)
        intent = frames[0]["user_intent_id"]
        await talk.do("abandon", user_intent_id=intent)
        shown = (await talk.person.get("/intents", status="abandoned"))["items"]
        assert shown[0]["user_intent_id"] == intent
        chats = (await talk.person.get("/chats"))["items"]
        assert chats[0]["position"] == frames[-1]["position"] + 1
        await talk.do("resume", user_intent_id=intent)


async def test_no_reading_lags_behind_a_frame(talk: Talk):
    ack = await talk.send(
        "think a ; sleep 0.02 ; think b ; sleep 0.02 ; echo c ; sleep 0.02 ; complete d"
    )
    seen = 0
    while not any(map(talk.ending(ack["id"]), talk.log())):
        index = await talk.socket.index_of(lambda f: f.is_event, seen)
        frame, seen = talk.socket.frames[index], index + 1
        assert (await talk.state())["position"] >= frame["position"]
        events = (await talk.person.get(f"{talk.path}/events", after=frame["position"] - 1))[
            "items"
        ]
        assert events[0] == frame


async def test_a_message_whose_turn_never_ran_has_a_row(talk: Talk):
    await talk.send("hang")
    waiting = await talk.send("echo never")
    await talk.do("close")
    row = (await history(talk))[-1]
    assert row["position"] == waiting["position"]
    assert (row["content"], row["user_intent_id"], row["session_id"]) == ("echo never", None, None)
    assert (row["is_complete"], row["abandoned"]) == (False, False)
