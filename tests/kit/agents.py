"""The agent of the conformance suite: a message's content is the script of its turn.

A script is steps joined by ` ; `, each a verb and its words: `think plan ; piece Hel ; echo Hello`.
Content that begins with no known verb is echoed as it is. The `values` of a submitted form may
hold a `script`; otherwise they are answered as JSON. `first STEP` and `later STEP` are for the
first attempt and for those after it. `wait NAME` waits until the test opens that gate.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from tests.kit.forms import FORM_SCHEMA

from chatstream import (
    Abandon,
    Buttons,
    CancelReminder,
    Component,
    Fail,
    FollowUp,
    Form,
    IntentRecognised,
    NewIntent,
    Option,
    Remind,
    Response,
    SlotsSet,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)

GATES = Path(os.environ.get("PROTOCOL_TEST_GATES", "."))
OPTIONS = (Option("red", "Red"), Option("blue", "Blue"))
Steps = AsyncGenerator[Any, Any]


async def agent(turn: Turn) -> Steps:
    """Run the script that the message is."""
    script = turn.content if turn.component_id is None else script_of(turn)
    for line in script.split(" ; "):
        steps = run(turn, line, script)
        answer: Any = None
        while True:
            try:
                step = await steps.asend(answer)
            except StopAsyncIteration:
                break
            answer = yield step


def script_of(turn: Turn) -> str:
    """What a submitted component asks for."""
    values = turn.values or {}
    return str(values.get("script") or "submitted")


async def run(turn: Turn, line: str, whole: str) -> Steps:
    """One line of a script."""
    verb, _, rest = line.partition(" ")
    if verb in ("first", "later"):
        if (turn.attempt == 1) == (verb == "first"):
            verb, _, rest = rest.partition(" ")
        else:
            return
    steps = VERBS.get(verb, lambda _turn, _rest: echo(turn, whole))(turn, rest)
    answer: Any = None
    while True:
        try:
            step = await steps.asend(answer)
        except StopAsyncIteration:
            return
        answer = yield step


async def echo(_turn: Turn, rest: str) -> Steps:
    yield Response(rest)


async def complete(_turn: Turn, rest: str) -> Steps:
    yield Response(rest, is_complete=True)


async def nothing(_turn: Turn, _rest: str) -> Steps:
    for step in ():
        yield step


async def submitted(turn: Turn, _rest: str) -> Steps:
    yield Response(json.dumps({"content": turn.content, "values": turn.values}))


async def stream(_turn: Turn, rest: str) -> Steps:
    """`stream COUNT SECONDS`: so many pieces, that far apart."""
    count, pause = rest.split()
    for number in range(int(count)):
        yield f"w{number} "
        await asyncio.sleep(float(pause))


async def piece(_turn: Turn, rest: str) -> Steps:
    yield rest


async def answer(_turn: Turn, rest: str) -> Steps:
    """`answer`: what was streamed; `answer complete`: and the intent is done."""
    yield Response(is_complete=rest == "complete")


async def think(_turn: Turn, rest: str) -> Steps:
    """`think STEP [STATUS]`."""
    step, _, status = rest.partition(" ")
    yield Thinking(step, f"about {step}", status or "completed")


async def think_richly(_turn: Turn, _rest: str) -> Steps:
    yield Thinking(
        "intent_processing", "second try", "started", attempt=2, data={"model": "small", "n": 1}
    )


async def wait(_turn: Turn, rest: str) -> Steps:
    while not (GATES / rest).exists():  # noqa: ASYNC110 (the test opens it)
        await asyncio.sleep(0.01)
    for step in ():
        yield step


async def sleep(_turn: Turn, rest: str) -> Steps:
    await asyncio.sleep(float(rest))
    for step in ():
        yield step


async def mark(_turn: Turn, rest: str) -> Steps:
    make_mark(rest)
    for step in ():
        yield step


def make_mark(name: str) -> None:
    """Leave a trace outside of the server that a test can count."""
    with (GATES / f"{name}.marks").open("a") as file:
        file.write("x\n")


async def fail_unless(_turn: Turn, rest: str) -> Steps:
    """`fail_unless NAME`: fails until the gate is open."""
    if not (GATES / rest).exists():
        yield Fail("not_yet", "come back later", retryable=True)


async def form(_turn: Turn, rest: str) -> Steps:
    yield Form(rest or "Where to?", FORM_SCHEMA)


async def buttons(_turn: Turn, rest: str) -> Steps:
    yield Buttons(rest or "Which colour?", OPTIONS)


async def custom(_turn: Turn, rest: str) -> Steps:
    yield Component(rest or "seat_map", title="Seats", data={"rows": [1, 2]})


async def form_for(_turn: Turn, rest: str) -> Steps:
    """`form_for SECONDS`: a form that expires so soon."""
    expires_at_ms = int((time.time() + float(rest)) * 1000)
    yield Form("Quickly", FORM_SCHEMA, expires_at_ms=expires_at_ms)


async def ask(_turn: Turn, rest: str) -> Steps:
    yield FollowUp(rest)


async def ask_form(_turn: Turn, rest: str) -> Steps:
    yield FollowUp(rest, component=Form("Where to?", FORM_SCHEMA))


async def recognise(_turn: Turn, rest: str) -> Steps:
    """`recognise NAME CONFIDENCE`."""
    name, confidence = rest.split()
    yield IntentRecognised(name, float(confidence))


async def slots(_turn: Turn, rest: str) -> Steps:
    """`slots JSON`."""
    yield SlotsSet(json.loads(rest))


async def tool(_turn: Turn, rest: str) -> Steps:
    """`tool NAME once|idempotent hidden|visible [GATE]`: marks NAME when it really runs."""
    words = rest.split()
    name, call_id = words[0], f"call_{words[0]}"
    before = yield ToolCall(
        name,
        {"secret": "argument"},
        call_id,
        idempotent=words[1] == "idempotent",
        visible=words[2] == "visible",
    )
    if before is not None:
        return
    make_mark(name)
    if len(words) > 3:
        async for step in wait(_turn, words[3]):
            yield step
    yield ToolResult(call_id, ok=True, result={"secret": "result"})


async def switch(_turn: Turn, rest: str) -> Steps:
    yield NewIntent(rest)


async def switch_back(turn: Turn, rest: str) -> Steps:
    """`switch_back NAME`: to the newest of the chat's abandoned intents."""
    yield NewIntent(rest, user_intent_id=turn.resumable[0].user_intent_id)


async def remind(turn: Turn, rest: str) -> Steps:
    """`remind SECONDS TEXT`."""
    seconds, _, text = rest.partition(" ")
    yield Remind(text, turn.now_ms + round(float(seconds) * 1000), "reminder")


async def unremind(_turn: Turn, rest: str) -> Steps:
    """`unremind [CHAT]`."""
    yield CancelReminder("reminder", rest or None)


async def give_up(_turn: Turn, rest: str) -> Steps:
    yield Abandon(rest)


async def fail(_turn: Turn, rest: str) -> Steps:
    """`fail CODE final|again MESSAGE`."""
    code, again, message = rest.split(" ", 2)
    yield Fail(code, message, retryable=again == "again")


async def raise_error(_turn: Turn, rest: str) -> Steps:
    for step in ():
        yield step
    raise RuntimeError(rest)


async def hang(_turn: Turn, _rest: str) -> Steps:
    await asyncio.Event().wait()
    for step in ():
        yield step


async def stubborn(_turn: Turn, rest: str) -> Steps:
    """Swallow the cancellation once and go on talking."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        yield Response(rest)


async def block(_turn: Turn, rest: str) -> Steps:
    time.sleep(float(rest))  # noqa: ASYNC251 (blocking the loop is the point)
    for step in ():
        yield step


async def crash(_turn: Turn, _rest: str) -> Steps:
    for step in ():
        yield step
    os._exit(13)


async def nul(_turn: Turn, _rest: str) -> Steps:
    yield Response("a\x00b")


async def surrogate(_turn: Turn, _rest: str) -> Steps:
    yield Response("a\ud800b")


async def nul_piece(_turn: Turn, _rest: str) -> Steps:
    yield "a\x00b"


async def surrogate_piece(_turn: Turn, _rest: str) -> Steps:
    yield "a\ud800b"


async def garbage(_turn: Turn, _rest: str) -> Steps:
    yield 42


async def big(_turn: Turn, rest: str) -> Steps:
    yield Response("x" * int(rest))


async def big_piece(_turn: Turn, rest: str) -> Steps:
    yield "é" * int(rest)


async def burst(_turn: Turn, rest: str) -> Steps:
    for number in range(int(rest)):
        yield Thinking("step", str(number))


async def inspect(turn: Turn, _rest: str) -> Steps:
    """Answer with what the agent was given."""
    yield Response(
        json.dumps(
            {
                "content": turn.content,
                "user_id": turn.user_id,
                "user_chat_id": turn.user_chat_id,
                "user_intent_id": turn.user_intent_id,
                "session_id": turn.session_id,
                "socket_connection_id": turn.socket_connection_id,
                "message_id": turn.message_id,
                "attempt": turn.attempt,
                "intent_name": turn.intent_name,
                "slots": dict(turn.slots),
                "history": repr(turn.history),
            }
        )
    )


VERBS: dict[str, Callable[[Turn, str], Steps]] = {
    function.__name__: function
    for function in (
        echo, complete, nothing, submitted, stream, piece, answer, think, think_richly, wait,
        sleep, mark, fail_unless, form, form_for, buttons, custom, ask, ask_form, recognise,
        slots, tool, switch, switch_back, remind, unremind, give_up, fail, raise_error, hang,
        stubborn, block, crash, nul, surrogate, nul_piece, surrogate_piece, garbage, big, big_piece,
        burst, inspect,
    )
}  # fmt: skip
