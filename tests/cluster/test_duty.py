"""Who does what one node of all is to do, and who runs an attempt that two have begun."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from tests.kit.laws import check_log
from tests.kit.wire import outline

from chatstream.cluster import membership as membership_module
from chatstream.cluster.membership import Membership
from chatstream.cluster.publisher import BusPublisher
from chatstream.domain.commands import RestartTurn
from chatstream.domain.events import TurnChanged
from chatstream.domain.steps import Thinking
from chatstream.domain.user_chat.evolution import INITIAL
from chatstream.domain.user_chat.state import Intent, Message, Turn
from chatstream.errors import Refused
from chatstream.eventstore.store import Work
from chatstream.ids import ChatId, IntentId
from chatstream.live.hub import Hub
from chatstream.testing import TestChat, scripted
from chatstream.turns.observer import Unwatched
from chatstream.turns.run_table import RunTable
from chatstream.turns.runner import NoRelay, TurnRunner

LEASE_S = 5.0
CHAT, INTENT = ChatId("chat_1"), IntentId("intent_1")
AT = "2026-01-01T00:00:00.000Z"
STARTED = replace(
    INITIAL,
    position=7,
    status="open",
    last_event_at=AT,
    turn=Turn("m1", Message("m1", 6, AT), 1, 6, INTENT, begun_by="evt_1", begun_at=AT),
    unfinished={INTENT: Intent(INTENT, "active", "t", AT, AT)},
)
BEGUN_ELSEWHERE = replace(STARTED, turn=replace(STARTED.turn, begun_by="evt_2"))
FACT = TurnChanged(event_id="evt_1", timestamp=AT, user_id="u", status="started", attempt=1)


class FakeLease:
    """A lease that leads when it is told to."""

    is_leader = False
    owner = "node_2"

    def start(self, holder: object) -> None:
        pass

    def look_soon(self) -> None:
        pass

    def leave(self) -> None:
        pass


class FakeBus:
    """Nobody is there."""

    async def run(self, listener: object) -> None:
        await asyncio.Event().wait()

    async def wake(self, text: str) -> None:
        pass

    async def publish(self, messages: object) -> None:
        pass

    async def close(self) -> None:
        pass


@pytest.fixture
def monotonic(monkeypatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(membership_module, "time", clock)
    return clock


async def test_a_new_node_does_what_falls_due_for_one_lease_and_then_if_it_leads(monotonic):
    lease = FakeLease()
    async with TestChat(scripted([])) as chat:
        node = chat.node
        membership = Membership(
            lease,
            node.runner,
            node.read_models,
            BusPublisher(FakeBus(), "node_2"),
            lease_s=LEASE_S,
        )
        assert not membership.is_leader()
        await membership.start()
        assert membership.is_leader()
        monotonic.now += LEASE_S - 0.1
        assert membership.is_leader()
        monotonic.now += 0.2
        assert not membership.is_leader()
        lease.is_leader = True
        assert membership.is_leader()
        await membership.close()


@pytest.mark.postgres
@pytest.mark.faults
async def test_what_falls_due_is_done_while_the_lease_of_who_died_still_runs(launch, people):
    nodes = launch(1, NODE_LEASE=60)
    (one,) = nodes.all
    talk = await people(one).talk()
    await talk.say("remind 0.5 Wake up! ; complete Set.")
    one.kill()
    other = await asyncio.to_thread(nodes.add)
    again = await people(other, talk.person.user_id).talk(talk.chat)
    said = await again.event("response", content="Wake up!")
    assert outline(await again.turn(said["caused_by"])) == [
        "turn started",
        "response",
        "turn finished",
    ]
    check_log(await again.stored())


class FakeService:
    """Notes what a runner wants stored; nothing of it ever is."""

    def __init__(self, hub: Hub) -> None:
        self.submitted: list[object] = []
        self.answers: list[asyncio.Future[object]] = []
        self.came = asyncio.Event()
        self.feed = hub.feed

    async def load(self, _: ChatId) -> object:
        return STARTED

    def submit(self, command: object) -> asyncio.Future[object]:
        self.submitted.append(command)
        self.came.set()
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]


class Ownership:
    """Every turn is ours, or none; the database can be asked from the second time on."""

    def __init__(self, answer: bool, *, is_away: bool) -> None:
        self._answer = answer
        self._is_away = is_away

    async def is_ours(self, _: ChatId) -> bool:
        is_away, self._is_away = self._is_away, False
        if is_away:
            raise Refused("unavailable")
        return self._answer


class OneRun:
    """A runner whose agent began the turn of ``STARTED``, said something, and waits; ``is_ours``:
    whose the turn is in the database."""

    def __init__(self, *says: Thinking, is_ours: bool, is_away: bool = False) -> None:
        self._says = says
        self.service = FakeService(hub := Hub(None))
        self.runs, self.stopped = asyncio.Event(), asyncio.Event()
        self.table = RunTable()
        self.runner = TurnRunner(
            self.service,
            self.table,
            hub,
            NoRelay(),
            self._agent,
            ownership=Ownership(is_ours, is_away=is_away),
            observer=Unwatched(),
            turn_timeout_s=60,
            max_attempts=3,
            now_ms=lambda: 0,
        )

    async def _agent(self, _):
        self.runs.set()
        for step in self._says:
            yield step
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()
        yield

    async def begin(self) -> None:
        self.runner.decided(CHAT, [FACT], STARTED)
        self.runner.committed(CHAT, STARTED)
        await self.runs.wait()

    async def end(self) -> None:
        async def release(*_: object) -> None:
            pass

        await self.runner.close(release)


async def test_an_attempt_that_another_node_has_begun_in_our_place_runs_there_alone():
    """The log has the same turn and attempt as was decided here: only what began it tells."""
    one = OneRun(is_ours=False)
    await one.begin()
    one.runner.reloaded(CHAT, BEGUN_ELSEWHERE, superseded=True)
    await one.stopped.wait()
    assert not one.table.runs(CHAT)
    await one.end()
    assert one.service.submitted == []


@pytest.mark.parametrize("is_away", [False, True], ids=["at once", "after an outage"])
async def test_an_attempt_that_began_in_vain_here_is_begun_again_where_the_turn_is_ours(is_away):
    one = OneRun(is_ours=True, is_away=is_away)
    await one.begin()
    one.runner.reloaded(CHAT, BEGUN_ELSEWHERE, superseded=True)
    await one.stopped.wait()
    await one.service.came.wait()
    (command,) = one.service.submitted
    assert isinstance(command, RestartTurn)
    assert (command.caused_by, command.attempt) == ("m1", 1)
    await one.end()


async def test_a_turn_that_already_runs_again_here_is_not_begun_once_more_with_the_lease():
    """After an outage the log may be read, and the turn begun again, before the lease is back."""
    one = OneRun(is_ours=True)
    await one.begin()
    another = ChatId("chat_2")
    work = [Work(chat_id, "m1", 1, handed_over=True) for chat_id in (CHAT, another)]
    one.runner.recover(work)
    await one.service.came.wait()
    assert [command.user_chat_id for command in one.service.submitted] == [another]
    assert one.table.runs(CHAT)
    await one.end()


async def test_what_a_stopped_run_wants_stored_is_taken_back():
    """It may have begun in vain: decided again, it would be taken for what the same attempt says
    where that has been begun instead."""
    one = OneRun(Thinking("plan", "once", "completed"), is_ours=False)
    await one.begin()
    await one.service.came.wait()
    one.runner.stop_runs()
    (step,) = one.service.answers
    assert step.cancelled()
    await one.end()


async def test_an_attempt_that_was_stored_goes_on_whatever_came_in_between():
    one = OneRun(is_ours=False)
    await one.begin()
    one.runner.reloaded(CHAT, replace(STARTED, position=9), superseded=True)
    assert one.table.runs(CHAT)
    assert not one.stopped.is_set()
    await one.end()
    await one.stopped.wait()
