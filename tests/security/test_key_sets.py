"""Keys of a provider that is slow, silent, or hostile: whose tokens are known waits for nothing.

The key server is a real one on the loopback, and drips. A download has its thread, so that the
server may live in the loop of the test.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import pytest
from tests.security.provider import (
    SLOW,
    Provider,
    certificate,
    document,
    forged,
    redirect,
    silent,
    token,
    whole,
)

from chatstream.config import Settings
from chatstream.errors import ConfigurationError, Refused
from chatstream.security import jwks
from chatstream.security.identity import Identities
from chatstream.security.jwks import KeySet
from chatstream.security.key_download import (
    MAX_BYTES,
    _Deadline,
    _is_same_server,
    download,
)

AT_ONCE_S = 0.5  # what takes a millisecond, on a machine that has other things to do


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    await made.start()
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """All times a tenth of what they are."""
    monkeypatch.setattr(jwks, "DOWNLOAD_S", 0.6)
    monkeypatch.setattr(jwks, "PATIENCE_S", 0.3)
    monkeypatch.setattr(jwks, "RELOAD_AFTER_S", 1.0)


@pytest.fixture
async def identities(provider) -> AsyncIterator[Identities]:
    made = Identities(Settings(jwks=provider.url, audience=()))
    yield made
    await made.close()


async def took_s(work: Awaitable[object]) -> float:
    start = time.monotonic()
    await work
    return time.monotonic() - start


async def refused(work: Awaitable[object]) -> str:
    with pytest.raises(Refused) as found:
        await work
    return found.value.code


@pytest.mark.parametrize("slow", SLOW)
async def test_a_forged_token_makes_no_valid_one_wait_while_the_key_server_is_slow(
    provider, identities, slow
):
    await identities.authenticate(token("one"))
    provider.answer = slow
    forging = [
        asyncio.create_task(refused(identities.authenticate(forged(kid))))
        for kid in ("one", "unknown", *map(str, range(20)))
    ]
    await asyncio.sleep(0.05)
    valid = token("one")
    for _ in range(10):
        assert await took_s(identities.authenticate(valid)) < AT_ONCE_S / 2
        await asyncio.sleep(0.01)
    assert not all(task.done() for task in forging)
    assert set(await asyncio.gather(*forging)) == {"unauthenticated"}
    assert provider.requests == 2


@pytest.mark.parametrize("slow", SLOW)
async def test_a_download_ends_at_its_deadline_however_the_server_drips(provider, slow):
    provider.answer = slow
    with pytest.raises(TimeoutError, match=r"within|timed out"):
        await asyncio.wait_for(asyncio.to_thread(download, provider.url, 0.3), 5)


async def test_over_tls_it_is_the_same_and_the_certificate_counts(tmp_path, monkeypatch):
    path, context = certificate(tmp_path)
    provider = Provider()
    await provider.start(context)
    try:
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            await asyncio.to_thread(download, provider.url, 5)
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        assert await asyncio.to_thread(download, provider.url, 5) == document("one")
        for slow in SLOW:
            provider.answer = slow
            with pytest.raises(TimeoutError, match="within"):
                await asyncio.wait_for(asyncio.to_thread(download, provider.url, 0.3), 5)
        provider.answer = redirect(provider.url.replace("https", "http"))
        with pytest.raises(OSError, match="redirect"):
            await asyncio.to_thread(download, provider.url, 5)
    finally:
        await provider.close()


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("http://a/keys", "http://a:80/new", True),
        ("https://a:443/keys", "https://a/new", True),
        ("http://a:8080/keys", "https://a/new", True),
        ("https://a/keys", "http://a/new", False),
        ("https://a/keys", "https://a:8443/new", False),
        ("https://a/keys", "https://a.b/new", False),
        ("https://a/keys", "https://a@b/new", False),
        ("http://a/keys", "ftp://a/new", False),
    ],
)
def test_the_same_server_is_its_name_and_port_or_its_step_to_tls(old, new, is_same):
    assert _is_same_server(urlsplit(old), urlsplit(new)) is is_same


def test_a_connection_that_comes_after_the_deadline_is_cut_at_once():
    deadline = _Deadline()
    deadline.cut()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline.watch(ours)
        assert theirs.recv(1) == b""


async def test_an_unknown_key_is_refused_after_the_patience_and_found_at_the_next_try(
    provider, identities
):
    await identities.authenticate(token("one"))
    provider.answer = silent
    patience_s = await took_s(refused(identities.authenticate(token("two"))))
    assert patience_s < jwks.DOWNLOAD_S
    await asyncio.sleep(jwks.DOWNLOAD_S)
    provider.answer = whole(document("one", "two"))
    assert await took_s(refused(identities.authenticate(token("two")))) < AT_ONCE_S / 2
    await asyncio.sleep(jwks.RELOAD_AFTER_S)
    assert (await identities.authenticate(token("two"))).user_id == "ann"


async def test_unknown_keys_cause_one_request_an_interval_and_are_then_refused_at_once(
    provider, identities
):
    await identities.authenticate(token("one"))
    for kid in range(30):
        assert await refused(identities.authenticate(forged(str(kid)))) == "unauthenticated"
    assert provider.requests == 2


async def test_the_first_token_waits_for_a_slow_server_and_hears_unavailable_in_the_end(
    provider, identities
):
    provider.answer = silent
    waited_s = await took_s(_expect(identities.authenticate(token("one")), "unavailable"))
    assert jwks.DOWNLOAD_S * 0.9 < waited_s < jwks.DOWNLOAD_S + 1
    assert await took_s(_expect(identities.authenticate(token("one")), "unavailable")) < AT_ONCE_S


async def _expect(work: Awaitable[object], code: str) -> None:
    assert await refused(work) == code


async def test_keys_are_read_at_the_start_and_renewed_off_the_path_of_requests(
    provider, monkeypatch
):
    monkeypatch.setattr(jwks, "RENEW_EVERY_S", 0.05)
    keys = KeySet(provider.url)
    keys.start()
    try:
        await until(lambda: keys.find("ES256", "one"))
        provider.answer = whole(document("two"))
        await until(lambda: keys.find("ES256", "two"))
        assert not keys.find("ES256", "one")
        provider.answer = silent
        await until(lambda: provider.requests >= 3)
        assert keys.find("ES256", "two")
    finally:
        await keys.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it happens in a thread
            await asyncio.sleep(0.01)


async def test_a_download_that_cannot_be_ended_is_not_joined_by_a_second_one(
    provider, monkeypatch, caplog
):
    monkeypatch.setattr(jwks, "RELOAD_AFTER_S", 0.0)
    monkeypatch.setattr(jwks, "DOWNLOAD_S", 0.0)
    monkeypatch.setattr(jwks, "_GRACE_S", 0.05)
    release = asyncio.Event()
    loop, reads = asyncio.get_running_loop(), []

    def stuck(source: str) -> list:  # as the look-up of a name may be
        reads.append(source)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        return []

    monkeypatch.setattr(jwks, "read_keys", stuck)
    keys = KeySet(provider.url)
    for _ in range(3):
        assert await refused(keys.renew()) == "unavailable"
    assert len(reads) == 1
    assert "has not ended yet" in caplog.text
    release.set()
    await keys.close()


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost:{port}/keys",
        "http://127.0.0.1:1/keys",
        "http://example.invalid/keys",
        "ftp://127.0.0.1/keys",
        "file:///etc/passwd",
        "data:application/json,%7B%7D",
        "//other.invalid/keys",
    ],
)
async def test_a_redirect_to_another_server_or_scheme_is_not_followed(provider, target):
    port = provider.url.split(":")[2].partition("/")[0]
    provider.answer = redirect(target.format(port=port))
    with pytest.raises(OSError, match=r"redirect|302"):
        await asyncio.to_thread(download, provider.url, 5)
    assert provider.requests == 1


async def test_a_redirect_within_the_server_is_followed(provider):
    provider.answers = {"/keys": redirect("/new/keys"), "/new/keys": whole(document("one"))}
    assert await asyncio.to_thread(download, provider.url, 5) == document("one")


async def test_an_answer_beyond_its_bound_is_not_read_on(provider):
    provider.answer = whole(b" " * (MAX_BYTES + 1))
    with pytest.raises(ValueError, match="larger"):
        await asyncio.to_thread(download, provider.url, 10)


@pytest.mark.parametrize(
    "answer",
    [
        whole(b"", b"HTTP/1.1 500 Oh no"),
        whole(b"nonsense"),
        whole(b"[" * 100_000),
        whole(b'{"keys": []}'),
        whole(b"", b"no HTTP at all"),
        whole(b"x", b"HTTP/1.1 200 OK\r\ncontent-length: 100"),
    ],
)
async def test_whatever_the_server_answers_known_keys_stay_and_nothing_breaks(
    provider, identities, answer
):
    await identities.authenticate(token("one"))
    provider.answer = answer
    assert await refused(identities.authenticate(token("two"))) == "unauthenticated"
    assert (await identities.authenticate(token("one"))).user_id == "ann"


@pytest.mark.parametrize("url", ["ftp://host/keys", "file:///etc/keys", "https://", "gopher://x"])
def test_a_source_of_another_scheme_is_refused_at_the_start(url):
    with pytest.raises(ConfigurationError, match="CHATSTREAM_JWKS"):
        KeySet(url)


def test_a_file_beyond_its_bound_is_refused_at_the_start(tmp_path):
    (tmp_path / "keys").write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(ConfigurationError, match="larger"):
        KeySet(str(tmp_path / "keys"))
