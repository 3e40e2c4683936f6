"""The log as an application of the eventsourcing library: for replay, and for its users.

``ChatLog`` has the library's whole face (``events``, ``recorder``, ``notification_log``) over
the server's database, with our facts as its domain events. It may read beside the server;
it may write only where no server runs. The server does not import this module.
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
from chatstream.domain.user_chat.evolution import fold
from chatstream.domain.user_chat.state import UserChat
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
    """The chats in one SQLite file, or in the database that a ``postgresql://`` URL names. Use
    as a context manager, or ``close`` it."""

    name = "stored"  # what the library calls the table by: ``stored_events``

    def __init__(self, database: str | Path) -> None:
        engine = _postgres if str(database).startswith(("postgres:", "postgresql:")) else _sqlite
        super().__init__({"ORIGINATOR_ID_TYPE": "text", **engine(str(database))})

    def construct_mapper(self) -> Mapper[str]:
        return FactMapper(self.construct_transcoder())

    def facts(self, chat_id: ChatId, upto: int | None = None) -> Iterator[Recorded]:
        """The chat's facts in order, up to position ``upto``."""
        for event in self.events.get(chat_id, lte=upto):
            yield cast("Recorded", event)

    def chat(self, chat_id: ChatId, at: int | None = None) -> UserChat:
        """The chat as it was at position ``at``, or as it is."""
        return fold(recorded.fact for recorded in self.facts(chat_id, at))


def _sqlite(path: str) -> dict[str, str]:
    return {
        "PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "APPLICATION_RECORDER_TOPIC": "chatstream.eventstore.sqlite.recorder:LogRecorder",
        "SQLITE_DBNAME": path,
    }


def _postgres(url: str) -> dict[str, str]:
    """The library has no setting for TLS and the like: those are taken from libpq's own
    ``PG…`` variables."""
    from psycopg.conninfo import conninfo_to_dict

    given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "APPLICATION_RECORDER_TOPIC": (
            "chatstream.eventstore.postgres.recorder:PostgresLogRecorder"
        ),
        "POSTGRES_DBNAME": given.get("dbname", ""),
        "POSTGRES_HOST": given.get("host", ""),
        "POSTGRES_PORT": given.get("port", "5432"),
        "POSTGRES_USER": given.get("user", ""),
        "POSTGRES_PASSWORD": given.get("password", ""),
        "POSTGRES_CONNECT_TIMEOUT": "5",
        "POSTGRES_LOCK_TIMEOUT": "5",
        "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "5",
    }
