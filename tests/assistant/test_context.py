"""What a new session is told of earlier ones."""

from __future__ import annotations

from tests.assistant.desk import Desk
from tests.assistant.dialogue import CHAT, Dialogue

from chatstream.assistant.context import CompletedTask, RecentTasks, completed_tasks


class Given:
    def __init__(self, *tasks: CompletedTask) -> None:
        self.tasks = tasks

    async def newest(self, user_id: str, limit: int) -> list[CompletedTask]:
        return list(self.tasks[:limit])


async def test_completed_tasks_come_with_slots_and_answer_and_small_talk_does_not():
    talk = Dialogue(Desk().assistant())
    await talk.say("hello")
    await talk.say("set an alarm for 9 pm called Gym")
    await talk.say("order a pizza")
    (task,) = completed_tasks(talk.facts)
    assert task.name == "create_alarm"
    assert task.slots == {"when": "2026-11-23T21:00:00Z", "name": "Gym"}
    assert task.answer == "Your alarm “Gym” rings today at 9:00 pm."


async def test_what_is_brought_is_bounded():
    talk = Dialogue(Desk().assistant())
    await talk.say("order a pizza")
    big = CompletedTask("i1", "2026-11-23T10:00:00.000Z", "a", {"x": 1}, result="r" * 9_000)
    huge = CompletedTask("i2", "2026-11-23T10:00:00.000Z", "b", {"x": "s" * 9_000})
    brought = await RecentTasks(Given(big, huge)).context(CHAT, talk.state, talk.intent)
    assert brought is not None
    (only,) = brought.values["completed"]
    assert only["slots"] == {"x": 1}
    assert "result" not in only


async def test_a_first_session_is_told_nothing():
    talk = Dialogue(Desk().assistant())
    await talk.say("order a pizza")
    assert await RecentTasks(Given()).context(CHAT, talk.state, talk.intent) is None
