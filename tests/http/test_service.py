"""What is neither chat nor command: unknown paths, health, metrics, the front end, the schema."""

from __future__ import annotations

import gzip
import json
from types import SimpleNamespace

import jsonschema
import pytest
from http_kit import new_chat, problem, say, token_of
from litestar.exceptions import NotFoundException

from chatstream.errors import Refused
from chatstream.http.assets import Assets
from chatstream.http.problem import handle_routing_errors


async def test_unknown_paths_and_methods_are_problems(ann):
    for path in ("/", "/nothing", "/chats/c/nothing", "/chats/c/events/1", "/chats/" + "x" * 3000):
        problem(await ann.get(path), 404, "not_found")
    for method, path in (("PUT", "/chats"), ("POST", "/chats/c"), ("PATCH", "/intents")):
        answer = await ann.request(method, path)
        problem(answer, 405, "method_not_allowed")
        assert "GET" in answer.headers["allow"].upper()


async def test_odd_ids_in_a_path_are_not_found(ann):
    for chat in ("a%20b", "%00", "..%2f..", "x" * 65, "%27", "%25", "constructor", "%F0%9F%91%8D"):
        problem(await ann.get(f"/chats/{chat}"), 404, "not_found")


async def test_a_failure_is_a_problem_that_tells_nothing(server, ann, monkeypatch, caplog):
    async def broken(*_):
        raise ZeroDivisionError("canary")

    monkeypatch.setattr(server.backend.service, "load", broken)
    answer = await ann.get("/chats/c")
    problem(answer, 500, "internal_error")
    assert "canary" not in answer.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_storage_that_does_not_answer_is_unavailable(server, ann, monkeypatch):
    async def gone(*_):
        raise Refused("unavailable")

    monkeypatch.setattr(server.backend.service, "load", gone)
    problem(await ann.get("/chats/c"), 503, "unavailable")


def test_errors_of_the_router_on_paths_of_others_go_to_their_handlers():
    def theirs(request, error):
        return "theirs"

    handlers = {404: theirs}
    handle_routing_errors(handlers, lambda path: path.startswith("/ours"))

    other = SimpleNamespace(scope={"path": "/other"})
    ours = SimpleNamespace(scope={"path": "/ours/x"})
    answer = handlers[NotFoundException]
    assert answer(other, NotFoundException()) == "theirs"
    assert answer(ours, NotFoundException()).status_code == 404


async def test_health_needs_no_token(server):
    async with server.client() as nobody:
        for path in ("/health/live", "/health/ready"):
            answer = await nobody.get(server.url + path)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
            assert (await nobody.head(server.url + path)).status_code == 200


async def test_a_server_that_is_not_ready_says_why_and_lives(server):
    server.ready.reason = "the disk is full"
    async with server.client() as nobody:
        body = problem(await nobody.get(server.url + "/health/ready"), 503, "unavailable")
        assert body["detail"] == "the disk is full"
        assert (await nobody.get(server.url + "/health/live")).status_code == 200
        server.ready.reason = None
        server.backend.streams.close()
        problem(await nobody.get(server.url + "/health/ready"), 503, "unavailable")


async def test_metrics_count_what_happened(server, ann):
    chat = await new_chat(ann)
    await say(ann, chat, "hello", id="m")
    await say(ann, chat, "hello", id="m")
    await ann.post(f"/chats/{chat}/retry", json={"message_id": "none"})
    async with server.client() as nobody:
        answer = await nobody.get(server.url + "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.split("\n")
    assert 'chatstream_commands_total{result="ack",transport="http"} 1.0' in lines
    assert 'chatstream_commands_total{result="duplicate",transport="http"} 1.0' in lines
    assert 'chatstream_commands_total{result="not_found",transport="http"} 1.0' in lines
    assert 'chatstream_http_requests_total{method="POST",status="201"} 1.0' in lines
    assert "chatstream_event_streams 0.0" in lines
    newest = (await ann.get(f"/chats/{chat}")).json()["position"]
    assert f"chatstream_events_total {newest}.0" in lines


class TestAssets:
    @pytest.fixture
    async def site(self, launch, tmp_path):
        script = b"const answer = 42;\n" * 50
        files = {
            "embed.0a1b2c3d.js": script,
            "embed.0a1b2c3d.js.gz": gzip.compress(script),
            "embed.0a1b2c3d.js.br": b"brotli",
            "index.html": b"<!doctype html><title>chat</title>",
            "manifest.json": b'{"embed.js": "embed.0a1b2c3d.js"}',
            "icons/logo.svg": b"<svg/>",
        }
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
        server = await launch(Assets(tmp_path))
        async with server.client(**{"Accept-Encoding": "identity"}) as client:
            client.base_url = server.url
            yield client

    async def test_a_hashed_name_is_kept_for_ever(self, site):
        answer = await site.get("/chatstream/embed.0a1b2c3d.js")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].split(";")[0] == "text/javascript"
        assert answer.headers["access-control-allow-origin"] == "*"

    async def test_a_plain_name_is_asked_for_each_time(self, site):
        first = await site.get("/chatstream/embed.js")
        assert first.headers["cache-control"] == "no-cache"
        assert first.content.startswith(b"const answer")
        for known in (first.headers["etag"], f'"x", {first.headers["etag"]}', "*"):
            again = await site.get("/chatstream/embed.js", headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
        other = await site.get("/chatstream/embed.js", headers={"If-None-Match": '"x"'})
        assert other.status_code == 200

    async def test_the_best_form_that_is_accepted_is_sent(self, site):
        for accepted, coding in (
            ("gzip, deflate, br", "br"),
            ("gzip", "gzip"),
            ("GZIP;q=1.0, br;q=0", "gzip"),
            ("identity", None),
            ("", None),
        ):
            request = site.build_request(
                "GET", "/chatstream/embed.js", headers={"Accept-Encoding": accepted}
            )
            answer = await site.send(request, stream=True)
            assert answer.headers.get("content-encoding") == coding
            assert answer.headers["vary"] == "Accept-Encoding"
            await answer.aclose()

    async def test_the_full_page_runs_its_own_scripts_only(self, site):
        answer = await site.get("/")
        assert answer.headers["content-type"].split(";")[0] == "text/html"
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert answer.headers["cache-control"] == "no-cache"

    async def test_other_files_are_not_found(self, site):
        for name in ("none.js", "manifest.json", "..%2fpyproject.toml", "embed.0a1b2c3d.js.gz", ""):
            problem(await site.get(f"/chatstream/{name}"), 404, "not_found")
        assert (await site.get("/chatstream/icons/logo.svg")).status_code == 200


async def test_the_full_page_offers_what_the_agent_suggests(launch, tmp_path):
    page = b"<chatstream-chat layout='page'></chatstream-chat>"
    (tmp_path / "index.html").write_bytes(page)
    (tmp_path / "index.html.gz").write_bytes(gzip.compress(page))
    server = await launch(Assets(tmp_path, ['Say "hi" & <go>']))
    async with server.client() as client:
        answer = await client.get(f"{server.url}/")
    told = "[&quot;Say \\&quot;hi\\&quot; &amp; &lt;go&gt;&quot;]"
    expected = f"<chatstream-chat suggestions=\"{told}\" layout='page'></chatstream-chat>"
    assert answer.text == expected
    assert "content-encoding" not in answer.headers
    assert answer.headers["etag"] != Assets(tmp_path)._assets["index.html"].etag


async def test_without_a_built_page_the_root_is_not_found(launch, tmp_path):
    server = await launch(Assets(tmp_path / "none"))
    async with server.client() as client:
        problem(await client.get(f"{server.url}/"), 404, "not_found")


async def test_the_prefix_can_be_another_or_none(launch):
    for prefix in ("", "/chat", "/a/b"):
        server = await launch(prefix=prefix)
        async with server.client(token_of("ann")) as ann:
            assert (await ann.get(f"{server.url}{prefix}/chats")).status_code == 200
            assert (await ann.get(f"{server.url}/health/live")).status_code == 200
            problem(await ann.get(f"{server.url}{prefix}/nothing"), 404, "not_found")


class TestOpenApi:
    @pytest.fixture
    async def document(self, server):
        async with server.client() as nobody:
            first = await nobody.get(f"{server.url}/schema", follow_redirects=True)
            second = await nobody.get(f"{server.url}/schema/openapi.json")
        assert first.json() == second.json()
        return second.json()

    async def test_it_is_served_in_json_at_both_places(self, document):
        assert document["openapi"].startswith("3.1")

    async def test_it_names_every_operation(self, document):
        under_prefix = {
            "/visitors": {"post"},
            "/chats": {"get", "head", "post"},
            "/chats/{chat_id}": {"get", "head", "delete"},
            "/chats/{chat_id}/events": {"get", "head"},
            "/chats/{chat_id}/history": {"get", "head"},
            "/chats/{chat_id}/messages": {"post"},
            "/chats/{chat_id}/components/{component_id}": {"post"},
            "/chats/{chat_id}/cancel": {"post"},
            "/chats/{chat_id}/retry": {"post"},
            "/chats/{chat_id}/close": {"post"},
            "/users/me": {"delete"},
            "/users/{user_id}": {"delete"},
            "/intents": {"get", "head"},
            "/intents/{user_intent_id}/resume": {"post"},
            "/intents/{user_intent_id}/abandon": {"post"},
            "/sessions": {"get", "head", "delete"},
            "/sessions/{session_id}": {"delete"},
            "/connections": {"get", "head"},
        }
        expected = {f"/api/v1{path}": methods for path, methods in under_prefix.items()} | {
            "/health/live": {"get", "head"},
            "/health/ready": {"get", "head"},
            "/metrics": {"get", "head"},
            "/schema/frames.json": {"get"},
        }
        assert {path: set(item) for path, item in document["paths"].items()} == expected

    async def test_errors_are_told_as_problems(self, document):
        for path, item in document["paths"].items():
            for operation in item.values():
                for status, answer in operation["responses"].items():
                    if status >= "400":
                        assert list(answer["content"]) == ["application/problem+json"], path

    async def test_a_body_is_required_where_a_field_of_it_is(self, document):
        required = {
            path.rpartition("/")[2]: item["post"]["requestBody"]["required"]
            for path, item in document["paths"].items()
            if "requestBody" in item.get("post", {})
        }
        assert required == {
            "chats": False,
            "messages": True,
            "{component_id}": True,
            "cancel": False,
            "retry": True,
            "close": False,
            "resume": False,
            "abandon": False,
        }

    async def test_events_may_be_a_stream(self, document):
        events = document["paths"]["/api/v1/chats/{chat_id}/events"]["get"]
        assert events["responses"]["200"]["content"].keys() == {
            "application/json",
            "text/event-stream",
        }

    async def test_every_answer_in_json_has_a_form(self, document):
        for path, item in document["paths"].items():
            for operation in item.values():
                for answer in operation["responses"].values():
                    for kind, body in answer.get("content", {}).items():
                        assert body["schema"] or "json" not in kind, path

    async def test_operation_ids_are_unique(self, document):
        ids = [o["operationId"] for item in document["paths"].values() for o in item.values()]
        assert len(ids) == len(set(ids))

    async def test_what_is_served_is_what_it_says(self, document, ann):
        chat = await new_chat(ann)
        await say(ann, chat, "form please")
        await say(ann, chat, "ask what?")
        at = {"at": 3}
        served = [
            ("/chats", await ann.get("/chats")),
            ("/chats/{chat_id}", await ann.get(f"/chats/{chat}")),
            ("/chats/{chat_id}", await ann.get(f"/chats/{chat}", params=at)),
            ("/chats/{chat_id}", await ann.get("/chats/none")),
            ("/chats/{chat_id}/events", await ann.get(f"/chats/{chat}/events")),
            ("/chats/{chat_id}/history", await ann.get(f"/chats/{chat}/history")),
            ("/chats/{chat_id}/history", await ann.get(f"/chats/{chat}/history?limit=0")),
            ("/intents", await ann.get("/intents")),
            ("/sessions", await ann.get("/sessions")),
            ("/connections", await ann.get("/connections")),
            ("/chats", await ann.post("/chats")),
            ("/chats", await ann.post("/chats", json={"user_chat_id": chat})),
            (
                "/chats/{chat_id}/messages",
                await ann.post(f"/chats/{chat}/messages", json={"content": "a"}),
            ),
            (
                "/chats/{chat_id}/messages",
                await ann.post(
                    f"/chats/{chat}/messages", json={"content": "a"}, headers={"Prefer": "wait=9"}
                ),
            ),
            ("/chats/{chat_id}/messages", await ann.post(f"/chats/{chat}/messages", json={})),
            (
                "/chats/{chat_id}/messages",
                await ann.post(f"/chats/{chat}/messages", json={"content": ""}),
            ),
            ("/sessions", await ann.delete("/sessions")),
        ]
        for path, answer in served:
            check(document, path, answer)


def check(document, path, answer):
    """The answer must be one that the document describes."""
    method = answer.request.method.lower()
    responses = document["paths"][f"/api/v1{path}"][method]["responses"]
    described = responses[str(answer.status_code)]["content"]
    schema = described[answer.headers["content-type"].split(";")[0]]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(
        answer.json()
    )


async def test_the_schema_of_the_frames_is_served(server):
    async with server.client() as nobody:
        answer = await nobody.get(f"{server.url}/schema/frames.json")
    assert answer.headers["content-type"].split(";")[0] == "application/schema+json"
    assert json.loads(answer.content) == {"$defs": {}}
