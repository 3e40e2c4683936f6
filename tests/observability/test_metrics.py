"""What `/metrics` of a real server shows after something happened."""

from __future__ import annotations

import re

from tests.protocol.conftest import launch, people  # noqa: F401 - fixtures
from tests.protocol.wire import new_id


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
