"""Tokens: who is let in as whom, and who is not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from chatstream.config import Settings
from chatstream.errors import ConfigurationError, Refused
from chatstream.security.claims import is_user_id
from chatstream.security.identity import Identities, Identity
from chatstream.security.limited_log import LimitedLog
from chatstream.security.unsafe import unsafe_settings

NOW_MS = 1_800_000_000_000
NOW_S = NOW_MS // 1000
SECRET = "a secret of the host application, long enough"
OWN_SECRET = "the secret that is kept with the server's data"
DEFAULT_HEADER = {"alg": "HS256", "typ": "JWT"}


class Clock:
    def __init__(self):
        self.ms = NOW_MS

    def __call__(self):
        return self.ms


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def identities(clock):
    return Identities(Settings(secret=SECRET), OWN_SECRET, clock)


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def ec_key():
    return ec.generate_private_key(ec.SECP256R1())


def part(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_of(claims, header=None, secret=SECRET):
    """Made by hand, so that it can be wrong in every way."""
    signed = f"{part(DEFAULT_HEADER if header is None else header)}.{part(claims)}"
    signature = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{part(signature)}"


def good(**changes):
    return {"sub": "ann", "exp": NOW_S + 60} | changes


def refusal(identities, token):
    with pytest.raises(Refused) as refused:
        identities.verify(token)
    assert refused.value.code == "unauthenticated"
    return refused.value.message


def test_a_good_token_names_its_user_and_its_end(identities):
    assert identities.verify(token_of(good())) == Identity(
        "ann", expires_at_ms=(NOW_S + 60) * 1000, scopes=frozenset(), visitor=False
    )


def test_tokens_of_the_usual_library_are_taken(identities):
    token = jwt.encode(good(iat=NOW_S, aud="chat", iss="host", jti="1"), SECRET, "HS256")
    assert identities.verify(token).user_id == "ann"


@pytest.mark.parametrize(
    ("claims", "admin"),
    [
        ({"scope": "admin"}, True),
        ({"scope": "read admin write"}, True),
        ({"scope": ["read", "admin"]}, True),
        ({"scp": ["openid", "admin"]}, True),
        ({"scp": "admin"}, True),
        ({"scope": "administrator"}, False),
        ({"scope": "notadmin admin-x xadmin"}, False),
        ({"scope": "Admin ADMIN"}, False),
        ({"scope": "admin,read"}, False),
        ({"scope": "admin\tread"}, False),
        ({"scope": ["read admin"]}, False),
        ({"scope": []}, False),
        ({"scope": ""}, False),
        ({"scope": None}, False),
        ({"scope": "read", "scp": ["admin"]}, False),
        ({"scope": "", "scp": "admin"}, False),
        ({"roles": ["admin"], "admin": True, "permissions": "admin"}, False),
    ],
)
def test_admin_is_one_word_of_the_scope(identities, claims, admin):
    identity = identities.verify(token_of(good(**claims)))
    assert identity.admin is admin
    assert identity.scopes == ({"admin"} if admin else set())


@pytest.mark.parametrize(
    ("scope", "admin"),
    [
        ("openid chatstream:admin", True),
        ("admin", False),
        ("chatstream:", False),
        ("chatstream:administrator", False),
        ("xchatstream:admin", False),
        (["chatstream:admin"], True),
    ],
)
def test_the_prefix_of_scopes_stands_before_each_name(clock, scope, admin):
    settings = Settings(secret=SECRET, scope_prefix="chatstream:")
    identities = Identities(settings, OWN_SECRET, clock)
    assert identities.verify(token_of(good(scope=scope))).admin is admin


LEEWAY_MS = 30_000


def test_a_token_is_taken_for_thirty_seconds_after_its_exp_to_the_millisecond(identities, clock):
    token = token_of(good(exp=NOW_S + 0.5))
    clock.ms = NOW_MS + 499 + LEEWAY_MS
    identities.verify(token)
    clock.ms = NOW_MS + 500 + LEEWAY_MS
    assert "expired" in refusal(identities, token)


def test_what_came_in_before_exp_ends_at_exp_and_what_came_after_it_with_the_leeway(
    identities, clock
):
    token = token_of(good(exp=NOW_S + 1))
    in_time = identities.verify(token)
    clock.ms = NOW_MS + 1000
    late = identities.verify(token)
    assert (in_time.left_s(NOW_MS), late.left_s(clock.ms)) == (1, 30)
    assert in_time.expires_at_ms == late.expires_at_ms == NOW_MS + 1000


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_counts_from_thirty_seconds_before_its_nbf_and_its_iat(identities, clock, claim):
    token = token_of(good(**{claim: NOW_S + 40, "exp": NOW_S + 60}))
    clock.ms = NOW_MS + 9_999
    assert "not valid yet" in refusal(identities, token)
    clock.ms = NOW_MS + 10_000
    identities.verify(token)


class TestAudiencesAndIssuers:
    """Compared only where the settings name some."""

    @pytest.fixture
    def identities(self, clock):
        settings = Settings(secret=SECRET, audience=("chat", "help"), issuer=("https://a", "b"))
        return Identities(settings, OWN_SECRET, clock)

    @pytest.mark.parametrize("aud", ["chat", "help", ["other", "help"], ["chat"]])
    @pytest.mark.parametrize("iss", ["https://a", "b"])
    def test_one_of_ours_in_aud_and_one_of_ours_as_iss_let_in(self, identities, aud, iss):
        assert identities.verify(token_of(good(aud=aud, iss=iss))).user_id == "ann"

    @pytest.mark.parametrize(
        "aud", ["other", "chatter", "Chat", "", "chat,help", "chat help", [], [["chat"]], 7, None,
                {"chat": 1}, [7, None, {}]],
    )  # fmt: skip
    def test_no_other_audience_is_let_in(self, identities, aud):
        assert "audience" in refusal(identities, token_of(good(aud=aud, iss="b")))

    @pytest.mark.parametrize("iss", ["https://a/", "c", "", ["b"], 7, None, {"b": 1}])
    def test_no_other_issuer_is_let_in(self, identities, iss):
        assert "issuer" in refusal(identities, token_of(good(aud="chat", iss=iss)))

    def test_a_token_that_names_neither_is_not_let_in(self, identities):
        assert "audience" in refusal(identities, token_of(good()))

    @pytest.mark.parametrize("odd", [7, [], {"a": [1]}, [[]], None])
    def test_where_none_are_set_they_may_be_anything(self, clock, odd):
        identities = Identities(Settings(secret=SECRET), OWN_SECRET, clock)
        assert identities.verify(token_of(good(aud=odd, iss=odd))).user_id == "ann"

    def test_a_visitors_own_token_needs_neither(self, clock):
        settings = Settings(secret=SECRET, audience=("chat",), issuer=("b",), anonymous=True)
        identities = Identities(settings, OWN_SECRET, clock)
        token, identity = identities.new_visitor()
        assert identities.verify(token) == identity


def test_an_end_beyond_every_calendar_is_the_last_moment_there_is(identities):
    identity = identities.verify(token_of(good(exp=10**30)))
    assert identity.expires_at_ms == 253_402_300_799_000


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "ann"},
        {"exp": NOW_S + 60},
        good(exp=None),
        good(exp="2099"),
        good(exp=True),
        good(exp=[]),
        good(exp=-1),
        good(nbf="now"),
        good(sub=7),
        good(sub=None),
        good(sub=""),
        good(sub="a" * 256),
        good(sub="a\x00b"),
        good(sub="a\nb"),
        good(sub="a\x85"),
        good(sub="a\x7f"),
        good(sub="me"),
        good(sub="ann\u202egnp"),
        good(sub="ann\u2066"),
        good(sub="ann\u200b"),
        good(sub="ann\u2028"),
        good(sub="\ufeffann"),
        good(sub="ann\U000e0041"),
        good(iat="now"),
        good(scope=7),
        good(scope={"admin": True}),
        good(scope=["admin", 7]),
        good(scp=7),
        [],
        "ann",
        b"{",
        b'{"sub": "ann", "exp": 1e999}',
        b'{"sub": "ann", "exp": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_claims_that_are_missing_or_wrong_are_refused(identities, claims):
    refusal(identities, token_of(claims)[:8000] if claims == b"[" * 100_000 else token_of(claims))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS384"},
        {"alg": "hs256"},
        {"alg": "RS256"},
        {"alg": "ES256"},
        {"alg": None},
        {"alg": ["HS256"]},
        {"typ": "JWT"},
        {"alg": "HS256", "kid": 7},
        {"alg": "HS256", "crit": ["exp"]},
        {"alg": "HS256", "crit": 5},
        {"alg": "HS256", "crit": [[]]},
        {"alg": "HS256", "crit": []},
        {"alg": "HS256", "b64": False},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        [],
        b"HS256",
    ],
)
def test_any_other_algorithm_and_any_odd_header_is_refused(identities, header):
    refusal(identities, token_of(good(), header))


def test_an_unsigned_token_is_refused(identities):
    unsigned = f"{part({'alg': 'none'})}.{part(good())}."
    refusal(identities, unsigned)
    refusal(identities, token_of(good()).rpartition(".")[0] + ".")


def test_a_forged_token_is_refused(identities):
    refusal(identities, token_of(good(), secret="a guess"))
    head, claims, signature = token_of(good()).split(".")
    refusal(identities, f"{head}.{part(good(sub='bob'))}.{signature}")
    assert claims


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_garbage_is_refused_and_never_an_error(text):
    identities = Identities(Settings(secret=SECRET), OWN_SECRET, Clock())
    refusal(identities, text)


@given(st.lists(st.binary(max_size=40), min_size=2, max_size=5))
def test_garbage_in_the_form_of_a_token_is_refused(parts):
    identities = Identities(Settings(secret=SECRET), OWN_SECRET, Clock())
    refusal(identities, ".".join(map(part, parts)))


def test_a_token_longer_than_a_header_line_is_refused(identities):
    assert "too long" in refusal(identities, token_of(good(pad="x" * 10_000)))


def test_a_short_secret_is_warned_about_once_and_works(caplog, clock):
    identities = Identities(Settings(secret="short"), OWN_SECRET, clock)
    assert "CHATSTREAM_SECRET" in caplog.text
    assert "'short'" not in caplog.text
    assert identities.verify(token_of(good(), secret="short")).user_id == "ann"


@given(st.text(min_size=1, max_size=255).filter(lambda it: it.isprintable() and it != "me"))
def test_printable_text_may_be_a_user_id(text):
    assert is_user_id(text)


class TestVisitors:
    @pytest.fixture
    def identities(self, clock):
        return Identities(Settings(visitor_ttl_s=100), OWN_SECRET, clock)

    def test_a_visitor_is_recognised_by_the_token(self, identities):
        token, identity = identities.new_visitor()
        assert identities.verify(token) == identity
        assert identity.visitor
        assert not identity.admin
        assert identity.expires_at_ms == NOW_MS + 100_000

    def test_no_two_visitors_are_the_same(self, identities):
        assert identities.new_visitor()[1].user_id != identities.new_visitor()[1].user_id

    def test_a_visitor_is_known_to_every_node_with_the_same_secret(self, identities, clock):
        token, identity = identities.new_visitor()
        assert Identities(Settings(), OWN_SECRET, clock).verify(token) == identity
        refusal(Identities(Settings(), "another database's", clock), token)

    def test_a_visitor_is_renewed_once_half_of_the_time_has_passed(self, identities, clock):
        _, identity = identities.new_visitor()
        clock.ms += 49_999
        assert identities.renewed(identity) is None
        clock.ms += 1
        renewed = identities.verify(identities.renewed(identity))
        assert renewed.user_id == identity.user_id
        assert renewed.expires_at_ms == clock.ms + 100_000

    def test_nobody_else_is_renewed(self, clock):
        identities = Identities(Settings(secret=SECRET), OWN_SECRET, clock)
        assert identities.renewed(identities.verify(token_of(good(exp=NOW_S + 1)))) is None
        assert identities.renewed(Identity("x", None, visitor=True)) is None

    def test_before_the_own_secret_is_known_nobody_is_let_in(self, identities, clock):
        token, identity = identities.new_visitor()
        early = Identities(Settings(visitor_ttl_s=100), clock=clock)
        refusal(early, token)
        refusal(early, token_of(good(), secret=""))
        early.use_own_secret(OWN_SECRET)
        assert early.verify(token) == identity

    def test_the_own_secret_never_takes_the_place_of_one_that_is_set(self, clock):
        identities = Identities(Settings(secret=SECRET), clock=clock)
        identities.use_own_secret(OWN_SECRET)
        assert identities.verify(token_of(good())).user_id == "ann"
        refusal(identities, token_of(good(), secret=OWN_SECRET))

    @pytest.mark.parametrize(
        "settings",
        [
            Settings(),
            Settings(secret=SECRET, anonymous=True),
            Settings(jwks="https://host.example/keys", anonymous=True),
        ],
        ids=["neither", "a secret", "keys of a provider"],
    )
    def test_the_own_secret_signs_for_visitors_alone_and_gives_no_scope(self, settings, clock):
        identities = Identities(settings, OWN_SECRET, clock)
        assert identities.verify(token_of(good(sub="visitor_x"), secret=OWN_SECRET)).visitor
        for claims in (
            good(),
            good(visitor=True),
            good(sub="visitors"),
            good(sub="visitor_x", scope="admin"),
            good(sub="visitor_x", scope=""),
            good(sub="visitor_x", scp=["admin"]),
        ):
            refusal(identities, token_of(claims, secret=OWN_SECRET))

    @pytest.mark.parametrize(
        "settings",
        [Settings(secret=SECRET), Settings(jwks="https://host.example/keys")],
        ids=["a secret", "keys of a provider"],
    )
    def test_where_nobody_is_anonymous_no_token_of_a_visitor_counts(self, settings, clock):
        token, _ = Identities(Settings(), OWN_SECRET, clock).new_visitor()
        refusal(Identities(settings, OWN_SECRET, clock), token)

    def test_a_visitor_stays_the_same_when_a_secret_is_set_later(self, clock):
        token, identity = Identities(Settings(visitor_ttl_s=100), OWN_SECRET, clock).new_visitor()
        later = Identities(Settings(secret=SECRET, anonymous=True), OWN_SECRET, clock)
        assert later.verify(token) == identity

    def test_a_hosts_token_that_says_it_is_a_visitors_is_none_and_never_renewed(self, clock):
        settings = Settings(secret=SECRET, anonymous=True, visitor_ttl_s=1000)
        identities = Identities(settings, OWN_SECRET, clock)
        for sub in ("ann", "visitor_x"):
            identity = identities.verify(token_of(good(sub=sub, exp=NOW_S + 1, visitor=True)))
            assert not identity.visitor
            assert identities.renewed(identity) is None

    def test_a_key_of_the_machine_signs_for_anybody_where_no_other_is_set(self, clock):
        identities = Identities(Settings(), OWN_SECRET, clock)
        identities.use_local_key("the key in the file")
        token = token_of(good(scope="admin"), secret="the key in the file")
        assert identities.verify(token).admin
        for settings in (Settings(secret=SECRET), Settings(jwks="https://host.example/keys")):
            others = Identities(settings, OWN_SECRET, clock)
            others.use_local_key("the key in the file")
            refusal(others, token)


RSA_HEADER = {"alg": "RS256", "kid": "canary"}


class TestRefusalsInTheLog:
    """The operator learns what would change it; nothing of the token is written."""

    @pytest.mark.parametrize(
        ("settings", "parts", "words"),
        [
            ({"audience": ("a",)}, [{"aud": "canary"}], "CHATSTREAM_AUDIENCE"),
            ({"issuer": ("a",)}, [{"iss": "canary"}], "CHATSTREAM_ISSUER"),
            ({}, [{"exp": NOW_S - 60}], "expired"),
            ({}, [{"nbf": NOW_S + 60}], "clocks"),
            ({}, [{"sub": "canary\n"}], "control"),
            ({}, [{"scope": 7}], "scope"),
            ({}, [{}, RSA_HEADER], "CHATSTREAM_JWKS"),
            ({"secret": "another secret, long enough for it all"}, [{}], "CHATSTREAM_SECRET"),
            ({"secret": None, "jwks": "http://127.0.0.1:9/k"}, [{}], "beside CHATSTREAM_JWKS"),
            ({}, [{"pad": "canary" * 2000}], "8192"),
        ],
    )
    def test_each_refusal_names_its_reason_and_the_setting(
        self, clock, caplog, settings, parts, words
    ):
        caplog.set_level("INFO")
        identities = Identities(Settings(**({"secret": SECRET} | settings)), OWN_SECRET, clock)
        caplog.clear()
        claims, *header = parts
        token = token_of(good(**claims), *header)
        refusal(identities, token)
        (line,) = caplog.messages
        assert line.startswith("refused a token: ")
        assert words in line
        assert "canary" not in line
        assert not any(piece in line for piece in token.split("."))

    def test_a_flood_of_refusals_is_one_line_until_ten_seconds_have_passed(self, caplog):
        log, moments = logging.getLogger("tests"), iter([0.0, 1.0, 9.9, 10.0, 25.0])
        limited = LimitedLog(log, lambda: next(moments))
        for _ in range(5):
            limited.write(logging.WARNING, "refused")
        assert caplog.messages == ["refused", "refused (2 more since the last line)", "refused"]


class TestUnsafeSettings:
    """Legal, seldom meant, told at the start."""

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"jwks": "https://a/k"}, ["CHATSTREAM_AUDIENCE", "CHATSTREAM_SCOPE_PREFIX"]),
            ({"jwks": "https://a/k", "scope_prefix": "x:"}, ["CHATSTREAM_AUDIENCE"]),
            ({"jwks": "https://a/k", "audience": ("a",), "anonymous": True}, ["CHATSTREAM_ANON"]),
            ({"jwks": "https://a/k", "audience": ("a",), "secret": SECRET}, ["both set"]),
            ({"jwks": "http://a.example/k", "audience": ("a",)}, ["plain http"]),
            ({"jwks": "http://10.0.0.7/k", "audience": ("a",)}, ["plain http"]),
            ({"jwks": "http://127.0.0.1/k", "audience": ("a",)}, []),
            ({"jwks": "http://[::1]:8080/k", "audience": ("a",)}, []),
            ({"jwks": "http://localhost/k", "audience": ("a",)}, []),
            ({"secret": "short"}, ["shorter than 32 bytes"]),
            ({"anonymous": False}, ["nobody comes in"]),
            ({"secret": SECRET}, []),
            ({}, []),
        ],
    )
    def test_each_is_named_with_what_to_set(self, caplog, settings, words):
        given = Settings(**settings)
        found = list(unsafe_settings(given))
        assert len(found) == len(words)
        assert all(word in line for word, line in zip(words, found, strict=True))
        Identities(given, OWN_SECRET)
        assert caplog.messages == found


class TestKeySets:
    @pytest.fixture
    def documents(self, rsa_key, ec_key):
        rsa_jwk = json.loads(RSAAlgorithm.to_jwk(rsa_key.public_key()))
        ec_jwk = json.loads(ECAlgorithm.to_jwk(ec_key.public_key()))
        oct_jwk = {"kty": "oct", "k": part(SECRET.encode()), "kid": "oct"}
        odd = {"kty": "new", "kid": "odd"}
        return {"keys": [rsa_jwk | {"kid": "r"}, ec_jwk | {"kid": "e"}, oct_jwk, odd]}

    @pytest.fixture
    def file(self, tmp_path, documents):
        path = tmp_path / "jwks.json"
        path.write_text(json.dumps(documents))
        return path

    @pytest.fixture
    def identities(self, file, clock):
        return Identities(Settings(jwks=str(file)), OWN_SECRET, clock)

    def test_both_kinds_of_keys_are_taken_with_or_without_their_id(
        self, identities, rsa_key, ec_key
    ):
        for key, algorithm, kid in ((rsa_key, "RS256", "r"), (ec_key, "ES256", "e")):
            for headers in ({"kid": kid}, None):
                token = jwt.encode(good(), key, algorithm, headers)
                assert identities.verify(token).user_id == "ann"

    def test_a_key_counts_for_its_own_algorithm_and_id_alone(self, identities, rsa_key, ec_key):
        refusal(identities, jwt.encode(good(), rsa_key, "RS512", {"kid": "r"}))
        refusal(identities, jwt.encode(good(), rsa_key, "PS256", {"kid": "r"}))
        refusal(identities, jwt.encode(good(), rsa_key, "RS256", {"kid": "e"}))
        refusal(identities, jwt.encode(good(), ec_key, "ES256", {"kid": "x"}))

    def test_no_symmetric_key_counts_not_even_one_in_the_set(self, identities):
        refusal(identities, token_of(good(), {"alg": "HS256", "kid": "oct"}))
        refusal(identities, token_of(good(), secret=OWN_SECRET))

    def test_a_public_key_is_no_hmac_secret(self, identities, rsa_key, file):
        refusal(identities, token_of(good(), {"alg": "HS256", "kid": "r"}, file.read_text()))

    def test_with_visitors_allowed_their_tokens_count_beside_the_keys(self, file, clock):
        identities = Identities(Settings(jwks=str(file), anonymous=True), OWN_SECRET, clock)
        token, identity = identities.new_visitor()
        assert identities.verify(token) == identity

    @pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', "[]", '{"keys": [{"kty": "oct"}]}'])
    def test_a_file_without_a_key_is_refused_at_the_start(self, tmp_path, clock, text):
        path = tmp_path / "jwks.json"
        path.write_text(text)
        with pytest.raises(ConfigurationError, match="CHATSTREAM_JWKS"):
            Identities(Settings(jwks=str(path)), OWN_SECRET, clock)

    def test_a_missing_file_is_refused_at_the_start(self, tmp_path, clock):
        with pytest.raises(ConfigurationError, match="CHATSTREAM_JWKS"):
            Identities(Settings(jwks=str(tmp_path / "none")), OWN_SECRET, clock)


class KeyServer:
    """A host application that serves its keys and counts how often it is asked."""

    def __init__(self):
        self.body = b"{}"
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def serve(self, key, kid):
        jwk = json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": kid}
        self.body = json.dumps({"keys": [jwk]}).encode()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class TestKeySetsByUrl:
    @pytest.fixture
    def server(self):
        server = KeyServer()
        yield server
        server.close()

    @pytest.fixture
    def identities(self, server, clock):
        return Identities(Settings(jwks=server.url), OWN_SECRET, clock)

    @staticmethod
    def token(key, kid):
        return jwt.encode(good(), key, "ES256", {"kid": kid})

    async def test_keys_are_fetched_at_the_first_token_and_kept(self, server, identities, ec_key):
        server.serve(ec_key, "one")
        tokens = [self.token(ec_key, "one")] * 5
        found = await asyncio.gather(*map(identities.authenticate, tokens))
        assert {identity.user_id for identity in found} == {"ann"}
        assert server.requests == 1

    async def test_an_unknown_key_id_fetches_again_once_but_not_with_every_token(
        self, server, identities, ec_key, monkeypatch
    ):
        server.serve(ec_key, "one")
        await identities.authenticate(self.token(ec_key, "one"))
        server.serve(ec_key, "two")
        assert (await identities.authenticate(self.token(ec_key, "two"))).user_id == "ann"
        assert server.requests == 2
        server.serve(ec_key, "three")
        for _ in range(5):
            with pytest.raises(Refused, match="unauthenticated"):
                await identities.authenticate(self.token(ec_key, "three"))
        assert server.requests == 2
        monkeypatch.setattr("chatstream.security.jwks.RELOAD_AFTER_S", 0.0)
        assert (await identities.authenticate(self.token(ec_key, "three"))).user_id == "ann"
        assert server.requests == 3

    async def test_a_new_key_under_the_id_of_an_old_one_is_fetched(
        self, server, identities, ec_key
    ):
        server.serve(ec_key, "same")
        await identities.authenticate(self.token(ec_key, "same"))
        new_key = ec.generate_private_key(ec.SECP256R1())
        server.serve(new_key, "same")
        assert (await identities.authenticate(self.token(new_key, "same"))).user_id == "ann"
        with pytest.raises(Refused, match="unauthenticated"):
            await identities.authenticate(self.token(ec_key, "same"))
        assert server.requests == 2

    async def test_as_long_as_no_keys_can_be_read_the_service_is_unavailable(
        self, server, identities, ec_key, monkeypatch
    ):
        with pytest.raises(Refused, match="unavailable"):
            await identities.authenticate(self.token(ec_key, "one"))
        server.serve(ec_key, "one")
        monkeypatch.setattr("chatstream.security.jwks.RELOAD_AFTER_S", 0.0)
        assert (await identities.authenticate(self.token(ec_key, "one"))).user_id == "ann"

    async def test_a_failed_fetch_keeps_the_keys_that_are_known(
        self, server, identities, ec_key, monkeypatch
    ):
        server.serve(ec_key, "one")
        await identities.authenticate(self.token(ec_key, "one"))
        server.body = b"nonsense"
        monkeypatch.setattr("chatstream.security.jwks.RELOAD_AFTER_S", 0.0)
        with pytest.raises(Refused, match="unauthenticated"):
            await identities.authenticate(self.token(ec_key, "two"))
        assert (await identities.authenticate(self.token(ec_key, "one"))).user_id == "ann"

    async def test_forged_algorithms_fetch_nothing(self, server, identities):
        with pytest.raises(Refused, match="unauthenticated"):
            await identities.authenticate(token_of(good()))
        assert server.requests == 0
