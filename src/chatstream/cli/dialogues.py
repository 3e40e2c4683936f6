"""Dialogues from elsewhere become chats, with their own times.

One line a dialogue: ``{"id": .., "outcome": "completed" | "abandoned" | .., "turns": [{"speaker":
"user" | "ai" | "thinking" | "tool", "text": .., "ts"?: Unix seconds, "event"?, ..}]}``. Every
message goes through the same decisions as a live one; only the clock is the dialogue's.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any, TypedDict

from msgspec import Struct

from chatstream.domain.commands import (
    AbandonIdleIntent,
    AnyCommand,
    FinishTurn,
    OpenChat,
    RecordSteps,
    SendMessage,
)
from chatstream.domain.steps import Response, Step, Thinking, ToolCall, ToolResult
from chatstream.domain.user_chat import decide
from chatstream.domain.user_chat.evolution import INITIAL
from chatstream.domain.user_chat.state import UserChat
from chatstream.errors import Refused
from chatstream.eventstore.mapper import decode, encode
from chatstream.eventstore.store import Append, Engine, Stored
from chatstream.ids import ChatId
from chatstream.maintenance.export import CheckedEvent, ImportFailed, decode_line, refuse_unsound
from chatstream.projections.models import ReadModels

FIRST_MS = 1_577_836_800_000  # 2020-01-01, for dialogues without times
PACE_MS = 5_000  # between two turns without times: the median of real ones is 8 s


class DialogueTurn(Struct, frozen=True):
    """One line of a dialogue."""

    speaker: str
    text: str = ""
    ts: float | None = None
    event: str | None = None
    intent: str | None = None
    slots: dict[str, Any] | None = None
    result: Any = None


class Dialogue(Struct, frozen=True):
    """A recorded conversation and how it ended."""

    id: str
    turns: list[DialogueTurn]
    outcome: str = "unknown"


class _Base(TypedDict):
    user_chat_id: ChatId
    user_id: str
    now_ms: int
    nonce: str


class _Scribe:
    """Decides commands on one chat in memory and collects what is to be stored."""

    def __init__(self, chat_id: ChatId, user_id: str, models: ReadModels) -> None:
        self.state: UserChat = INITIAL
        self.appends: list[Append] = []
        self.now_ms = FIRST_MS
        self._chat_id = chat_id
        self._user_id = user_id
        self._models = models
        self._made = 0

    def base(self) -> _Base:
        """The fields of the next command; its random bits are a hash, so that importing a
        file twice gives the same ids."""
        return _Base(
            user_chat_id=self._chat_id,
            user_id=self._user_id,
            now_ms=self.now_ms,
            nonce=self.next_id(),
        )

    def next_id(self) -> str:
        """An id that follows from the chat's and the number of ids made before."""
        self._made += 1
        seed = f"{self._chat_id}/{self._made}".encode()
        return urlsafe_b64encode(hashlib.blake2b(seed, digest_size=12).digest()).decode()

    def do(self, command: AnyCommand) -> None:
        """Decide ``command`` and note what it stores."""
        before = self.state.position
        decision = decide(command, self.state)
        events = tuple(encode(fact) for fact in decision.facts)
        changes = self._models.changes(self._chat_id, decision.facts, decision.state)
        self.state = decision.state
        if events:
            self.appends.append(Append(self._chat_id, before, events, changes))

    def step(self, step: Step) -> None:
        """Store a step of the running turn; without one it cannot be placed."""
        turn = self.state.turn
        if turn is not None:
            self.do(
                RecordSteps(
                    **self.base(),
                    caused_by=turn.caused_by,
                    attempt=turn.attempt,
                    steps=(step,),
                    message_id=f"msg_{self.next_id()}",
                )
            )

    def finish(self) -> None:
        """End the running turn, if there is one."""
        turn = self.state.turn
        if turn is not None:
            self.do(
                FinishTurn(
                    **self.base(),
                    caused_by=turn.caused_by,
                    attempt=turn.attempt,
                    message_id=f"msg_{self.next_id()}",
                )
            )


def import_dialogue(
    engine: Engine, models: ReadModels, line: bytes, user_id: str, abandon_after_ms: int
) -> int:
    """Store the dialogue in ``line`` as a chat of ``user_id``; gives the number of its events.

    Raises:
        ImportFailed: no such line, it holds what cannot be stored, or the chat is there already.
    """
    dialogue = decode_line(line, Dialogue, "a dialogue")
    try:
        appends = dialogue_appends(dialogue, models, user_id, abandon_after_ms)
    except (ArithmeticError, OSError, Refused, ValueError) as error:  # times beyond the calendar
        raise ImportFailed(f"not a dialogue that can be stored: {error}") from error
    refuse_unsound(chat_id_of(dialogue), _checked(appends))
    for append in appends:
        if not isinstance(outcome := engine.write([append])[0], Stored):
            raise ImportFailed(f"dialogue {dialogue.id!r} is there already: {outcome}")
    return sum(len(append.events) for append in appends)


def _checked(appends: list[Append]) -> list[CheckedEvent]:
    events = [event for append in appends for event in append.events]
    return [(event, decode(event.topic, event.body)) for event in events]


def dialogue_appends(
    dialogue: Dialogue, models: ReadModels, user_id: str, abandon_after_ms: int
) -> list[Append]:
    """What storing ``dialogue`` takes, in order; the same for the same dialogue."""
    scribe = _Scribe(chat_id_of(dialogue), user_id, models)
    completing = set(_completing(dialogue))
    for index, turn in enumerate(dialogue.turns):
        scribe.now_ms = _time_of(turn, scribe.now_ms)
        if not scribe.appends:
            scribe.do(OpenChat(**scribe.base()))
        _tell(scribe, turn, is_complete=index in completing)
    if not dialogue.turns:
        scribe.do(OpenChat(**scribe.base()))
    scribe.finish()
    _leave(scribe, abandon_after_ms)
    return scribe.appends


def chat_id_of(dialogue: Dialogue) -> ChatId:
    """The id of the chat that ``dialogue`` becomes."""
    return ChatId(re.sub(r"[^A-Za-z0-9_-]", "-", dialogue.id)[:64])


def _time_of(turn: DialogueTurn, before_ms: int) -> int:
    """Its own time, never before the turn that came before it."""
    own_ms = before_ms + PACE_MS if turn.ts is None else round(turn.ts * 1000)
    return max(own_ms, before_ms if before_ms > FIRST_MS else own_ms)


def _completing(dialogue: Dialogue) -> Iterator[int]:
    """The answers that complete a task: those before a user's "done", and the last one of a
    dialogue that was completed."""
    answer: int | None = None
    for index, turn in enumerate(dialogue.turns):
        if turn.speaker == "ai":
            answer = index
        elif turn.event == "complete" and answer is not None:
            yield answer
    if dialogue.outcome == "completed" and answer is not None:
        yield answer


def _tell(scribe: _Scribe, turn: DialogueTurn, *, is_complete: bool) -> None:
    if turn.speaker == "user":
        if turn.event == "complete":
            return
        scribe.finish()
        command_id = f"msg_{scribe.next_id()}"
        scribe.do(SendMessage(**scribe.base(), id=command_id, content=turn.text))
    elif turn.speaker == "ai":
        scribe.step(Response(turn.text, is_complete=is_complete))
    elif turn.speaker == "thinking":
        scribe.step(Thinking("response_generation", turn.text))
    elif turn.event == "call":
        scribe.step(_call(scribe, turn))
    else:
        scribe.step(ToolResult(_last_call(scribe), ok=True, result=turn.result))


def _call(scribe: _Scribe, turn: DialogueTurn) -> ToolCall:
    running = scribe.state.turn
    number = 0 if running is None else len(running.calls)
    return ToolCall(turn.intent or "tool", turn.slots or {}, f"call-{number}", visible=True)


def _last_call(scribe: _Scribe) -> str:
    running = scribe.state.turn
    return running.calls[-1].call_id if running is not None and running.calls else "call-0"


def _leave(scribe: _Scribe, abandon_after_ms: int) -> None:
    """What the timer would have done to a task that nobody came back to."""
    active = scribe.state.active_intent_id
    if active is not None:
        idle_before_ms = scribe.now_ms
        scribe.now_ms += abandon_after_ms
        scribe.do(
            AbandonIdleIntent(**scribe.base(), user_intent_id=active, idle_before_ms=idle_before_ms)
        )
