"""Sections 3, 7, 9 and 10: who one is: tokens, visitors, keys of the host, expiry, admins."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.conformance.conftest import Launch, MakePerson
from tests.conformance.test_http_chats import problem
from tests.kit.server import SECRET, Server
from tests.kit.tokens import new_id, token_for
from tests.kit.wire import PROTOCOL, Person, Talk, http_client, of_type
from tests.security.provider import Provider, dripping_head, forged
from tests.security.provider import token as provider_token

from chatstream.security.jwks import PATIENCE_S

COOKIE = "chatstream_visitor"
BAD_TOKENS = [
    "another secret", "no signature", "None", "stripped signature", "HS512",
    "HS512 with the secret", "expired", "not yet", "no exp", "no sub", "empty sub", "long sub",
    "sub with a NUL", "sub with a line break", "sub that is no string", "two parts",
    "sub that turns the text around", "sub me", "not made yet", "iat that is no number",
    "changed claims",
]  # fmt: skip


async def closes_with(person: Person, token: str) -> int:
    """The close code that a token's `hello` meets."""
    socket = await person.connect()
    await socket.post({"type": "hello", "protocol": PROTOCOL, "token": token})
    return await socket.closed()


async def status_of(server: Server, token: str) -> int:
    async with http_client(server, headers={"Authorization": f"Bearer {token}"}) as http:
        return (await http.get("/chats")).status_code


def unsigned(claims: dict, algorithm: str = "none") -> str:
    """A token with no signature at all."""
    parts = [{"alg": algorithm, "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*encoded, ""])


def bad_tokens() -> dict[str, str]:
    now = int(time.time())
    good = {"sub": "user_x", "exp": now + 600}

    def signed(claims: dict, secret: str = SECRET, algorithm: str = "HS256") -> str:
        return jwt.encode(claims, secret, algorithm=algorithm)

    valid = signed(good)
    return {
        "another secret": signed(good, "another-secret-that-is-long-enough-0123456789"),
        "no signature": unsigned(good),
        "None": unsigned(good, "None"),
        "stripped signature": valid.rsplit(".", 1)[0] + ".",
        "HS512": signed(good, SECRET * 2, "HS512"),
        "HS512 with the secret": signed(good, SECRET, "HS512"),
        "expired": signed({**good, "exp": now - 60}),
        "not yet": signed({**good, "nbf": now + 600}),
        "no exp": signed({"sub": "user_x"}),
        "no sub": signed({"exp": now + 600}),
        "empty sub": signed({**good, "sub": ""}),
        "long sub": signed({**good, "sub": "x" * 256}),
        "sub with a NUL": signed({**good, "sub": "a\x00b"}),
        "sub with a line break": signed({**good, "sub": "a\nb"}),
        "sub that is no string": signed({**good, "sub": ["user_x"]}),
        "sub that turns the text around": signed({**good, "sub": "user_\u202ex"}),
        "sub me": signed({**good, "sub": "me"}),
        "not made yet": signed({**good, "iat": now + 600}),
        "iat that is no number": signed({**good, "iat": "now"}),
        "two parts": ".".join(valid.split(".")[:2]),
        "changed claims": changed(valid),
    }


def changed(token: str) -> str:
    head, _, signature = token.split(".")
    claims = base64.urlsafe_b64encode(
        json.dumps({"sub": "somebody_else", "exp": int(time.time()) + 600}).encode()
    )
    return f"{head}.{claims.decode().rstrip('=')}.{signature}"


@pytest.mark.parametrize("name", BAD_TOKENS)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_bad_token_is_refused_on_socket_and_http(person: Person, name: str):
    token = bad_tokens()[name]
    assert await closes_with(person, token) == 4401
    assert await status_of(person.server, token) == 401


@pytest.mark.parametrize(
    "user", ["a", "x" * 255, "josé@example.com", "auth0|1234/5 6", "用户", "' or 1=1 --", "Me"]
)
async def test_a_user_id_is_any_text_without_control_characters(
    server: Server, people: MakePerson, user: str
):
    person = people(server, user)
    talk = await person.talk()
    assert talk.socket.frames[0]["user_id"] == user
    assert talk.log()[0]["user_id"] == user
    await talk.do("close")


async def test_a_token_that_was_valid_since_a_while_ago_is_taken(
    server: Server, people: MakePerson
):
    person = people(server, "u", token_for("u", nbf=int(time.time()) - 60))
    await person.join()


@pytest.mark.parametrize("claims", [{"nbf": 15}, {"iat": 15}, {"exp": -15}])
async def test_clocks_may_differ_by_half_a_minute(
    server: Server, people: MakePerson, claims: dict[str, int]
):
    moments = {name: int(time.time()) + seconds for name, seconds in claims.items()}
    user = new_id("user")
    person = people(server, user, token_for(user, **moments))
    talk = await person.talk()
    await talk.say("echo hi")
    assert (await person.get("/chats"))["items"]


async def test_who_comes_after_exp_within_the_leeway_may_stay_until_its_end(
    server: Server, people: MakePerson
):
    user = new_id("user")
    late = people(server, user, token_for(user, seconds=-27))
    ends = jwt.decode(late.token, options={"verify_signature": False, "verify_exp": False})
    socket = await late.join()
    assert await socket.closed() == 4401
    assert ends["exp"] + 29.9 <= time.time() <= ends["exp"] + 30 + 2.5
    assert await closes_with(late, late.token) == 4401


async def test_welcome_says_when_the_token_expires(server: Server, people: MakePerson):
    expires = int(time.time()) + 600
    user = new_id("user")
    token = jwt.encode({"sub": user, "exp": expires}, SECRET, algorithm="HS256")
    socket = await people(server, user, token).join()
    said = dt.datetime.fromisoformat(socket.frames[0]["token_expires_at"])
    assert said.timestamp() == expires


async def test_a_live_socket_is_closed_soon_after_its_tokens_expiry(
    server: Server, people: MakePerson
):
    user = new_id("user")
    lasting = await people(server, user).talk()
    brief = people(server, user, token_for(user, seconds=2))
    expires = jwt.decode(brief.token, options={"verify_signature": False})["exp"]
    socket = await brief.join()
    await socket.read_chat(user_chat_id=lasting.chat)
    assert await socket.closed() == 4401
    assert time.time() <= expires + 2.5
    assert time.time() >= expires - 0.1
    again = await people(server, user).talk(lasting.chat)
    await again.say("echo resumed")


async def test_auth_replaces_a_token_in_place(server: Server, people: MakePerson):
    user = new_id("user")
    person = people(server, user, token_for(user, seconds=2))
    talk = await person.talk()
    expires = jwt.decode(person.token, options={"verify_signature": False})["exp"]
    before = len(talk.socket.frames)
    await talk.socket.post({"type": "auth", "token": token_for(user)})
    welcome = await talk.socket.until(of_type("welcome"), before)
    assert welcome["socket_connection_id"] == talk.socket.frames[0]["socket_connection_id"]
    assert welcome["user_id"] == user
    assert welcome["token_expires_at"] > talk.socket.frames[0]["token_expires_at"]
    frames = await talk.say(f"sleep {max(0.0, expires - time.time()) + 2.5} ; echo alive")
    assert frames[-1]["status"] == "finished"
    assert talk.socket.close_code is None


async def test_a_bad_token_on_auth_leaves_the_old_one(talk: Talk):
    for token in ("nonsense", "x" * 100_000, token_for(talk.person.user_id, seconds=-60)):
        before = len(talk.socket.frames)
        await talk.socket.post({"type": "auth", "token": token})
        rejected = await talk.socket.until(of_type("rejected"), before)
        assert rejected["code"] == "unauthenticated"
    await talk.say("echo still me")


async def test_another_users_token_does_not_take_over_the_socket(talk: Talk, stranger: Person):
    before = len(talk.socket.frames)
    await talk.socket.post({"type": "auth", "token": stranger.token})
    rejected = await talk.socket.until(of_type("rejected"), before)
    assert rejected["code"] == "unauthenticated"
    frames = await talk.say("echo still me")
    assert frames[0]["user_id"] == talk.person.user_id


async def test_an_admin_reads_every_users_things(talk: Talk, people: MakePerson):
    frames = await talk.say('recognise book 0.5 ; slots {"a":1} ; ask a')
    admin = people(talk.person.server, "admin", token_for("admin", scope="x admin y"))
    user = talk.person.user_id
    assert (await admin.get(talk.path))["position"] == frames[-1]["position"]
    assert [f.text for f in await admin.stored(talk.chat)] == [f.text for f in talk.log()]
    assert len((await admin.get(f"{talk.path}/history"))["items"]) == 2
    for path in ("/chats", "/intents", "/sessions", "/connections"):
        items = (await admin.get(path, user_id=user))["items"]
        assert len(items) == 1, path


async def test_an_admin_does_not_write_for_another(talk: Talk, people: MakePerson):
    frames = await talk.say("form")
    admin = people(talk.person.server, "admin", token_for("admin", scope="admin"))
    answer = await admin.http.post(f"{talk.path}/messages", json={"content": "a"})
    problem(answer, 404, "not_found")
    intent = frames[0]["user_intent_id"]
    problem(await admin.http.post(f"/intents/{intent}/abandon", json={}), 404, "not_found")
    socket = await admin.join()
    command = {"type": "send", "id": "i", "user_chat_id": talk.chat, "content": "echo a"}
    assert (await socket.ask(command))["code"] == "not_found"
    assert [f.text for f in await talk.stored()] == [f.text for f in talk.log()]


@pytest.mark.parametrize("claim", ["scope", "scp"])
async def test_scopes_may_come_as_a_list_and_by_the_name_scp(
    talk: Talk, people: MakePerson, claim: str
):
    admin = people(talk.person.server, "admin", token_for("admin", **{claim: ["x", "admin"]}))
    assert (await admin.get(talk.path))["user_chat_id"] == talk.chat


@pytest.mark.parametrize("scope", ["", "administrator", "notadmin", "Admin", "admin,read"])
async def test_other_scopes_make_no_admin(talk: Talk, people: MakePerson, scope: str):
    other = people(talk.person.server, "other", token_for("other", scope=scope))
    problem(await other.http.get(talk.path), 404, "not_found")


async def test_the_user_filter_shows_nobody_else_without_admin(talk: Talk, stranger: Person):
    await talk.say("ask a")
    for path in ("/chats", "/intents", "/sessions"):
        answer = await stranger.http.get(path, params={"user_id": talk.person.user_id})
        assert talk.chat not in answer.text, path


async def test_who_brings_no_token_is_a_visitor(visitors: Server, people: MakePerson):
    one, two = people(visitors, token=None), people(visitors, token=None)
    welcomes = [(await p.join()).frames[0] for p in (one, two)]
    assert welcomes[0]["user_id"] != welcomes[1]["user_id"]
    assert all(w["token"] and w["token_expires_at"] for w in welcomes)


async def test_a_visitors_token_brings_the_same_visitor_back(visitors: Server, people: MakePerson):
    first = (await people(visitors, token=None).join()).frames[0]
    person = people(visitors, token=first["token"])
    talk = await person.talk()
    assert talk.socket.frames[0]["user_id"] == first["user_id"]
    await talk.say("echo hi")
    assert (await person.get("/chats"))["items"][0]["user_chat_id"] == talk.chat


async def test_a_visitors_cookie_is_an_identity_on_the_socket(visitors: Server, people: MakePerson):
    async with http_client(visitors) as http:
        made = (await http.post("/visitors")).json()
        cookie = http.cookies[COOKIE]
    person = people(visitors, token=None)
    socket = await person.connect(additional_headers={"Cookie": f"{COOKIE}={cookie}"})
    assert (await socket.hello())["user_id"] == made["user_id"]


async def test_a_visitor_survives_a_restart(launch: Launch, people: MakePerson):
    server = launch(SECRET="")
    person = people(server, token=None)
    welcome = (await person.join()).frames[0]
    server.kill()
    await asyncio.to_thread(server.start)
    again = people(server, token=welcome["token"])
    assert (await again.join()).frames[0]["user_id"] == welcome["user_id"]


async def test_a_visitor_identity_is_renewed_once_half_of_its_time_has_passed(
    launch: Launch, people: MakePerson
):
    server = launch(SECRET="", VISITOR_TTL=6)
    person = people(server, token=None)
    first = (await person.join()).frames[0]
    young = await people(server, token=first["token"]).join()
    assert young.frames[0].get("token", first["token"]) == first["token"]
    expires = dt.datetime.fromisoformat(first["token_expires_at"]).timestamp()
    await sleep_until(expires - 2.2)
    old = (await people(server, token=first["token"]).join()).frames[0]
    assert old["user_id"] == first["user_id"]
    assert old["token"] != first["token"]
    assert old["token_expires_at"] > first["token_expires_at"]


async def sleep_until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.time()))


async def test_unsafe_requests_by_cookie_need_an_own_origin(visitors: Server):
    own, evil = f"http://{visitors.host}", "http://evil.example"
    async with http_client(visitors) as http:
        token = (await http.post("/visitors")).json()["token"]
        problem(
            await http.post("/chats", json={}, headers={"Origin": evil}), 403, "forbidden_origin"
        )
        problem(
            await http.post("/chats", json={}, headers={"Origin": "null"}), 403, "forbidden_origin"
        )
        problem(await http.delete("/users/me", headers={"Origin": evil}), 403, "forbidden_origin")
        assert (await http.post("/chats", json={}, headers={"Origin": own})).status_code == 201
        assert (await http.post("/chats", json={})).status_code == 201
        assert (await http.get("/chats")).status_code == 200
    bearer = {"Authorization": f"Bearer {token}", "Origin": evil}
    async with http_client(visitors, headers=bearer) as http:
        assert (await http.post("/chats", json={})).status_code == 201


async def test_anonymous_off_refuses_visitors_where_no_secret_is_set(
    launch: Launch, people: MakePerson
):
    server = launch(SECRET="", ANONYMOUS="off")
    socket = await people(server, token=None).connect()
    await socket.post({"type": "hello", "protocol": PROTOCOL})
    assert await socket.closed() == 4401
    async with http_client(server) as http:
        problem(await http.get("/chats"), 401, "unauthenticated")
        problem(await http.post("/visitors"), 401, "unauthenticated")


async def test_anonymous_on_takes_visitors_beside_the_hosts_tokens(
    launch: Launch, people: MakePerson
):
    server = launch(ANONYMOUS="on")
    visitor = (await people(server, token=None).join()).frames[0]
    assert visitor["token"]
    known = people(server)
    assert (await known.join()).frames[0]["user_id"] == known.user_id


class Keys:
    """Two keys of a host application and the JWKS file that publishes them."""

    def __init__(self, folder: Path) -> None:
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.path = folder / "jwks.json"
        keys = [
            {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.rsa.public_key())), "kid": "r",
             "alg": "RS256", "use": "sig"},
            {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.ec.public_key())), "kid": "e",
             "alg": "ES256", "use": "sig"},
        ]  # fmt: skip
        self.path.write_text(json.dumps({"keys": keys}))

    def token(self, key: object, algorithm: str, kid: str, user: str = "user_x") -> str:
        claims = {"sub": user, "exp": int(time.time()) + 600}
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("hosted"), JWKS=keys.path) as server:
        yield server


async def test_a_hosts_rs256_token_is_taken(hosted: Server, people: MakePerson, keys: Keys):
    person = people(hosted, token=keys.token(keys.rsa, "RS256", "r", "josé"))
    assert (await person.join()).frames[0]["user_id"] == "josé"
    assert (await person.get("/chats"))["items"] == []


async def test_a_hosts_es256_token_is_taken(hosted: Server, people: MakePerson, keys: Keys):
    person = people(hosted, token=keys.token(keys.ec, "ES256", "e"))
    assert (await person.join()).frames[0]["user_id"] == "user_x"


async def test_a_token_of_an_unknown_key_is_refused(hosted: Server, people: MakePerson, keys: Keys):
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for kid in ("r", "unknown"):
        token = keys.token(foreign, "RS256", kid)
        assert await closes_with(people(hosted, token=None), token) == 4401
        assert await status_of(hosted, token) == 401


async def test_a_public_key_is_no_secret(hosted: Server, people: MakePerson, keys: Keys):
    public = keys.rsa.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT","kid":"r"}').decode().rstrip("=")
    claims = {"sub": "user_x", "exp": int(time.time()) + 600}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    mac = hmac.new(public, f"{head}.{body}".encode(), hashlib.sha256).digest()
    token = f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert await closes_with(people(hosted, token=None), token) == 4401
    assert await status_of(hosted, token) == 401


@pytest.mark.parametrize("algorithm", ["RS384", "PS256"])
async def test_no_other_algorithm_of_the_hosts_key_is_taken(
    hosted: Server, people: MakePerson, keys: Keys, algorithm: str
):
    token = keys.token(keys.rsa, algorithm, "r")
    assert await closes_with(people(hosted, token=None), token) == 4401


async def test_unsigned_and_secret_tokens_are_refused_where_the_host_signs(
    hosted: Server, people: MakePerson
):
    claims = {"sub": "user_x", "exp": int(time.time()) + 600}
    for token in (unsigned(claims), token_for("user_x")):
        assert await closes_with(people(hosted, token=None), token) == 4401


async def test_nobody_is_anonymous_where_the_host_signs(hosted: Server, people: MakePerson):
    socket = await people(hosted, token=None).connect()
    await socket.post({"type": "hello", "protocol": PROTOCOL})
    assert await socket.closed() == 4401


async def test_a_slow_key_server_and_forged_tokens_make_no_user_of_a_known_key_wait(
    launch: Launch,
):
    provider = Provider()
    await provider.start()
    server = await asyncio.to_thread(launch, SECRET="", JWKS=provider.url)
    assert await status_of(server, provider_token("one")) == 200
    provider.answer = dripping_head
    forging = [
        asyncio.create_task(status_of(server, forged(kid))) for kid in ("one", "two", "three")
    ]
    async with asyncio.timeout(20):
        await provider.asked(2)
    began = time.monotonic()
    assert await status_of(server, provider_token("one")) == 200
    assert time.monotonic() - began < PATIENCE_S
    assert set(await asyncio.gather(*forging)) == {401}
    await provider.close()


async def test_claims_that_the_page_does_not_name_are_ignored(server: Server, people: MakePerson):
    now = int(time.time())
    claims = {
        "aud": "some-app",
        "iss": "https://host.example",
        "iat": now,
        "jti": "x",
        "n": {"a": 1},
    }
    user = new_id("user")
    person = people(server, user, token_for(user, **claims))
    assert (await person.join()).frames[0]["user_id"] == user
    assert (await person.get("/chats"))["items"] == []


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes tokens for it, of two issuers, with scopes of its own."""
    settings = {
        "SECRET": SECRET,
        "AUDIENCE": "chat, help",
        "ISSUER": "https://host.example,https://other.example",
        "SCOPE_PREFIX": "chat:",
    }
    with Server(tmp_path_factory.mktemp("strict"), **settings) as server:
        yield server


OURS = {"aud": ["app", "help"], "iss": "https://other.example"}


async def test_a_token_for_us_of_an_issuer_of_ours_is_taken(strict: Server, people: MakePerson):
    user = new_id("user")
    await people(strict, user, token_for(user, **OURS)).join()
    assert await status_of(strict, token_for(user, aud="chat", iss="https://host.example")) == 200


@pytest.mark.parametrize(
    "claims",
    [{"aud": "app"}, {"aud": None}, {"aud": []}, {"aud": "chat, help"}, {"iss": "https://host"},
     {"iss": ""}],
)  # fmt: skip
async def test_a_token_for_others_or_of_others_is_refused(
    strict: Server, people: MakePerson, claims: dict
):
    token = token_for(new_id("user"), **{**OURS, **claims})
    assert await closes_with(people(strict, token=None), token) == 4401
    assert await status_of(strict, token) == 401


async def test_the_prefix_stands_before_each_scope(strict: Server, people: MakePerson):
    talk = await people(strict, "someone", token_for("someone", **OURS)).talk()
    admin = people(strict, "admin", token_for("admin", scope="x chat:admin", **OURS))
    assert (await admin.get(talk.path))["user_chat_id"] == talk.chat
    other = people(strict, "other", token_for("other", scope="admin", **OURS))
    problem(await other.http.get(talk.path), 404, "not_found")


async def test_each_refused_token_is_in_the_log_with_the_setting_and_without_the_token(
    strict: Server, people: MakePerson
):
    token = token_for("canary", aud="canary-app", iss="https://host.example")
    assert await status_of(strict, token) == 401
    log = strict.log_path.read_text()
    assert "refused a token" in log
    assert "CHATSTREAM_AUDIENCE" in log
    assert "canary" not in log
    assert token not in log


async def test_the_servers_own_secret_signs_for_visitors_alone(visitors: Server):
    if not visitors.database.startswith("sqlite"):
        pytest.skip("reads the file")
    with contextlib.closing(sqlite3.connect(visitors.folder / "chatstream.db")) as file:
        (secret,) = file.execute("SELECT value FROM server_values WHERE name='secret'").fetchone()
    assert await status_of(visitors, token_for("visitor_x", secret=secret)) == 200
    assert await status_of(visitors, token_for("ann", secret=secret)) == 401
    assert await status_of(visitors, token_for("visitor_x", secret=secret, scope="admin")) == 401


async def test_on_a_default_install_an_operator_makes_a_token_for_anybody(
    visitors: Server, people: MakePerson
):
    if not visitors.database.startswith("sqlite"):
        pytest.skip("nodes that share a database share no file")
    command = [sys.executable, "-m", "chatstream", "token", "--sub", "ann", "--scope", "admin"]
    done = await asyncio.to_thread(
        subprocess.run,
        [*command, "--ttl", "8h", "--database", visitors.database],
        capture_output=True,
        text=True,
        check=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("CHATSTREAM_")},
    )
    talk = await people(visitors, token=None).talk()
    admin = people(visitors, "ann", done.stdout.strip())
    assert (await admin.get(talk.path))["user_chat_id"] == talk.chat
    assert (await admin.join()).frames[0]["user_id"] == "ann"


async def test_an_admin_can_erase_a_user_of_any_id(server: Server, people: MakePerson):
    user = f"auth0|{new_id()}/5 6?x#é%2F"
    talk = await people(server, user).talk()
    await talk.say("echo a")
    admin = people(server, "admin", token_for("admin", scope="admin"))
    answer = await admin.http.delete(f"/users/{quote(user, safe='')}")
    assert answer.status_code == 204
    assert (await talk.state())["status"] == "erased"
