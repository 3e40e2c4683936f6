"""A span a turn, with a child for each step and tool call; nothing that was said in any of them."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from tests.kit.server import SECRET, Server
from tests.kit.wire import Person

trace_sdk = pytest.importorskip(
    "opentelemetry.sdk.trace", reason="chatstream-server[otel] is missing"
)

from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: E402
    InMemorySpanExporter,
)

from chatstream import Fail, Response, Thinking, ToolCall, ToolResult  # noqa: E402
from chatstream.ids import ChatId  # noqa: E402
from chatstream.turns.observer import RunBegan, Watches  # noqa: E402
from chatstream.turns.tracing import TracedTurns  # noqa: E402

BEGAN = RunBegan(ChatId("chat_1"), "m1", 1, "intent_1", None)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def turns(exporter: InMemorySpanExporter) -> TracedTurns:
    provider = trace_sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return TracedTurns(provider.get_tracer("test"))


def test_a_turn_is_a_span_with_its_steps_and_tools_inside(turns, exporter):
    run = turns.began(BEGAN)
    run.took(Thinking("plan", "SECRET", "started"))
    run.answering()
    run.took(Thinking("plan", "SECRET", "completed"))
    run.took(ToolCall("weather", {"city": "SECRET"}, "c1"))
    run.took(ToolResult("c1", ok=False, result="SECRET"))
    run.took(Response("SECRET"))
    run.ended("finished")
    step, tool, turn = exporter.get_finished_spans()
    assert (step.name, tool.name, turn.name) == ("step plan", "tool weather", "chatstream.turn")
    assert step.parent.span_id == tool.parent.span_id == turn.context.span_id
    assert turn.parent is None
    assert turn.attributes["chatstream.user_chat_id"] == "chat_1"
    assert turn.attributes["chatstream.outcome"] == "finished"
    assert not tool.status.is_ok
    assert "SECRET" not in "".join(span.to_json() for span in exporter.get_finished_spans())


def test_what_is_not_over_ends_with_the_turn_and_a_step_of_one_moment_is_one(turns, exporter):
    run = turns.began(BEGAN)
    run.took(Thinking("moment"))
    run.took(ToolCall("slow", {}, "c1"))
    run.took(Fail("no_seats", "SECRET"))
    run.ended("failed")
    names = [span.name for span in exporter.get_finished_spans()]
    assert names == ["step moment", "tool slow", "chatstream.turn"]
    assert not exporter.get_finished_spans()[-1].status.is_ok


async def test_spans_of_the_agent_are_children_of_its_turn(turns, exporter, tmp_path: Path):
    from chatstream.agent_loading import as_agent
    from chatstream.config import Settings
    from chatstream.domain.commands import OpenChat, SendMessage
    from chatstream.eventstore.sqlite.memory import MemoryEngine
    from chatstream.node import Node
    from chatstream.projections.models import all_tables

    tracer = turns._tracer

    async def agent(_: Any) -> AsyncGenerator[Any, Any]:
        with tracer.start_as_current_span("model call"):
            pass
        yield Response("done", is_complete=True)

    engine = MemoryEngine(all_tables())
    node = Node(Settings(), engine, as_agent(agent), observer=Watches(turns))
    await node.start()
    try:
        fields = {"user_chat_id": ChatId("c"), "user_id": "u", "now_ms": 1, "nonce": "n"}
        await node.service.submit(OpenChat(**fields))
        await node.service.submit(SendMessage(**fields, id="m1", content="SECRET"))
        feed = node.service.feed(ChatId("c"))
        async for frames in feed.follow(0):
            if any(b'"finished"' in frame.data for frame in frames):
                break
    finally:
        await node.close()
    inner, turn = exporter.get_finished_spans()
    assert (inner.name, turn.name) == ("model call", "chatstream.turn")
    assert inner.parent.span_id == turn.context.span_id
    assert turn.attributes["chatstream.outcome"] == "finished"


class Tracing(Server):
    """A server whose operator has set up a tracer provider: its spans go to its output."""

    def _environment(self) -> dict[str, str]:
        (self.folder / "sitecustomize.py").write_text(PROVIDER)
        environment = super()._environment()
        paths = (str(self.folder), environment["PYTHONPATH"])
        return {**environment, "PYTHONPATH": os.pathsep.join(paths)}


PROVIDER = """
import sys
if "serve" in sys.orig_argv:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
    provider = TracerProvider()
    line = lambda span: span.to_json(indent=None) + "\\n"
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
    trace.set_tracer_provider(provider)
"""


@pytest.mark.parametrize(("tracing", "turns_traced"), [("on", 2), ("off", 0)])
async def test_a_server_makes_a_span_for_each_turn_and_none_for_its_sockets(
    tmp_path: Path, tracing: str, turns_traced: int
):
    server = Tracing(tmp_path, SECRET=SECRET, TRACING=tracing).start()
    person = Person(server)
    try:
        talk = await person.talk()
        await talk.say("think plan ; echo SECRET")
        await talk.say("raise_error SECRET")
        await person.get(talk.path)
    finally:
        await person.aclose()
        server.terminate()
        assert server.exit_code() == 0
    lines = [line for line in server.log_path.read_text().splitlines() if line.startswith("{")]
    spans = [json.loads(line) for line in lines]
    outcomes = [
        span["attributes"]["chatstream.outcome"]
        for span in spans
        if span["name"] == "chatstream.turn"
    ]
    assert outcomes == ["finished", "failed"][:turns_traced]
    assert {span["name"] for span in spans} == (
        {"chatstream.turn", "step plan"} if spans else set()
    )
    assert "SECRET" not in "".join(lines)
