"""The log as an application of the eventsourcing library: for replay, and for its users.

``ChatLog`` has the library's whole face (``events``, ``recorder``, ``notification_log``) over
the server's SQLite file, with our facts as its domain events. It may read beside the server;
it may write only to a file that no server has open. The server does not import this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent
from msgspec import Struct

from chatstream.domain.events import AnyFact
from chatstream.domain.evolve import fold
from chatstream.domain.state import UserChat
from chatstream.eventstore.mapper import decode, encode
from chatstream.ids import ChatId


class Recorded(Struct, frozen=True):
    """A fact at its place, under the library's names: chat id and position. ``fact`` is None
    where a newer version of chatstream wrote one that this version does not know."""

    originator_id: str
    originator_version: int
    fact: AnyFact | None


class FactMapper(Mapper[str]):
    """The library's mapper for our stored forms; it takes ``Recorded`` and gives them."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        fact = cast("Recorded", domain_event).fact
        if fact is None:
            raise ValueError("a fact that is not known cannot be stored")
        event = encode(fact)
        return StoredEvent(
            domain_event.originator_id, domain_event.originator_version, event.topic, event.body
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        return Recorded(
            str(stored_event.originator_id),
            stored_event.originator_version,
            decode(stored_event.topic, stored_event.state),
        )


class ChatLog(Application[str]):
    """The chats in one SQLite file. Use as a context manager, or ``close`` it."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(
            {
                "PERSISTENCE_MODULE": "eventsourcing.sqlite",
                "APPLICATION_RECORDER_TOPIC": "chatstream.eventstore.recorder:LogRecorder",
                "ORIGINATOR_ID_TYPE": "text",
                "SQLITE_DBNAME": str(path),
            }
        )

    def construct_mapper(self) -> Mapper[str]:
        return FactMapper(self.construct_transcoder())

    def facts(self, chat_id: ChatId, upto: int | None = None) -> Iterator[Recorded]:
        """The chat's facts in order, up to position ``upto``."""
        for event in self.events.get(chat_id, lte=upto):
            yield cast("Recorded", event)

    def chat(self, chat_id: ChatId, at: int | None = None) -> UserChat:
        """The chat as it was at position ``at``, or as it is."""
        return fold(recorded.fact for recorded in self.facts(chat_id, at))
