"""Which host names a server answers to: by HTTP, and on the upgrade of a socket."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.conformance.test_http_chats import problem
from tests.kit.server import SECRET, Server
from tests.kit.wire import http_client
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

REBOUND = "evil.example:8000"


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    hosts = "Chat.Example, *.people.example"
    with Server(tmp_path_factory.mktemp("named"), SECRET=SECRET, HOSTS=hosts) as server:
        yield server


async def asked(server: Server, host: str, path: str = "/chats", **headers: str) -> httpx.Response:
    async with http_client(server) as http:
        return await http.get(path, headers={"Host": host, **headers})


async def upgraded(server: Server, host: str, **headers: str) -> None:
    """Shake hands at the server's address under another name, as a browser does after rebinding."""
    uri = f"ws://{host}{server.prefix}/chat/ws/chat"
    own = {"Origin": f"http://{host}", **headers}
    options = {"host": "127.0.0.1", "port": server.port, "additional_headers": own}
    await (await connect(uri, proxy=None, **options)).close()


async def test_a_page_behind_a_rebound_name_becomes_no_visitor_and_gets_no_socket(
    visitors: Server,
):
    answer = await asked(visitors, REBOUND, Origin=f"http://{REBOUND}")
    problem(answer, 421, "forbidden_host")
    assert "CHATSTREAM_HOSTS" in answer.json()["detail"]
    assert "set-cookie" not in answer.headers
    with pytest.raises(InvalidStatus) as refused:
        await upgraded(visitors, REBOUND)
    assert refused.value.response.status_code == 421
    assert json.loads(refused.value.response.body)["code"] == "forbidden_host"


async def test_the_operator_finds_the_name_and_the_setting_in_the_log(launch):
    server = launch()
    for _ in range(3):
        await asked(server, "chat.example")
    (line,) = [line for line in server.log_tail().splitlines() if "chat.example" in line]
    assert "CHATSTREAM_HOSTS" in line


async def test_the_page_is_not_served_under_a_rebound_name(visitors: Server):
    async with httpx.AsyncClient(base_url=visitors.url, trust_env=False) as http:
        assert (await http.get("/", headers={"Host": REBOUND})).status_code == 421
        assert (await http.get("/")).status_code == 200


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "app.localhost", "LOCALHOST."])
async def test_names_of_loopback_are_answered_at_any_port(visitors: Server, name: str):
    for host in (name, f"{name}:1", f"{name}:65535"):
        assert (await asked(visitors, host)).status_code == 200
    await upgraded(visitors, f"{name}:4321")


async def test_names_on_the_list_are_answered_and_no_others(named: Server):
    for host in ("chat.example", "CHAT.example:443", "a.people.example", "localhost:9"):
        problem(await asked(named, host), 401, "unauthenticated")
        await upgraded(named, host)
    for host in ("people.example", "chat.example.evil.example", REBOUND):
        problem(await asked(named, host), 421, "forbidden_host")
        with pytest.raises(InvalidStatus) as refused:
            await upgraded(named, host)
        assert refused.value.response.status_code == 421


async def test_probes_and_scrapers_may_ask_by_any_name(named: Server):
    async with httpx.AsyncClient(base_url=named.url, trust_env=False) as http:
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert (await http.get(path, headers={"Host": "10.1.2.3:8000"})).status_code == 200


@pytest.mark.parametrize("host", ["a:b", "localhost:65536", "localhost:-1", "a:1:2", "[::1"])
async def test_a_host_that_cannot_be_is_a_bad_request(visitors: Server, host: str):
    problem(await asked(visitors, host), 400, "invalid_frame")
    assert "Traceback" not in visitors.log_tail()


async def test_a_foreign_page_is_told_to_the_operator_with_the_setting(launch):
    server = launch()
    async with http_client(server) as http:
        await http.options("/chats", headers={"Origin": "https://shop.example"})
    with pytest.raises(InvalidStatus):
        await upgraded(server, server.host, Origin="https://help.example")
    told = [line for line in server.log_tail().splitlines() if "CHATSTREAM_ORIGINS" in line]
    assert ["shop.example" in line for line in told] == [True, False]
    assert "help.example" in told[1]
