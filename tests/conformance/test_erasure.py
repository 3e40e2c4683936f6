"""Section 9: erasing a chat or a user takes away what was written and leaves what happened."""

from __future__ import annotations

import asyncio
import json

import psycopg
from tests.conformance.conftest import Launch, MakePerson
from tests.conformance.test_http_chats import problem
from tests.kit.laws import WRITTEN, check_event
from tests.kit.server import Server
from tests.kit.sse import follow
from tests.kit.tokens import new_id, token_for
from tests.kit.wire import Person, Talk, of_type, only, outline

CANARY = "swordfish"
RICH = (
    f'think a ; recognise {CANARY}x 0.5 ; slots {{"{CANARY}":"{CANARY}"}} ; '
    f"tool {CANARY}x once visible ; custom {CANARY}kind ; echo {CANARY} ; form {CANARY}"
)


async def erase(talk: Talk) -> None:
    answer = await talk.person.http.delete(talk.path)
    assert (answer.status_code, answer.content) == (204, b"")


async def rich_talk(talk: Talk) -> list:
    """A chat in which every kind of event holds something written; its events."""
    frames = await talk.say(RICH)
    component = [f for f in frames if f["type"] == "component"][-1]["component_id"]
    await talk.submit(component, {"city": CANARY, "script": f"ask {CANARY}?"})
    await talk.say(f"fail own_code again {CANARY}")
    return talk.log()


async def test_erasing_appends_one_event_and_keeps_every_place(talk: Talk):
    before = await rich_talk(talk)
    await erase(talk)
    after = await talk.stored()
    assert len(after) > len(before)
    assert outline(after)[-1] == "chat erased"
    for old, new in zip(before, after, strict=False):
        for name in ("type", "event_id", "position", "timestamp", "user_id", "user_chat_id"):
            assert new[name] == old[name]
        assert new["erased"] is True


async def test_states_flags_and_ids_stay(talk: Talk):
    before = await rich_talk(talk)
    await erase(talk)
    kept = (
        "status", "attempt", "user_intent_id", "session_id", "socket_connection_id",
        "message_id", "caused_by", "component_id", "is_complete", "follow_up", "call_id", "ok",
        "idempotent", "retryable",
    )  # fmt: skip
    for old, new in zip(before, await talk.stored(), strict=False):
        for name in kept:
            assert new.get(name) == old.get(name), (name, old)


async def test_what_was_written_is_gone_everywhere(talk: Talk):
    await rich_talk(talk)
    await erase(talk)
    for event in await talk.stored():
        check_event(event)
        assert not WRITTEN & event.keys(), event
    paths = [
        f"{talk.path}/events",
        talk.path,
        f"{talk.path}?at=5",
        f"{talk.path}/history",
        "/intents",
        "/chats",
        "/sessions",
        "/sessions?status=abandoned",
    ]
    for path in paths:
        answer = await talk.person.http.get(path)
        if answer.status_code == 200:
            free = answer.text.replace(f"{CANARY}x", "").replace(f"{CANARY}kind", "")
            assert f'"{CANARY}' not in free, path


async def test_what_was_said_is_gone_from_the_files(launch: Launch, people: MakePerson):
    server = launch()
    talk = await people(server).talk()
    secret = new_id("secret")
    await talk.say(f"echo {secret}")
    await talk.say(f'slots {{"a":"{secret}"}} ; form {secret}')
    for _ in range(5):
        await talk.say(f"stream 3 0.01 ; complete {secret}", new_intent=True)
    await erase(talk)
    held = holders(server, secret)
    server.kill()
    assert held == []


def holders(server: Server, secret: str) -> list[str]:
    """The files of the database that hold the secret; on PostgreSQL, whose files are the
    operator's, the tables."""
    if not server.database.startswith("postgres"):
        files = list(server.folder.glob("chatstream.db*"))
        assert files
        return [path.name for path in files if secret.encode() in path.read_bytes()]
    with psycopg.connect(server.database) as connection:
        tables = connection.execute(
            "SELECT quote_ident(relname) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        assert tables
        return [
            table
            for (table,) in tables
            for row in connection.execute(f"SELECT * FROM {table}").fetchall()
            if secret.encode() in b" ".join(str(cell).encode() for cell in row)
        ]


async def test_erasing_again_is_204_and_appends_nothing(talk: Talk):
    await talk.say("echo a")
    await erase(talk)
    newest = (await talk.stored())[-1]["position"]
    await erase(talk)
    assert (await talk.stored())[-1]["position"] == newest


async def test_a_follower_sees_it_happen(talk: Talk):
    await talk.say("echo a")
    await erase(talk)
    erased = await talk.event("chat", status="erased")
    assert erased["position"] == len(talk.log())


async def test_an_erased_chat_leaves_the_list_and_can_still_be_opened(person: Person, talk: Talk):
    await talk.say("echo a")
    await erase(talk)
    assert (await person.get("/chats"))["items"] == []
    opened, events, _ = await (await person.join()).read_chat(user_chat_id=talk.chat)
    assert opened["status"] == "erased"
    assert opened["created"] is False
    assert outline(events)[-1] == "chat erased"
    assert [e["position"] for e in events] == list(range(1, len(events) + 1))


async def test_every_reader_gets_the_same_erased_bytes(person: Person, talk: Talk):
    await rich_talk(talk)
    await erase(talk)
    stored = [f.text for f in await talk.stored()]
    _, events, _ = await (await person.join()).read_chat(user_chat_id=talk.chat)
    async with follow(person, talk.chat) as stream:
        await stream.until(lambda e: e.frame["type"] == "caught_up")
    assert [f.text for f in events] == stored
    assert [e.frame.text for e in stream.events if e.frame.is_event] == stored


async def test_a_place_held_before_is_still_good(person: Person, talk: Talk):
    await talk.say("echo a")
    held = talk.log()[2]
    await erase(talk)
    socket = await person.join()
    _, events, _ = await socket.read_chat(
        user_chat_id=talk.chat, after=held["position"], after_event=held["event_id"]
    )
    assert not any(f["type"] == "resync" for f in socket.frames)
    assert events[0]["position"] == held["position"] + 1


async def test_repeats_are_recognised_by_id_alone(talk: Talk):
    frames = await talk.say("echo a", id="again")
    await erase(talk)
    repeat = await talk.send("something else", id="again")
    assert (repeat["position"], repeat["duplicate"]) == (frames[0]["position"], True)


async def test_nothing_new_can_be_said(talk: Talk):
    frames = await talk.say("echo a")
    await erase(talk)
    await talk.refused("send", content="echo b")
    await talk.refused("resume", user_intent_id=frames[0]["user_intent_id"])


async def test_erasing_ends_the_running_turn_as_cancelled_first(talk: Talk):
    sent = await talk.send("think a ; hang")
    await talk.event("thinking")
    await erase(talk)
    stored = await talk.stored()
    end = only(stored, "turn", status="cancelled")
    assert end["caused_by"] == sent["id"]
    assert outline(stored)[-1] == "chat erased"


async def test_a_closed_chat_can_be_erased(talk: Talk):
    await talk.say("echo a")
    await talk.do("close")
    await erase(talk)
    assert outline(await talk.stored())[-2:] == ["chat closed", "chat erased"]


async def test_another_users_chat_cannot_be_erased(talk: Talk, stranger: Person):
    await talk.say("echo a")
    problem(await stranger.http.delete(talk.path), 404, "not_found")
    problem(await stranger.http.delete(f"/users/{talk.person.user_id}"), 404, "not_found")
    assert not [f for f in await talk.stored() if "erased" in f]


async def test_a_user_can_erase_every_chat_of_theirs(person: Person, stranger: Person):
    talks = [await person.talk() for _ in range(3)]
    other = await stranger.talk()
    for talk in [*talks, other]:
        await talk.say("echo a")
    answer = await person.http.delete("/users/me")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await person.get("/chats"))["items"] == []
    for talk in talks:
        assert outline(await talk.stored())[-1] == "chat erased"
    assert len((await stranger.get("/chats"))["items"]) == 1


async def test_an_admin_can_order_an_erasure(talk: Talk, people: MakePerson):
    await talk.say("echo a")
    other = await talk.person.talk()
    admin = people(talk.person.server, "admin", token_for("admin", scope="read admin"))
    assert (await admin.http.delete(talk.path)).status_code == 204
    assert outline(await talk.stored())[-1] == "chat erased"
    assert (await admin.http.delete(f"/users/{talk.person.user_id}")).status_code == 204
    assert outline(await other.stored())[-1] == "chat erased"


async def test_it_stays_erased_after_a_restart(mortal: Server, people: MakePerson):
    server = mortal
    talk = await people(server).talk()
    await talk.say(f"echo {CANARY}", id="again")
    await erase(talk)
    texts = [f.text for f in await talk.stored()]
    server.kill()
    await asyncio.to_thread(server.start)
    assert [f.text for f in await talk.stored()] == texts
    again = await talk.person.talk(talk.chat)
    assert (await again.send("something else", id="again"))["duplicate"] is True


async def test_an_erased_turn_is_not_in_other_readers_catch_up(person: Person, talk: Talk):
    other = await person.talk(talk.chat)
    await talk.say(f"echo {CANARY}")
    await other.event("response")
    await erase(talk)
    _, events, _ = await other.socket.read_chat(user_chat_id=talk.chat)
    assert CANARY not in json.dumps(events)
    await other.socket.until(of_type("chat", status="erased"))


async def test_an_unknown_chat_cannot_be_erased(person: Person):
    problem(await person.http.delete(f"/chats/{new_id('chat')}"), 404, "not_found")


async def test_commands_that_did_nothing_are_still_remembered(talk: Talk):
    await talk.do("cancel", id="late")
    await erase(talk)
    assert (await talk.do("cancel", id="late"))["duplicate"] is True


async def test_an_erased_chats_intents_and_sessions_do_not_live(person: Person, talk: Talk):
    await talk.say("ask a")
    await erase(talk)
    assert (await person.get("/sessions"))["items"] == []
    assert (await person.get("/intents", status="active"))["items"] == []


async def test_erasing_keeps_the_place_of_a_socket_that_follows(person: Person, talk: Talk):
    await talk.say("echo a")
    await erase(talk)
    await talk.event("chat", status="erased")
    other = await person.talk()
    await other.say("echo unharmed")
    await talk.socket.settle()
