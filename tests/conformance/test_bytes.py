"""Section 2, G3: position p is the same event, with the same bytes, for every reader, for ever."""

from __future__ import annotations

import asyncio
import json

from tests.conformance.conftest import MakePerson
from tests.kit.server import Server
from tests.kit.sse import follow
from tests.kit.wire import Person, Talk, member_items, only

SCRIPTS = [
    'recognise bücher 0.30000000000000004 ; slots {"é":"👍","n":1e2,"m":-0.0} ; ask Quoi?',
    'echo "quoted" \\ / \u2028 \u2029 \u202e \x7f \x1b[31m <script>&amp; 👩\u200d👩\u200d👧',
    "think a ; think_richly ; tool t once visible ; form",
    "stream 4 0.02 ; complete done",
]


async def texts_by_every_way(person: Person, chat: str, count: int) -> dict[str, list[str]]:
    """The chat's events as each transport tells them."""
    _, events, _ = await (await person.join()).read_chat(user_chat_id=chat)
    _, batched, _ = await (await person.join(batch=True)).read_chat(user_chat_id=chat)
    async with follow(person, chat) as stream:
        await stream.until(lambda e: e.frame["type"] == "caught_up")
    page = await person.http.get(f"/chats/{chat}/events", params={"limit": 200})
    past = await person.http.get(f"/chats/{chat}", params={"at": count})
    return {
        "socket": [f.text for f in events],
        "batch": [f.text for f in batched],
        "sse": [e.frame.text for e in stream.events if e.frame.is_event],
        "rest": member_items(page.text, "items"),
        "past": member_items(past.text, "events"),
    }


async def converse(talk: Talk) -> list[str]:
    """Say it all; the events as they came live."""
    for script in SCRIPTS:
        frames = await talk.say(script)
        components = [f for f in frames if f["type"] == "component"]
        if components:
            values = {"city": "Ål", "x": {"a": [1.0, 1e-7, None, True]}}
            await talk.submit(only(frames, "component")["component_id"], values)
    return [f.text for f in talk.log()]


async def test_every_way_of_reading_gives_the_bytes_that_came_live(person: Person, talk: Talk):
    live = await converse(talk)
    for way, texts in (await texts_by_every_way(person, talk.chat, len(live))).items():
        assert texts == live, way


async def test_followers_on_other_sockets_got_the_same_bytes_live(person: Person, talk: Talk):
    others = [await person.talk(talk.chat) for _ in range(2)]
    live = await converse(talk)
    for other in others:
        await other.socket.until(lambda f: f.is_event and f["position"] == len(live))
        assert [f.text for f in other.log()] == live


async def test_the_bytes_are_the_same_after_a_restart(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    live = await converse(talk)
    server.kill()
    await asyncio.to_thread(server.start)
    for way, texts in (await texts_by_every_way(talk.person, talk.chat, len(live))).items():
        assert texts == live, way


async def test_what_was_submitted_is_kept_by_value(talk: Talk):
    component = only(await talk.say("custom x"), "component")["component_id"]
    values = {"": "", "a b": [], "ü": {"x": None}, "n": [0, -1, 1.5, 2**53 - 1, True], "e": "👍"}
    frames = await talk.submit(component, values)
    assert frames[0]["values"] == values
    assert json.loads(frames[0].text)["values"] == values


async def test_every_event_is_one_line_of_json(talk: Talk):
    for text in await converse(talk):
        assert "\n" not in text
        assert "\r" not in text
