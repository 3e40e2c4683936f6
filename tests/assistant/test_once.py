"""What a person agreed to once is done once: the assistant's tools over stops, faults, crashes."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from tests.assistant.dialogue import Dialogue

from chatstream.assistant.orchestrator import assistant_from_tools
from chatstream.assistant.tools import tool
from chatstream.domain.events import ToolCalled
from chatstream.domain.steps import Response, ToolCall
from chatstream.testing import TestChat

YES_ID = "00000000-0000-7000-8000-000000000002"


class Bank:
    """A transfer that may be slow or break, and an assistant that may be slow to say so."""

    def __init__(self, *, confirm: bool = True, idempotent: bool = False) -> None:
        self.paid: list[int] = []
        self.breaks = False
        self.is_paying, self.may_pay = asyncio.Event(), asyncio.Event()
        self.is_answering, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_pay.set()
        self.may_answer.set()

        @tool(
            examples=["pay {amount: 50}", "transfer money", "send {amount: 20} to my landlord"],
            confirm=confirm,
            idempotent=idempotent,
            timeout_s=0.2,
        )
        async def pay(amount: int) -> str:
            """Pay the rent."""
            self.paid.append(amount)
            self.is_paying.set()
            await self.may_pay.wait()
            if self.breaks:
                raise RuntimeError
            return f"{amount} paid."

        self._assistant = assistant_from_tools([pay])

    async def agent(self, turn):
        async with aclosing(self._assistant(turn)) as steps:
            answer = None
            while True:
                try:
                    step = await steps.asend(answer)
                except StopAsyncIteration:
                    return
                if isinstance(step, Response):
                    self.is_answering.set()
                    await self.may_answer.wait()
                answer = yield step

    async def stop_before_the_answer(self, chat: TestChat, said: str) -> None:
        await self._stopped(chat, said, self.is_answering, self.may_answer)

    async def stop_the_payment(self, chat: TestChat, said: str) -> None:
        await self._stopped(chat, said, self.is_paying, self.may_pay)

    async def _stopped(self, chat, said, when: asyncio.Event, gate: asyncio.Event) -> None:
        when.clear()
        gate.clear()
        sending = asyncio.create_task(chat.send(said, id=YES_ID))
        await asyncio.wait_for(when.wait(), 5)
        await chat.cancel()
        assert (await sending).end == "cancelled"
        gate.set()

    async def fail(self, chat: TestChat, said: str) -> None:
        self.breaks = True
        assert (await chat.send(said, id=YES_ID)).end == "failed"
        self.breaks = False

    async def time_out(self, chat: TestChat, said: str) -> None:
        self.may_pay.clear()
        assert (await chat.send(said, id=YES_ID)).end == "failed"
        self.may_pay.set()


async def retry(chat: TestChat):
    return await chat.retry(YES_ID)


async def yes_again(chat: TestChat):
    return await chat.send("yes")


AGAIN = [retry, yes_again]


@pytest.mark.parametrize("again", AGAIN)
@pytest.mark.parametrize("idempotent", [False, True])
async def test_one_yes_pays_once_when_the_answer_was_stopped(idempotent, again):
    bank = Bank(idempotent=idempotent)
    async with TestChat(bank.agent) as chat:
        assert (await chat.send("pay 50")).end == "needs_input"
        await bank.stop_before_the_answer(chat, "yes")
        turn = await again(chat)
    assert bank.paid == [50]
    assert turn.answer.endswith("50 paid.")
    assert turn.end == "finished"


@pytest.mark.parametrize("again", AGAIN)
async def test_the_same_where_no_yes_was_needed(again):
    bank = Bank(confirm=False)
    async with TestChat(bank.agent) as chat:
        await bank.stop_before_the_answer(chat, "pay 50")
        turn = await again(chat)
    assert bank.paid == [50]
    assert turn.answer.endswith("50 paid.")


@pytest.mark.parametrize("again", AGAIN)
@pytest.mark.parametrize("broken_off", [Bank.stop_the_payment, Bank.fail, Bank.time_out])
async def test_who_may_have_paid_is_asked_before_it_is_paid_again(broken_off, again):
    bank = Bank()
    async with TestChat(bank.agent) as chat:
        await chat.send("pay 50")
        await broken_off(bank, chat, "yes")
        asked = await again(chat)
        assert asked.end == "needs_input"
        assert "shall I do that?" in asked.answer
        assert bank.paid == [50]
        done = await chat.answer({"value": "yes"})
    assert done.answer == "50 paid."
    assert bank.paid == [50, 50]


@pytest.mark.parametrize("broken_off", [Bank.stop_the_payment, Bank.time_out])
async def test_without_a_confirmation_too_where_nobody_knows(broken_off):
    bank = Bank(confirm=False)
    async with TestChat(bank.agent) as chat:
        await broken_off(bank, chat, "pay 50")
        assert (await retry(chat)).end == "needs_input"
        assert (await chat.answer({"value": "no"})).end in {"finished", "needs_input"}
    assert bank.paid == [50]


async def test_what_broke_without_a_confirmation_runs_again_when_the_user_retries():
    bank = Bank(confirm=False)
    async with TestChat(bank.agent) as chat:
        await bank.fail(chat, "pay 50")
        assert (await retry(chat)).answer == "50 paid."
    assert bank.paid == [50, 50]


@pytest.mark.parametrize("again", AGAIN)
async def test_an_idempotent_call_runs_again_under_its_id(again):
    bank = Bank(idempotent=True)
    async with TestChat(bank.agent) as chat:
        await chat.send("pay 50")
        await bank.stop_the_payment(chat, "yes")
        assert (await again(chat)).answer == "50 paid."
        calls = [fact for fact in await chat.facts() if isinstance(fact, ToolCalled)]
    assert bank.paid == [50, 50]
    assert len({call.call_id for call in calls}) == 1


async def test_a_no_after_a_stop_leaves_it_as_it_is():
    bank = Bank()
    async with TestChat(bank.agent) as chat:
        await chat.send("pay 50")
        await bank.stop_the_payment(chat, "yes")
        assert (await chat.send("no")).answer == "Then I leave it as it is."
    assert bank.paid == [50]


@pytest.mark.parametrize("said", ["yes", "no"])
async def test_a_crash_between_call_and_result_is_asked_about(said):
    bank = Bank()
    talk = Dialogue(bank.agent)
    await talk.say("pay 50")
    await talk.killed("yes", lambda step: isinstance(step, ToolCall))
    assert "cannot tell" in await talk.recover()
    assert bank.paid == []
    await talk.say(said)
    assert bank.paid == ([50] if said == "yes" else [])
    assert len({call.call_id for call in talk.calls}) == 1


async def test_other_words_after_such_a_crash_are_asked_about_under_the_same_id():
    bank = Bank()
    talk = Dialogue(bank.agent)
    await talk.say("pay 50")
    await talk.killed("yes", lambda step: isinstance(step, ToolCall))
    await talk.recover()
    assert "Shall I try that again?" in await talk.say("hm, tell me more")
    await talk.submit(value="yes")
    assert bank.paid == [50]
    assert len({call.call_id for call in talk.calls}) == 1
