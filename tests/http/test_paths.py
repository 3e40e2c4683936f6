"""What a path names, exactly: an id is decoded once, and nothing is tidied away before it counts.

Requests go out as they are written here: clients resolve `..` and tidy slashes themselves.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from urllib.parse import quote, urlsplit

import pytest
from http_kit import new_chat, say, token_of
from litestar.testing import RequestFactory

from chatstream.errors import Refused
from chatstream.http.paths import user_named


async def ask(server, method: str, path: str, token: str) -> tuple[int, dict]:
    """Status and body of a request to `path`, which is sent as it is."""

    def sent() -> tuple[int, dict]:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(method, f"{server.backend.settings.prefix}{path}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, json.loads(body) if body else {}

    return await asyncio.to_thread(sent)


ADMIN = token_of("root", scope="admin")
NEIGHBOURS = ["alice", "/alice", "alice/", "//alice", "a/b", "a//b", "/", "//", ".", "..",
    "%2Falice", "../alice", "%61lice", "é", "Me", "me/", "/me", "a?b#c", " alice"]  # fmt: skip


@pytest.fixture
async def neighbours(server):
    """Users whose ids differ by little, with a chat each; the chat of each."""
    chats = {}
    for user in NEIGHBOURS:
        async with server.client(token_of(user)) as client:
            chats[user] = await new_chat(client)
    return chats


async def erased(server, chats: dict[str, str]) -> list[str]:
    """Whose chats are erased."""
    async with server.client(ADMIN) as client:
        states = {user: (await client.get(f"/chats/{chat}")).json() for user, chat in chats.items()}
    return [user for user, state in states.items() if state["status"] == "erased"]


async def test_an_erasure_erases_exactly_whom_it_names(server, neighbours):
    for count, user in enumerate(NEIGHBOURS, 1):
        path = f"/users/{quote(user, safe='').replace('.', '%2E')}"
        assert await ask(server, "DELETE", path, ADMIN) == (204, {}), user
        assert await erased(server, neighbours) == NEIGHBOURS[:count]


NOBODY = ["/users//alice", "/users/alice/", "/users//", "/users/", "/users", "/users/a//b",
    "/users/me/", "/users//me", "/users/./alice", "/users/x/../alice", "/users/..",
    "/users/alice/.", "/users/%zz", "/users/%FF", "/users/alice%", "/users/%00alice",
    "//users/alice", "/%75sers/alice"]  # fmt: skip


async def test_what_names_nobody_exactly_erases_nobody_and_says_why(server, neighbours):
    for path in NOBODY:
        status, body = await ask(server, "DELETE", path, ADMIN)
        assert (status, body["code"]) == (400, "invalid_frame"), path
        assert "percent-encode" in body["detail"]
    assert await erased(server, neighbours) == []


async def test_a_slash_within_an_id_may_have_been_decoded_by_a_proxy(server, neighbours):
    assert (await ask(server, "DELETE", "/users/a/b", ADMIN))[0] == 204
    assert await erased(server, neighbours) == ["a/b"]


@pytest.mark.parametrize("path", ["/users/me", "/users/%6De"])
async def test_me_is_the_caller_however_it_is_encoded(server, neighbours, path):
    assert (await ask(server, "DELETE", path, token_of("alice")))[0] == 204
    assert await erased(server, neighbours) == ["alice"]


async def test_nobody_can_be_called_me(server):
    async with server.client(token_of("me")) as client:
        answer = await client.post("/chats")
    assert answer.status_code == 401


async def test_another_user_is_as_if_missing_for_who_is_no_admin(server, neighbours):
    for path in ("/users/%2Falice", "/users/alice%2F", "/users/bob"):
        assert (await ask(server, "DELETE", path, token_of("alice")))[0] == 404, path
    assert await erased(server, neighbours) == []


ODD = ["/{id}", "{id}/", "//{id}", "%2F{id}", "{id}%2F", "%2f{id}", "{id}%2F.", "./{id}", "{id}%FF",
    "x/../{id}", "{id}/.", "{id}%00", "%252F{id}", "{id}%20"]  # fmt: skip


async def test_an_oddly_written_id_reaches_no_chat_session_or_intent(server, ann):
    chat = await new_chat(ann)
    frames = await say(ann, chat, "ask Where?")
    ids = {"chat": chat, "session": frames[1]["session_id"], "intent": frames[1]["user_intent_id"]}
    for odd in ODD:
        asked = {name: odd.format(id=value) for name, value in ids.items()}
        for method, path in (
            ("GET", f"/chats/{asked['chat']}"),
            ("GET", f"/chats/{asked['chat']}/events"),
            ("POST", f"/chats/{asked['chat']}/close"),
            ("DELETE", f"/chats/{asked['chat']}"),
            ("DELETE", f"/sessions/{asked['session']}"),
            ("POST", f"/intents/{asked['intent']}/abandon"),
        ):
            status, body = await ask(server, method, path, token_of("ann"))
            assert (status, body["code"]) == (404, "not_found"), path
    shown = (await ann.get(f"/chats/{chat}")).json()
    assert (shown["status"], shown["position"]) == ("open", frames[-1]["position"])


async def test_a_command_cannot_be_hidden_in_an_id(server, ann):
    chat = await new_chat(ann)
    for hidden in ("%2Fclose", "%2Fcancel", "/%2Fclose"):
        assert (await ask(server, "POST", f"/chats/{chat}{hidden}", token_of("ann")))[0] == 404
    assert (await ann.get(f"/chats/{chat}")).json()["status"] == "open"


async def test_an_empty_session_id_does_not_clear_all_sessions(server, ann):
    await say(ann, await new_chat(ann), "ask Where?")
    for path in ("/sessions/", "/sessions//", "/sessions/%2F"):
        assert (await ask(server, "DELETE", path, token_of("ann")))[0] == 404, path
    assert len((await ann.get("/sessions")).json()["items"]) == 1


async def test_an_oddly_written_component_is_none(server, ann):
    chat = await new_chat(ann)
    (component,) = [f for f in await say(ann, chat, "form") if f["type"] == "component"]
    for odd in ODD:
        path = f"/chats/{chat}/components/{odd.format(id=component['component_id'])}"
        status, _ = await ask(server, "POST", path, token_of("ann"))
        assert status in {400, 404}, path  # 400: the body is missing


def test_a_server_that_tells_no_raw_path_is_asked_for_the_decoded_one():
    request = RequestFactory().delete("/api/v1/users/a/b c")
    request.scope["raw_path"] = b""
    request.scope["path"] = "/api/v1/users/a/b c"
    assert user_named(request, "/api/v1") == "a/b c"
    request.scope["path"] = "/api/v1/users//b"
    with pytest.raises(Refused):
        user_named(request, "/api/v1")


def test_a_user_is_named_below_a_mount_as_well():
    request = RequestFactory().delete("/x")
    request.scope["raw_path"] = b"/mount/api/v1/users/a%2Fusers%2Fb"
    assert user_named(request, "/api/v1") == "a/users/b"
