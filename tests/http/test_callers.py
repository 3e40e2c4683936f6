"""Who may come in: tokens, visitors, origins."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from http_kit import new_chat, problem, token_of

from chatstream.security.cookies import COOKIE, SECURE_COOKIE
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


HTTPS = {"X-Forwarded-Proto": "https"}


async def test_over_tls_the_cookie_is_secure_and_has_a_name_that_only_its_host_can_set(launch):
    server = await launch(secret=None)
    async with server.client(**HTTPS) as browser:
        cookie = SimpleCookie((await browser.post("/visitors")).headers["set-cookie"])
    assert list(cookie) == [SECURE_COOKIE] == ["__Host-chatstream_visitor"]
    assert cookie[SECURE_COOKIE]["secure"]
    assert cookie[SECURE_COOKIE]["path"] == "/"
    assert not cookie[SECURE_COOKIE]["domain"]


async def test_over_tls_a_cookie_of_the_plain_name_is_nobodys(open_server):
    mine, planted = [(await visitor_of(open_server)) for _ in range(2)]
    cookies = f"{COOKIE}={planted['token']}; {SECURE_COOKIE}={mine['token']}"
    async with open_server.client(Cookie=cookies, **HTTPS) as browser:
        chat = await new_chat(browser)
    async with open_server.client(mine["token"]) as program:
        assert (await program.get(f"/chats/{chat}")).status_code == 200
    only_planted = f"{COOKIE}={planted['token']}"
    async with open_server.client(Cookie=only_planted, **HTTPS) as browser:
        answer = await browser.get("/chats")
    assert SECURE_COOKIE in answer.headers["set-cookie"]


async def visitor_of(server) -> dict:
    async with server.client() as browser:
        return (await browser.post("/visitors")).json()


async def test_two_different_cookies_are_nobodys_and_two_equal_ones_are_one(open_server):
    one, two = [(await visitor_of(open_server))["token"] for _ in range(2)]
    for cookies in (f"{COOKIE}={one}; {COOKIE}={two}", f"{COOKIE}={two}; {COOKIE}={one}"):
        async with open_server.client(Cookie=cookies) as browser:
            problem(await browser.get("/chats"), 401, "unauthenticated")
    async with open_server.client(Cookie=f"{COOKIE}={one}; a=b; {COOKIE}={one}") as browser:
        assert (await browser.get("/chats")).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://{host}"}, {"X-Forwarded-Proto": "https", "Host": "{host}"}]
)
async def test_a_cookie_without_secure_behind_a_proxy_that_is_not_believed_is_warned_about(
    open_server, headers, caplog, monkeypatch
):
    # As from a proxy that is not among those that are believed.
    monkeypatch.setattr("chatstream.http.caller.is_secure", lambda scheme: False)
    host = open_server.url.removeprefix("http://")
    async with open_server.client(
        **{k: v.format(host=host) for k, v in headers.items()}
    ) as browser:
        for _ in range(3):
            assert (await browser.post("/visitors")).status_code == 201
    warnings = [line for line in caplog.messages if "FORWARDED_ALLOW_IPS" in line]
    assert len(warnings) == 1


async def test_a_page_over_plain_http_is_not_warned_about(open_server, caplog):
    async with open_server.client(Origin=open_server.url) as browser:
        await browser.post("/visitors")
    assert "FORWARDED_ALLOW_IPS" not in caplog.text


async def test_a_hosts_token_is_never_renewed_whatever_it_claims(launch):
    server = await launch(anonymous=True, visitor_ttl_s=1000)
    token = token_of("visitor_x", seconds=60, visitor=True)
    async with server.client(Cookie=f"{COOKIE}={token}") as browser:
        answer = await browser.get("/chats")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_a_stream_of_who_came_after_exp_ends_with_the_leeway(server):
    identity = await server.backend.identities.authenticate(token_of("ann", seconds=-10))
    assert 15 < identity.left_s(now_ms()) <= 20
    async with server.client(token_of("ann", seconds=-10)) as client:
        assert (await client.get("/chats")).status_code == 200


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
