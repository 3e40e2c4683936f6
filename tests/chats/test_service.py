"""The one way in: order, answers, and what a failing storage does to commands and turns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from tests.chats.faulty import FaultyEngine

from chatstream.config import Settings
from chatstream.domain.commands import EraseChat, OpenChat, SendMessage
from chatstream.domain.events import ComponentShown, ErrorRaised, ThinkingAdded, TurnChanged
from chatstream.domain.steps import Buttons, FollowUp, Response, Thinking, ToolCall, ToolResult
from chatstream.errors import Refused
from chatstream.eventstore.mapper import encode
from chatstream.eventstore.store import Append, NewEvent, Work
from chatstream.ids import new_nonce
from chatstream.testing import FakeClock, TestChat, TestTurn, scripted
from chatstream.turns.step_checks import LARGEST_STEP

ANSWER = scripted([Response("done", is_complete=True)])


def error_of(turn: TestTurn) -> str:
    """The code of the turn's error."""
    return next(fact.code for fact in turn.facts if isinstance(fact, ErrorRaised))


async def wait_for(condition, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event of its own
            await asyncio.sleep(0.005)


async def test_commands_are_stored_in_the_order_given_even_before_the_chat_is_loaded():
    async with TestChat(scripted([])) as chat:
        other = TestChat(scripted([]))
        futures = [chat.node.service.submit(OpenChat(**{**other._base(), "user_chat_id": "new"}))]
        for number in range(20):
            base = {**other._base(), "user_chat_id": "new"}
            futures.append(
                chat.node.service.submit(SendMessage(**base, id=f"m{number}", content=str(number)))
            )
        receipts = await asyncio.gather(*futures)
        positions = [receipt.position for receipt in receipts]
        assert positions == sorted(set(positions))


async def test_a_repeat_waits_for_the_commit_of_what_it_repeats():
    engine = FaultyEngine()
    async with TestChat(ANSWER, engine=engine) as chat:
        engine.gate.clear()
        command = SendMessage(**chat._base(), id="m1", content="hello")
        first, second = chat.node.service.submit(command), chat.node.service.submit(command)
        await asyncio.sleep(0.05)
        assert not first.done()
        assert not second.done()
        engine.gate.set()
        assert (await first).duplicate is False
        assert ((await second).position, (await second).duplicate) == ((await first).position, True)


async def test_a_repeat_of_what_failed_to_be_stored_is_stored_anew():
    engine = FaultyEngine()
    async with TestChat(ANSWER, engine=engine) as chat:
        engine.gate.clear()
        command = SendMessage(**chat._base(), id="m1", content="hello")
        first, second = chat.node.service.submit(command), chat.node.service.submit(command)
        await asyncio.sleep(0.05)
        engine.fail_writes = 1
        engine.gate.set()
        with pytest.raises(Refused, match=r"^unavailable"):
            await first
        receipt = await second
        assert receipt.duplicate is False
        assert receipt.state.commands.get("m1").position == receipt.position


async def test_a_command_that_stores_nothing_is_known_after_a_reload():
    engine = FaultyEngine()
    async with TestChat(scripted([]), engine=engine) as chat:
        first = await chat.cancel()
        chat.node.service._chats.clear()
        assert await chat.node.store.fetch("SELECT count(*) FROM remembered_commands", ()) == [(1,)]
        state = await chat.state()
        assert first.position == 1
        assert len(state.commands) == 1


async def test_while_the_storage_is_down_nothing_is_acked_and_afterwards_all_goes_on():
    engine = FaultyEngine()
    async with TestChat(ANSWER, engine=engine) as chat:
        engine.is_down = True
        for number in range(3):
            with pytest.raises(Refused, match=r"^unavailable"):
                await chat.send("hello", id=f"m{number}")
        engine.is_down = False
        turn = await chat.send("hello", id="m0")
        assert (turn.answer, turn.receipt.duplicate) == ("done", False)
        assert [fact.message_id for fact in await chat.facts() if fact.message_id == "m1"] == []


async def test_a_commit_whose_acknowledgement_was_lost_reaches_its_readers():
    engine = FaultyEngine()
    async with TestChat(scripted([]), engine=engine) as chat:
        seen: list[int] = []

        async def read() -> None:
            async for frames in chat.node.service.feed(chat.chat_id).follow(0):
                seen.extend(frame.position for frame in frames)

        reader = asyncio.create_task(read())
        await wait_for(lambda: seen == [1])
        engine.loses_acknowledgement = True
        command = SendMessage(**chat._base(), id="m1", content="hello")
        with pytest.raises(Refused, match=r"^unavailable"):
            await chat.submit(command)
        receipt = await chat.submit(command)
        assert (receipt.position, receipt.duplicate) == (2, True)
        await wait_for(lambda: len(seen) >= 5)
        assert seen == list(range(1, len(seen) + 1))
        reader.cancel()


async def test_an_event_of_another_writer_is_folded_in_and_the_command_decided_again():
    engine = FaultyEngine()
    async with TestChat(ANSWER, engine=engine) as chat:
        engine.intruder = encode(
            ThinkingAdded(
                event_id="evt_x",
                timestamp="2026-01-01T00:00:00.000Z",
                user_id="user",
                step="own",
                status="completed",
                content="",
            )
        )
        turn = await chat.send("hello")
        assert turn.receipt.position == 3
        assert turn.answer == "done"
        assert [fact.event_id for fact in await chat.facts()][1] == "evt_x"


async def test_an_agent_whose_turn_began_in_vain_runs_once_and_only_when_the_log_has_its_turn():
    engine = FaultyEngine()
    runs: list[int] = []

    async def agent(turn):
        runs.append(turn.attempt)
        yield Thinking("own", "once")
        await asyncio.sleep(0.05)
        yield Response("done", is_complete=True)

    async with TestChat(agent, engine=engine) as chat:
        engine.gate.clear()
        engine.intruder = encode(
            ThinkingAdded(
                event_id="evt_x",
                timestamp="2026-01-01T00:00:00.000Z",
                user_id="user",
                step="other",
                status="completed",
                content="",
            )
        )
        waiting = asyncio.create_task(chat.send("hello"))
        await wait_for(lambda: chat.node.store.depth == 1)
        await asyncio.sleep(0.02)
        assert runs == []
        engine.gate.set()
        turn = await waiting
        thoughts = [f.step for f in await chat.facts() if isinstance(f, ThinkingAdded)]
        assert (thoughts, turn.answer, runs) == (["other", "own"], "done", [1])


async def test_a_step_that_could_not_be_stored_restarts_the_turn_once_storage_is_back():
    engine = FaultyEngine()
    attempts: list[int] = []

    async def agent(turn):
        attempts.append(turn.attempt)
        yield Thinking("own", "first")
        if turn.attempt == 1:
            await wait_for(lambda: chat.node.store.depth == 0)  # the message itself is on disk
            engine.is_down = True
            yield Thinking("own", "lost")
            await asyncio.sleep(10)
        yield Response("done", is_complete=True)

    async with TestChat(agent, engine=engine) as chat:
        waiting = asyncio.create_task(chat.send("hello"))
        await wait_for(lambda: engine.is_down)
        await asyncio.sleep(0.1)
        engine.is_down = False
        turn = await waiting
        assert (turn.answer, turn.end, attempts) == ("done", "finished", [1, 2])
        statuses = [fact.status for fact in turn.facts if isinstance(fact, TurnChanged)]
        assert statuses == ["started", "restarted", "finished"]


async def test_a_storage_that_goes_away_costs_a_turn_none_of_its_attempts():
    engine = FaultyEngine()
    attempts: list[int] = []

    async def agent(turn):
        attempts.append(turn.attempt)
        if turn.attempt <= 3:
            await wait_for(lambda: chat.node.store.depth == 0)
            engine.is_down = True
            yield Thinking("own", "lost")
            await asyncio.sleep(10)
        yield Response("done", is_complete=True)

    async with TestChat(agent, engine=engine, settings=Settings(max_attempts=2)) as chat:
        waiting = asyncio.create_task(chat.send("hello"))
        for number in (1, 2, 3):
            await wait_for(lambda number=number: attempts[-1:] == [number] and engine.is_down)
            await asyncio.sleep(0.05)
            engine.is_down = False
        turn = await waiting
        assert (turn.answer, turn.end, attempts) == ("done", "finished", [1, 2, 3, 4])


async def test_what_stands_after_a_step_that_could_not_be_stored_is_not_stored_without_it():
    """The end of the turn is under way when the answer fails; nobody knows of that yet."""
    engine, told = FaultyEngine(), threading.Event()
    attempts: list[int] = []
    fails: list[Callable[[], bool]] = []

    async def agent(turn):
        attempts.append(turn.attempt)
        if turn.attempt == 1:
            await wait_for(lambda: chat.node.store.depth == 0)  # the message itself is on disk
            engine.fail_writes, has_failed = 1, lambda: engine.fail_writes == 0
            fails.append(has_failed)
        yield Response("done")
        if turn.attempt == 1:
            await wait_for(has_failed)

    async with TestChat(agent, engine=engine) as chat:
        writer = chat.node.store._writer
        tell = writer._tell

        def tell_late(callback, *arguments):
            if fails and fails[0]():
                told.wait(5)
            tell(callback, *arguments)

        writer._tell = tell_late
        waiting = asyncio.create_task(chat.send("hello"))
        await wait_for(lambda: fails and fails[0]() and chat.node.store.depth == 2)
        told.set()
        turn = await waiting
        assert (turn.answer, turn.end, attempts) == ("done", "finished", [1, 2])
        statuses = [fact.status for fact in turn.facts if isinstance(fact, TurnChanged)]
        assert statuses == ["started", "restarted", "finished"]


async def test_an_end_that_could_not_be_stored_is_not_lost():
    engine = FaultyEngine()

    async def agent(turn):
        if turn.attempt == 1:
            await wait_for(lambda: chat.node.store.depth == 0)
            engine.is_down = True
        yield Response("done", is_complete=True)

    async with TestChat(agent, engine=engine) as chat:
        waiting = asyncio.create_task(chat.send("hello"))
        await wait_for(lambda: engine.is_down)
        await asyncio.sleep(0.1)
        engine.is_down = False
        turn = await waiting
        assert (turn.answer, turn.end) == ("done", "finished")
        ends = [f for f in turn.facts if isinstance(f, TurnChanged) and f.status == "finished"]
        assert len(ends) == 1


async def test_a_tool_whose_result_could_not_be_stored_is_asked_about():
    engine = FaultyEngine()
    booked: list[str] = []

    async def agent(turn):
        if turn.tool_calls:
            yield FollowUp("?")
            return
        call = ToolCall("book", {}, "c1")
        if (yield call) is None:
            booked.append("once")
            engine.is_down = True
            yield ToolResult("c1", ok=True)
            await asyncio.sleep(10)

    async with TestChat(agent, engine=engine) as chat:
        waiting = asyncio.create_task(chat.send("book it"))
        await wait_for(lambda: engine.is_down)
        await asyncio.sleep(0.1)
        engine.is_down = False
        turn = await waiting
        assert (turn.end, booked) == ("needs_input", ["once"])
        assert "book" in turn.answer


async def stored_as(steps: list[object]) -> list[list[str]]:
    """What each append of a turn holds, by the events' kinds; that of the message first."""

    async def agent(_):
        for step in steps:
            yield step

    engine = FaultyEngine()
    async with TestChat(agent, engine=engine) as chat:
        engine.appends.clear()
        assert (await chat.send("hello")).end == "finished"
        return [[event.topic.partition(".")[0] for event in one.events] for one in engine.appends]


async def test_steps_without_a_pause_and_the_answer_are_stored_as_one():
    steps = [Thinking("a", "A"), Thinking("b", "B"), "Hel", "lo", Response(is_complete=True)]
    _, *rest = await stored_as(steps)
    assert rest == [["thinking", "thinking", "response", "intent", "session", "turn"]]


async def test_a_step_after_a_piece_of_the_answer_is_not_stored_with_those_before_it():
    steps = [Thinking("a", "A"), "Hel", Thinking("b", "B"), "lo", Response(is_complete=True)]
    _, *rest = await stored_as(steps)
    assert rest == [["thinking"], ["thinking", "response", "intent", "session", "turn"]]


async def test_a_chat_of_somebody_else_and_a_missing_one_look_alike():
    async with TestChat(scripted([])) as chat:
        errors: list[str] = []
        for chat_id, user_id in ((chat.chat_id, "eve"), ("chat_missing", "eve")):
            base = {**chat._base(), "user_chat_id": chat_id, "user_id": user_id}
            with pytest.raises(Refused) as refusal:
                await chat.submit(SendMessage(**base, id=new_nonce(), content="x"))
            errors.append(str(refusal.value))
            with pytest.raises(Refused) as refusal:
                await chat.node.service.load(chat_id, user_id)
            errors.append(str(refusal.value))
        assert len(set(errors)) == 1


async def test_erased_words_are_gone_from_the_state_too():
    async with TestChat(scripted([FollowUp("what is your secret word?")])) as chat:
        await chat.send("sesame")
        await chat.erase()
        state = await chat.state()
        assert "sesame" not in repr(state)
        assert "secret" not in repr(state)


@pytest.mark.parametrize(
    "step", [Response(5), Thinking(None), object(), ToolCall("t", [], "c"), None, 7]
)
async def test_what_is_no_step_fails_the_turn_and_harms_nothing(step):
    runs = [[step], [Response("fine", is_complete=True)]]
    async with TestChat(scripted(*runs)) as chat:
        assert (await chat.send("hello")).end == "failed"
        assert (await chat.send("again")).answer == "fine"


async def test_a_context_manager_that_raises_does_not_keep_the_agent_from_running():
    class Broken:
        async def context(self, chat_id, chat, intent):
            raise ValueError(chat_id)

    async with TestChat(ANSWER, context=Broken()) as chat:
        assert (await chat.send("hello")).answer == "done"


async def test_a_context_manager_that_never_answers_takes_no_longer_than_a_turn_may():
    class Silent:
        async def context(self, chat_id, chat, intent):
            await asyncio.Event().wait()

    settings = Settings(turn_timeout_s=0.05)
    async with TestChat(ANSWER, context=Silent(), settings=settings) as chat:
        turn = await chat.send("hello")
        assert (turn.end, error_of(turn)) == ("failed", "agent_timeout")


@pytest.mark.parametrize("size", [LARGEST_STEP // 4, LARGEST_STEP // 2])
async def test_an_agent_that_never_ends_is_stopped_by_the_size_of_its_answer(size: int):
    async def agent(turn):
        while turn.content == "hello":
            yield "x" * size
        yield Response("done", is_complete=True)

    async with TestChat(agent) as chat:
        turn = await chat.send("hello")
        assert (turn.end, error_of(turn)) == ("failed", "agent_error")
        assert len(turn.answer) == LARGEST_STEP, "what was streamed is kept"
        assert (await chat.send("again")).answer == "done"


@pytest.mark.parametrize(
    "step", [Response("x" * LARGEST_STEP), Thinking("own", "x" * LARGEST_STEP)]
)
async def test_a_step_may_be_large_and_not_larger_than_that(step):
    largest = Response("x" * (LARGEST_STEP - 100))
    async with TestChat(scripted([step], [largest])) as chat:
        turn = await chat.send("hello")
        assert (turn.end, turn.answer, error_of(turn)) == ("failed", None, "agent_error")
        assert len((await chat.send("again")).answer) == LARGEST_STEP - 100


async def test_an_agent_that_swallows_its_cancellation_times_out_all_the_same():
    let_go = asyncio.Event()

    async def agent(turn):
        while turn.content == "hello" and not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                yield Response("too late", is_complete=True)
        yield Response("done", is_complete=True)

    async with TestChat(agent, settings=Settings(turn_timeout_s=0.05)) as chat:
        turn = await chat.send("hello")
        assert (turn.end, turn.answer, error_of(turn)) == ("failed", None, "agent_timeout")
        assert (await chat.send("again")).answer == "done"
        let_go.set()


async def test_an_agent_that_cannot_even_be_called_fails_its_turn():
    async def agent(turn, what_nobody_gives):
        yield Response(what_nobody_gives)

    async with TestChat(agent) as chat:
        turn = await chat.send("hello")
        assert (turn.end, error_of(turn)) == ("failed", "agent_error")


async def test_a_chat_whose_log_cannot_be_read_is_unavailable_and_no_other_is_harmed():
    async with TestChat(ANSWER) as chat:
        garbage = NewEvent("user.1", b'{"type":"user"}', "evt_garbage")
        stored: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        chat.node.store.append(Append("spoilt", 0, (garbage,)), stored.set_result)
        await stored
        for _ in range(2):
            with pytest.raises(Refused, match=r"^unavailable"):
                await chat.submit(OpenChat(**{**chat._base(), "user_chat_id": "spoilt"}))
            with pytest.raises(Refused, match=r"^unavailable"):
                await chat.node.service.load("spoilt")
        assert (await chat.send("hello")).answer == "done"


async def test_a_command_that_cannot_be_carried_out_is_answered_and_its_chat_goes_on():
    class Broken:
        """Read models that fail twice: on the state in memory, and on the log's."""

        def __init__(self, inner):
            self._inner = inner
            self.faults = 2

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def changes(self, chat_id, facts, state):
            if self.faults:
                self.faults -= 1
                raise ValueError(chat_id)
            return self._inner.changes(chat_id, facts, state)

    async with TestChat(ANSWER) as chat:
        service = chat.node.service
        service._planner._rows = Broken(service._planner._rows)
        commands = [SendMessage(**chat._base(), id=f"m{n}", content="hello") for n in range(2)]
        spoilt, fine = map(service.submit, commands)
        with pytest.raises(ValueError, match=chat.chat_id):
            await spoilt
        assert (await fine).position == 2
        assert (await chat.send("again")).answer == "done"


async def test_a_state_that_was_changed_in_memory_is_read_anew_and_its_turn_ends():
    """Code of the operator's gets the state of a chat, and may change what it should not."""

    class Spoiling:
        async def context(self, _, state, intent):
            intent.slots["when"] = object()
            state.sessions.clear()

    async with TestChat(ANSWER, context=Spoiling()) as chat:
        assert [(await chat.send(text)).answer for text in ("hello", "again")] == ["done"] * 2
        state = await chat.state()
        assert state == await chat.node.service.state_at(chat.chat_id, state.position)


async def test_options_may_be_given_in_any_plain_form():
    given = ["s", ("m", "medium"), {"value": "l", "label": "large"}]
    async with TestChat(scripted([Buttons("Size?", given)], [Response("ok")])) as chat:
        turn = await chat.send("hello")
        shown = next(fact for fact in turn.facts if isinstance(fact, ComponentShown))
        assert [(one.value, one.label) for one in shown.options] == [
            ("s", "s"),
            ("m", "medium"),
            ("l", "large"),
        ]
        assert (await chat.answer({"value": "l"})).answer == "ok"
    with pytest.raises(TypeError):
        Buttons("Size?", [5])


async def test_an_agent_knows_the_time():
    async def agent(turn):
        yield Response(turn.now.isoformat())

    async with TestChat(agent, clock=FakeClock(1_700_000_000_000)) as chat:
        assert (await chat.send("time?")).answer == "2023-11-14T22:13:20+00:00"


async def test_a_reader_never_gets_what_an_erasure_of_the_same_commit_erased():
    engine = FaultyEngine()
    async with TestChat(scripted([]), engine=engine) as chat:
        seen: list[bytes] = []

        async def read() -> None:
            async for frames in chat.node.service.feed(chat.chat_id).follow(0):
                seen.extend(frame.data for frame in frames)

        reader = asyncio.create_task(read())
        await wait_for(lambda: len(seen) == 1)
        engine.gate.clear()
        chat.node.service.submit(SendMessage(**chat._base(), id="m0", content="first"))
        await wait_for(lambda: chat.node.store.depth > 0)
        sent = chat.node.service.submit(SendMessage(**chat._base(), id="m1", content="sesame"))
        erased = chat.node.service.submit(EraseChat(**chat._base()))
        engine.gate.set()
        await asyncio.gather(sent, erased)
        await wait_for(lambda: b'"status":"erased"' in seen[-1])
        assert not any(b"sesame" in frame for frame in seen)
        stored = [row.body for row in await chat.node.store.read(chat.chat_id, 0, 100)]
        assert all(b'"erased":true' in body for body in stored[:-1])
        reader.cancel()


async def test_a_new_attempt_runs_only_once_the_log_has_it():
    engine = FaultyEngine()
    ran: list[int] = []

    async def agent(turn):
        ran.append(turn.attempt)
        await asyncio.sleep(60 if turn.attempt == 1 else 0)
        yield Response("done", is_complete=True)

    async with TestChat(agent, engine=engine) as chat:
        waiting = asyncio.create_task(chat.send("hello", id="m1"))
        await wait_for(lambda: ran == [1])
        await chat.node._append(Append(chat.chat_id, 0, ()))  # what was decided is stored
        engine.gate.clear()
        chat.node.runner.stop_runs()  # as where the lease was lost: what runs is left alone
        chat.node.runner.recover([Work(chat.chat_id, "m1", 1, handed_over=False)])
        await wait_for(lambda: chat.node.store.depth == 1)
        await asyncio.sleep(0.05)
        assert ran == [1]
        engine.gate.set()
        assert (await waiting).answer == "done"
        assert ran == [1, 2]
