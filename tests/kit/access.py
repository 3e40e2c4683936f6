"""Who may do what: the verbs by transport, the roles, and what each gets. `table` is the page's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

from msgspec import Struct
from tests.kit.tokens import new_id

Role = Literal["owner", "another", "admin", "nobody"]
Effect = Literal["read", "write", "erase", "make"]

ROLES: Final[dict[Role, str]] = {
    "owner": "owner",
    "another": "another user",
    "admin": "admin",
    "nobody": "no token, or an expired, forged or unsigned one",
}
GETS: Final[dict[Effect, dict[Role, str]]] = {
    "read": {"owner": "yes", "another": "`not_found`", "admin": "yes"},
    "write": {"owner": "yes", "another": "`not_found`", "admin": "`not_found`"},
    "erase": {"owner": "yes", "another": "`not_found`", "admin": "yes"},
    # What is missing is made; what is another's is as if it could not be.
    "make": {"owner": "yes", "another": "`not_found`", "admin": "`not_found`"},
}
NOBODY_GETS: Final = {"socket": "closed with 4401", "HTTP": "`unauthenticated`"}


class Things(Struct, frozen=True):
    """What a verb is done to: somebody's own things, or ids of nothing at all."""

    user_id: str
    chat: str
    intent: str
    session: str
    component: str
    message: str

    @classmethod
    def missing(cls) -> Things:
        """Well-formed ids that name nothing."""
        return cls(*(new_id("none") for _ in cls.__struct_fields__))


class Verb(Struct, frozen=True):
    """One thing to ask for. In `ask` and `body` a `{name}` stands for an id of the things."""

    ask: str
    effect: Effect
    body: dict[str, Any] | None = None
    accept: str = "application/json"

    @property
    def transport(self) -> str:
        """How it is asked for."""
        return "HTTP" if " " in self.ask else "socket"

    @property
    def shown(self) -> str:
        """For people."""
        stream = ", as a stream" if "stream" in self.accept else ""
        return f"`{self.ask}`{stream}"

    def of(self, things: Things) -> tuple[str, dict[str, Any] | None]:
        """What to ask for, and its body, for these things."""
        ids = {name: getattr(things, name) for name in things.__struct_fields__}
        body = None if self.body is None else {k: _filled(v, ids) for k, v in self.body.items()}
        return _filled(self.ask, ids), body

    def gets(self, role: Role) -> str:
        """What a role gets for things of the owner."""
        return GETS[self.effect].get(role) or NOBODY_GETS[self.transport]


def _filled(value: Any, ids: dict[str, str]) -> Any:
    return value.format_map(ids) if isinstance(value, str) else value


VERBS: Final = (
    Verb("open", "make", {"user_chat_id": "{chat}"}),
    Verb("send", "write", {"user_chat_id": "{chat}", "content": "echo hi"}),
    Verb(
        "submit",
        "write",
        {"user_chat_id": "{chat}", "component_id": "{component}", "values": {"value": "red"}},
    ),
    Verb("cancel", "write", {"user_chat_id": "{chat}"}),
    Verb("retry", "write", {"user_chat_id": "{chat}", "message_id": "{message}"}),
    Verb("resume", "write", {"user_chat_id": "{chat}", "user_intent_id": "{intent}"}),
    Verb("abandon", "write", {"user_chat_id": "{chat}", "user_intent_id": "{intent}"}),
    Verb("close", "write", {"user_chat_id": "{chat}"}),
    Verb("GET /chats/{chat}", "read"),
    Verb("GET /chats/{chat}?at=1", "read"),
    Verb("GET /chats/{chat}/events", "read"),
    Verb("GET /chats/{chat}/events", "read", accept="text/event-stream"),
    Verb("GET /chats/{chat}/history", "read"),
    Verb("GET /chats?user_id={user_id}", "read"),
    Verb("GET /intents?user_id={user_id}", "read"),
    Verb("GET /sessions?user_id={user_id}", "read"),
    Verb("GET /connections?user_id={user_id}", "read"),
    Verb("POST /chats", "make", {"user_chat_id": "{chat}"}),
    Verb("POST /chats/{chat}/messages", "write", {"content": "echo hi"}),
    Verb("POST /chats/{chat}/components/{component}", "write", {"values": {"value": "red"}}),
    Verb("POST /chats/{chat}/cancel", "write", {}),
    Verb("POST /chats/{chat}/retry", "write", {"message_id": "{message}"}),
    Verb("POST /chats/{chat}/close", "write", {}),
    Verb("POST /intents/{intent}/resume", "write", {}),
    Verb("POST /intents/{intent}/abandon", "write", {}),
    Verb("DELETE /sessions/{session}", "write"),
    Verb("DELETE /chats/{chat}", "erase"),
    Verb("DELETE /users/{user_id}", "erase"),
)


def table() -> str:
    """The page's table."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield f"| verb | {' | '.join(ROLES.values())} |"
    yield "|---" * (1 + len(ROLES)) + "|"
    for verb in VERBS:
        yield f"| {verb.shown} | {' | '.join(verb.gets(role) for role in ROLES)} |"
