"""What `/metrics` of a real server shows after something happened."""

from __future__ import annotations

import re
from contextlib import aclosing

from prometheus_client.parser import text_string_to_metric_families
from tests.conformance.conftest import launch, people  # noqa: F401 - fixtures
from tests.kit.server import REPOSITORY
from tests.kit.wire import new_id
from tests.ws.fakes import FakeFeed

from chatstream import ChatStreamPlugin, Response, create_app
from chatstream.http.sse import Terms, event_stream
from chatstream.http.streams import Streams
from chatstream.metrics import Metrics


async def test_an_operator_sees_sockets_commands_turns_and_commits(launch, people):  # noqa: F811
    server = launch()
    talk = await people(server).talk()
    mark = new_id()
    await talk.say("think plan ; piece Hel ; answer complete", id=mark)
    await talk.send("think plan ; piece Hel ; answer complete", id=mark)
    await talk.refused("retry", message_id="nothing")
    await talk.say("fail no_seats final none")
    other = await talk.person.join()
    await other.opened(user_chat_id=talk.chat, after=3)
    await other.close()
    text = (await talk.person.http.get(f"{server.url}/metrics")).text

    def value(name: str, **labels: str) -> float:
        shown = ",".join(f'{key}="{one}"' for key, one in sorted(labels.items()))
        line = name + (f"{{{shown}}}" if labels else "")
        found = re.search(rf"^chatstream_{re.escape(line)} (\S+)$", text, re.MULTILINE)
        assert found, f"{line} is missing in:\n{text}"
        return float(found[1])

    assert value("sockets") == 1
    assert value("reader_lag_events") == 0
    assert value("readers_behind", events="1") == 0
    assert value("sync_seconds_count") == value("commit_seconds_count")
    assert value("commands_total", transport="socket", result="ack") == 2
    assert value("commands_total", transport="socket", result="duplicate") == 1
    assert value("commands_total", transport="socket", result="not_found") == 1
    assert value("ack_seconds_count") == 3
    assert value("turns_total", outcome="finished") == 1
    assert value("turns_total", outcome="failed") == 1
    assert value("turn_seconds_count", outcome="finished") == 1
    assert value("first_text_seconds_count") == 1
    assert value("opens_total", kind="created") == 1
    assert value("opens_total", kind="resumed") == 1
    assert value("socket_closes_total", code="1000") == 1
    assert value("commit_seconds_count") > 3
    assert value("batch_size_count") > 3
    assert value("writer_depth") == 0
    assert value("turns_running") == 0


def test_a_slow_socket_and_a_slow_stream_are_seen():
    metrics = Metrics()
    metrics.watch_lags(lambda: [0, 3, 150])
    text = metrics.text().decode()
    assert "chatstream_reader_lag_events 150.0" in text
    assert 'chatstream_readers_behind{events="1"} 2.0' in text
    assert 'chatstream_readers_behind{events="100"} 1.0' in text
    assert 'chatstream_readers_behind{events="10000"} 0.0' in text


async def test_the_lag_of_a_stream_is_what_it_has_not_been_sent():
    streams, feed = Streams(), FakeFeed(5)
    terms = Terms(heartbeat_s=10, expires_at_ms=None, now_ms=lambda: 0)
    async with aclosing(event_stream(lambda: feed, 2, terms, streams)) as pieces:
        await anext(pieces)
        assert list(streams.lags()) == [0]
        feed.append(4)
        assert list(streams.lags()) == [4]
    assert list(streams.lags()) == []


def test_every_metric_is_on_the_page_and_nothing_else():
    page = (REPOSITORY / "docs/how-to/observe.md").read_text()
    app = create_app(agent=nobody)
    plugin = next(one for one in app.plugins if isinstance(one, ChatStreamPlugin))
    families = text_string_to_metric_families(plugin.metrics.text().decode())
    exported = {
        f"{one.name}_total" if one.type == "counter" else one.name
        for one in families
        if not one.name.endswith("_created")
    }
    named = set(re.findall(r"^\| `(chatstream_\w+)", page, re.MULTILINE))
    assert named == exported
    used = set(
        re.findall(r"chatstream_\w+", page[page.index("## Alerts") : page.index("## Health")])
    )
    assert {name.removesuffix("_bucket") for name in used} <= exported


async def nobody(_):
    yield Response("hi")
