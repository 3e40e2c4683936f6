"""Who may come in: tokens, visitors, origins."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from http_kit import new_chat, problem, token_of

from chatstream.security.identity import COOKIE
from chatstream.timestamps import now_ms, to_text

EVIL = "https://evil.example"
FRIEND = "https://app.example"


@pytest.fixture
async def open_server(launch):
    """One that takes visitors, as it does with no key set."""
    return await launch(secret=None, origins=(FRIEND,), visitor_ttl_s=1000)


def cookie_of(answer):
    cookie = SimpleCookie(answer.headers["set-cookie"])
    return cookie[COOKIE]


async def test_without_a_token_nobody_comes_in(server):
    async with server.client() as nobody:
        for path in ("/chats", "/chats/c", "/intents", "/sessions", "/connections"):
            answer = await nobody.get(path)
            problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "set-cookie" not in answer.headers
        problem(await nobody.post("/visitors"), 401, "unauthenticated")


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer x", "Basic YTpi", "bearer a.b.c", "x" * 10_000]
)
async def test_a_bad_token_never_makes_a_visitor(open_server, value):
    async with open_server.client(Authorization=value) as client:
        problem(await client.get("/chats"), 401, "unauthenticated")


async def test_two_tokens_are_none(server):
    async with server.client() as client:
        headers = [("Authorization", f"Bearer {token_of('ann')}")] * 2
        problem(await client.get("/chats", headers=headers), 401, "unauthenticated")


async def test_the_scheme_may_be_written_in_any_case(server):
    async with server.client(Authorization=f"bEARER {token_of('ann')}") as client:
        assert (await client.get("/chats")).status_code == 200


async def test_a_visitor_has_a_cookie_and_a_token_for_one_identity(open_server):
    async with open_server.client() as browser:
        answer = await browser.post("/visitors")
        assert answer.status_code == 201
        visitor = answer.json()
        cookie = cookie_of(answer)
        assert cookie.value == visitor["token"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert cookie["max-age"] == "1000"
        assert not cookie["secure"]
        chat = await new_chat(browser)
    async with open_server.client(visitor["token"]) as program:
        (mine,) = (await program.get("/chats")).json()["items"]
        assert mine["user_chat_id"] == chat


async def test_the_cookie_is_secure_on_https(launch):
    server = await launch(secret=None)
    async with server.client(**{"X-Forwarded-Proto": "https"}) as browser:
        assert cookie_of(await browser.post("/visitors"))["secure"]


async def test_a_caller_without_anything_becomes_a_visitor(open_server):
    async with open_server.client() as browser:
        chat = await new_chat(browser)
        assert browser.cookies[COOKIE]
        again = await browser.get(f"/chats/{chat}")
        assert again.status_code == 200
        assert "set-cookie" not in again.headers


async def test_a_cookie_is_renewed_once_half_of_its_time_has_passed(open_server):
    identities = open_server.backend.identities
    async with open_server.client() as browser:
        user = (await browser.post("/visitors")).json()
        identities._clock = lambda: now_ms() + 490_000
        assert "set-cookie" not in (await browser.get("/chats")).headers
        identities._clock = lambda: now_ms() + 500_000
        renewed = identities.verify(cookie_of(await browser.get("/chats")).value)
    assert renewed.user_id == user["user_id"]
    assert to_text(renewed.expires_at_ms) > user["token_expires_at"]


async def test_a_forged_cookie_is_refused(open_server):
    async with open_server.client(Cookie=f"{COOKIE}={token_of('ann')}") as browser:
        problem(await browser.get("/chats"), 401, "unauthenticated")


@pytest.mark.parametrize("origin", [EVIL, "null", f"{FRIEND}.evil.example", "http://127.0.0.1:1"])
async def test_an_unsafe_request_by_cookie_from_a_foreign_page_is_refused(open_server, origin):
    async with open_server.client() as browser:
        chat = await new_chat(browser)
        browser.headers["Origin"] = origin
        for method, path, body in (
            ("POST", "/chats", None),
            ("POST", "/visitors", None),
            ("POST", f"/chats/{chat}/messages", {"content": "x"}),
            ("POST", f"/chats/{chat}/cancel", {}),
            ("DELETE", f"/chats/{chat}", None),
            ("DELETE", "/users/me", None),
            ("DELETE", "/sessions", None),
        ):
            answer = await browser.request(method, path, json=body)
            problem(answer, 403, "forbidden_origin")
        assert (await browser.get(f"/chats/{chat}")).json()["position"] == 1


async def test_pages_of_our_own_and_of_the_list_may(open_server):
    async with open_server.client() as browser:
        for origin in (open_server.url, FRIEND):
            headers = {"Origin": origin}
            assert (await browser.post("/chats", headers=headers)).status_code == 201


async def test_a_request_with_a_token_may_come_from_any_page(server):
    async with server.client(token_of("ann"), Origin=EVIL) as client:
        assert (await client.post("/chats")).status_code == 201


async def test_an_allowed_page_can_read_the_answers(open_server):
    async with open_server.client(Origin=FRIEND) as browser:
        answer = await browser.get("/chats")
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        assert "Origin" in answer.headers["vary"]
        refused = await browser.get("/chats/none")
        problem(refused, 404, "not_found")
        assert refused.headers["access-control-allow-origin"] == FRIEND


async def test_an_allowed_page_may_ask_first(open_server):
    async with open_server.client(Origin=FRIEND) as browser:
        asks = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        answer = await browser.options("/chats/c/messages", headers=asks)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "Authorization" in answer.headers["access-control-allow-headers"]
        assert "set-cookie" not in answer.headers


async def test_a_foreign_page_learns_nothing(open_server):
    async with open_server.client(Origin=EVIL) as browser:
        for answer in (await browser.get("/chats"), await browser.options("/chats")):
            assert "access-control-allow-origin" not in answer.headers


async def test_every_answer_carries_the_security_headers(server):
    async with server.client(token_of("ann")) as client:
        for path in ("/chats", "/chats/none", f"{server.url}/health/live", f"{server.url}/"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors" in headers["content-security-policy"]


async def test_no_token_cookie_or_content_gets_into_the_log(open_server, caplog):
    caplog.set_level("DEBUG", logger="chatstream")
    async with open_server.client() as browser:
        token = (await browser.post("/visitors")).json()["token"]
        chat = await new_chat(browser)
        await browser.post(f"/chats/{chat}/messages", json={"content": "canary"})
        await browser.get("/chats", headers={"Authorization": f"Bearer {token}x"})
        await browser.post(f"/chats/{chat}/messages", content=b'{"content":"canary')
    assert "canary" not in caplog.text
    assert token not in caplog.text
