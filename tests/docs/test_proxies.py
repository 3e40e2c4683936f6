"""The proxies' settings in the guide to deploying, as they stand there, in front of a server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tests.docs.pages import HOW_TO, blocks_below
from tests.kit.server import SECRET, Server, free_port
from tests.kit.tokens import token_for
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chatstream.client import ChatClient


def settings_of(title: str) -> str:
    """The first block below a heading of the page."""
    return blocks_below(HOW_TO / "deploy.md", f"### {title}")[0]


def nginx(text: str, folder: Path) -> list[str]:
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/log;\n"
        f"events {{}}\nhttp {{ access_log off; {text} }}"
    )
    return ["nginx", "-e", f"{folder}/log", "-c", f"{folder}/nginx.conf", "-p", str(folder)]


def caddy(text: str, folder: Path) -> list[str]:
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{text}")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile"]


def haproxy(text: str, folder: Path) -> list[str]:
    (folder / "haproxy.cfg").write_text(text)
    return ["haproxy", "-db", "-f", f"{folder}/haproxy.cfg"]


PROXIES = {"nginx": nginx, "Caddy": caddy, "HAProxy": haproxy}


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), SECRET=SECRET) as server:
        yield server


@contextmanager
def proxied(name: str, server: Server, folder: Path) -> Iterator[str]:
    """The address at which the proxy ``name`` serves ``server``."""
    program = name.lower()
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed here")
    port = free_port()
    text = settings_of(name).replace("127.0.0.1:8000", server.host)
    text, times = re.subn(r"(listen |:)80\b", rf"\g<1>{port}", text)
    assert times == 1
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            PROXIES[name](text, folder), stdout=output, stderr=output, env=environment
        )
    try:
        await_listening(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it with its workers; one that waits for its connections to end is not waited for."""
    process.terminate()
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def await_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, "the proxy ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            answer = httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5)
            if answer.status_code == 200:
                return
        time.sleep(0.05)
    pytest.fail("the proxy does not serve")


@pytest.mark.parametrize("name", PROXIES)
async def test_a_conversation_passes_through(name, server, tmp_path):
    with proxied(name, server, tmp_path) as host:
        url, token = f"ws://{host}/api/v1/chat/ws/chat", token_for("ada")
        async with ChatClient(url, token=token) as client:
            chat = await client.open()
            answer = await chat.answer_to(await chat.send("think a ; stream 3 0.01 ; echo hi"))
            assert answer.content.endswith("hi")
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=f"http://{host}/api/v1", headers=headers) as http:
            listed = (await http.get("/chats")).json()["items"]
            assert chat.id in [one["user_chat_id"] for one in listed]
            stream = {"Accept": "text/event-stream"}
            async with http.stream("GET", f"/chats/{chat.id}/events", headers=stream) as events:
                # It never ends: what comes must come at once.
                async for line in events.aiter_lines():
                    if line.startswith("data:"):
                        break


@pytest.mark.parametrize("name", PROXIES)
async def test_a_page_of_the_public_host_may_connect_and_no_other(name, server, tmp_path):
    with proxied(name, server, tmp_path) as host:
        url = f"ws://{host}/api/v1/chat/ws/chat"
        async with connect(url, origin=f"http://{host}") as own:
            assert own.response.status_code == 101
        with pytest.raises(InvalidStatus, match="403"):
            await connect(url, origin="https://evil.example")
