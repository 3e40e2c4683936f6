"""One application, started and ended more than once in a process, as tests and reloaders do."""

from __future__ import annotations

from pathlib import Path

from litestar.testing import AsyncTestClient

from chatstream import Response, Settings, create_app


async def agent(_):
    yield Response("hi")


async def test_an_application_starts_again_on_what_it_stored(tmp_path: Path):
    app = create_app(Settings(database=f"sqlite:///{tmp_path / 'chat.db'}"), agent)
    cookies = None
    for number in range(2):
        async with AsyncTestClient(app) as client:
            client.cookies.update(cookies or {})
            body = {"id": f"m{number}", "content": "hello"}
            if number == 0:
                await client.post("/api/v1/chats", json={"user_chat_id": "chat_1"})
            path = "/api/v1/chats/chat_1/messages"
            answer = await client.post(path, json=body, headers={"Prefer": "wait=10"})
            assert answer.status_code == 200, answer.text
            assert "chatstream_sockets 0.0" in (await client.get("/metrics")).text
            cookies = dict(client.cookies)
