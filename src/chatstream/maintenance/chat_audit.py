"""Whether the stored events of a chat can be what a server stored.

A log can be written by hand, damaged, or come from a stranger. An event is sent to clients as its
stored bytes, with the chat's id and the position put before them, and its ids end up in paths,
rows and terminals. ``chatstream import`` refuses what is found here, ``chatstream verify``
tells it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

import msgspec
from msgspec import UNSET, Struct, UnsetType

from chatstream.domain.events import (
    AnyFact,
    ChatChanged,
    ComponentShown,
    ComponentSubmitted,
    ContextBrought,
    ErrorRaised,
    IntentChanged,
    PartialStored,
    ResponseGiven,
    SessionChanged,
    ThinkingAdded,
    ToolCalled,
    ToolReturned,
    TurnChanged,
    UserMessageAdded,
)
from chatstream.errors import Refused
from chatstream.ids import ChatId, is_id
from chatstream.protocol.content import has_escaped_nul, refuse_unstorable, too_deep
from chatstream.security.claims import is_user_id
from chatstream.timestamps import to_ms, to_text

LARGEST_EVENT_BYTES: Final = 32 * 1024 * 1024
"""An answer has at most 4 Mi characters, of up to six bytes each as JSON."""
DEEPEST_EVENT: Final = 128
"""Objects and arrays inside one another. A client's own are 32 at most; an agent's data may be
deeper, and a reader that recurses ends at about a thousand."""
MOST_PROBLEMS: Final = 20
"""So many of one chat are told."""


class _Reserved(Struct):
    """What a frame gets from where it is stored, and so cannot bring along."""

    user_chat_id: msgspec.Raw | UnsetType = UNSET
    position: msgspec.Raw | UnsetType = UNSET


_reserved = msgspec.json.Decoder(_Reserved)


def bad_chat_id(chat_id: ChatId) -> Iterator[str]:
    """The problem with the id itself, if there is one."""
    if not is_id(chat_id):
        yield f"{_cut(chat_id)} is no id of a chat"


class ChatAudit:
    """Follows the events of one chat, from the first one on, in order."""

    def __init__(self) -> None:
        self._position = 0
        """Of the newest event that was looked at."""
        self._user_id = ""
        """Whose chat it is: that of its first event."""
        self._event_ids: set[str] = set()
        self._status = "none"
        """``opened``, ``closed`` or ``erased``, as by the newest ``chat`` event."""
        self._turn: str | None = None
        """What caused the turn that runs."""
        self._attempt = 0
        self._sessions: dict[str, str] = {}
        """The status of each session, by its id."""
        self._answers: dict[str, int] = {}
        """The characters that partials hold of each answer, by its message's id."""
        self._components: set[str] = set()

    def problems(
        self, position: int, topic: str, body: bytes, fact: AnyFact | None
    ) -> Iterator[str]:
        """What is wrong with the next event, each problem with its position.

        Args:
            position: where the event stands.
            topic: the kind of the event as stored.
            body: the event as stored.
            fact: what ``body`` says; None if the topic is not known.
        """
        for problem in self._all(position, topic, body, fact):
            yield f"position {position}: {problem}"
        self._position = position

    def _all(self, position: int, topic: str, body: bytes, fact: AnyFact | None) -> Iterator[str]:
        if position != self._position + 1:
            yield f"it follows {self._position}"
        yield from _form(body)
        if fact is None:
            yield f"its topic {_cut(topic)} is not known to this version"
            return
        yield from self._common_fields(fact)
        yield from self._order(fact, is_erased=body.partition(b"\n")[0].endswith(b'"erased":true}'))

    def _common_fields(self, fact: AnyFact) -> Iterator[str]:
        if fact.event_id in self._event_ids:
            yield f"the event_id {_cut(fact.event_id)} stands twice"
        self._event_ids.add(fact.event_id)
        if not _is_time(fact.timestamp):
            yield f"the timestamp {_cut(fact.timestamp)} is none"
        yield from _bad_ids(fact)
        self._user_id = self._user_id or fact.user_id
        if not is_user_id(fact.user_id):
            yield f"the user_id {_cut(fact.user_id)} is none"
        elif fact.user_id != self._user_id:
            yield f"it is of the user {_cut(fact.user_id)}, the chat of {_cut(self._user_id)}"

    # ------------------------------------------------------------- what may follow upon what

    def _order(self, fact: AnyFact, *, is_erased: bool) -> Iterator[str]:
        if self._status != "opened" and not isinstance(fact, ChatChanged):
            yield "the chat is not open"
        match fact:
            case ChatChanged():
                yield from self._chat(fact)
            case TurnChanged():
                yield from self._turn_changed(fact)
            case SessionChanged():
                yield from self._session(fact)
            case PartialStored() if not is_erased:
                yield from self._partial(fact)
            case ComponentShown():
                self._components.add(fact.component_id)
            case ComponentSubmitted():
                if fact.component_id not in self._components:
                    yield "it answers a component that was not shown"
            case (
                ContextBrought()
                | ErrorRaised()
                | IntentChanged()
                | PartialStored()
                | ResponseGiven()
                | ThinkingAdded()
                | ToolCalled()
                | ToolReturned()
                | UserMessageAdded()
            ):
                pass
            case _:  # pragma: no cover
                assert_never(fact)

    def _chat(self, fact: ChatChanged) -> Iterator[str]:
        before = {"opened": {"none"}, "closed": {"opened"}, "erased": {"opened", "closed"}}
        if self._status not in before[fact.status]:
            yield f"the chat is {fact.status}, and was {self._status} before"
        self._status = fact.status

    def _turn_changed(self, fact: TurnChanged) -> Iterator[str]:
        if fact.status == "started":
            if self._turn is not None:
                yield "a turn starts while another one runs"
            self._turn, self._attempt = fact.caused_by or "", 0
        elif self._turn != fact.caused_by:
            yield f"a turn is {fact.status} that does not run"
        if fact.status in {"started", "restarted"}:
            self._attempt += 1
        else:
            self._turn = None
        if fact.attempt != self._attempt:
            yield f"it is of attempt {fact.attempt}, and {self._attempt} runs"

    def _session(self, fact: SessionChanged) -> Iterator[str]:
        session_id = fact.session_id or ""
        before = self._sessions.get(session_id)
        if before != (None if fact.status == "started" else "started"):
            yield f"a session is {fact.status}, and was {before or 'none'} before"
        self._sessions[session_id] = fact.status

    def _partial(self, fact: PartialStored) -> Iterator[str]:
        message_id = fact.message_id or ""
        held = self._answers.get(message_id, 0)
        if fact.offset != held:
            yield f"a part of an answer begins at {fact.offset}, and {held} are there"
        self._answers[message_id] = fact.offset + len(fact.text)


def _form(body: bytes) -> Iterator[str]:
    """What is wrong with the bytes, whatever they say."""
    if len(body) > LARGEST_EVENT_BYTES:
        yield f"it has more than {LARGEST_EVENT_BYTES} bytes"
    frame, _, hidden = body.partition(b"\n")
    if too_deep(frame, DEEPEST_EVENT) or too_deep(hidden, DEEPEST_EVENT):
        yield f"it is nested more than {DEEPEST_EVENT} deep"
    elif has_escaped_nul(body):
        yield from _unstorable(frame, hidden)
    if not (frame.startswith(b'{"') and frame.endswith(b"}")):
        yield "it is not stored as one JSON object"
        return
    said = _reserved.decode(frame)
    if said.user_chat_id is not UNSET or said.position is not UNSET:
        yield "it brings the id of a chat, or a position, along"


def _unstorable(*documents: bytes) -> Iterator[str]:
    try:
        for document in filter(None, documents):
            refuse_unstorable(msgspec.json.decode(document), -DEEPEST_EVENT)
    except Refused:
        yield "a text holds NUL"


def _bad_ids(fact: AnyFact) -> Iterator[str]:
    ids = {
        "event_id": fact.event_id,
        "user_intent_id": fact.user_intent_id,
        "session_id": fact.session_id,
        "socket_connection_id": fact.socket_connection_id,
        "message_id": fact.message_id,
        "caused_by": fact.caused_by,
    }
    for name, text in ids.items():
        if text is not None and not is_id(text):
            yield f"the {name} {_cut(text)} is no id"


def _is_time(text: str) -> bool:
    """Whether ``text`` is a moment, written as the server writes one."""
    try:
        return to_text(to_ms(text)) == text
    except (ValueError, OverflowError, OSError):
        return False


def _cut(text: str, characters: int = 80) -> str:
    return repr(text if len(text) <= characters else f"{text[:characters]}…")
