"""Given facts, when a command, then facts: a chat under test without clock or chance."""

from __future__ import annotations

from typing import Any

from chatstream.domain.commands import (
    AbandonIdleIntent,
    AbandonIntent,
    AnyCommand,
    BringContext,
    CancelTurn,
    CheckpointAnswer,
    ClearSession,
    CloseChat,
    DropReminder,
    EraseChat,
    ExpireSession,
    FailTurn,
    FinishTurn,
    OpenChat,
    RecordSteps,
    RestartTurn,
    ResumeIntent,
    RetryMessage,
    SendMessage,
    SpeakReminders,
    Streamed,
    SubmitComponent,
)
from chatstream.domain.events import AnyFact
from chatstream.domain.steps import Step
from chatstream.domain.user_chat import INITIAL, decide
from chatstream.domain.user_chat.state import UserChat
from chatstream.ids import ChatId, IntentId, SessionId, SocketId

CHAT = ChatId("chat_1")
USER = "ann"
SOCKET = SocketId("socket_1")
START_MS = 1_700_000_000_000


class Chat:
    """Decides commands one after another; time moves a second with each."""

    def __init__(self, *, opened: bool = True) -> None:
        self.state: UserChat = INITIAL
        self.log: list[AnyFact] = []
        self.now_ms = START_MS
        self._count = 0
        if opened:
            self.open()

    def base(self, user_id: str = USER) -> dict[str, Any]:
        """The fields every command has."""
        self._count += 1
        return {
            "user_chat_id": CHAT,
            "user_id": user_id,
            "now_ms": self.now_ms,
            "nonce": f"n{self._count:015d}",
        }

    def do(self, command: AnyCommand) -> tuple[AnyFact, ...]:
        """Decide ``command`` and take its facts in."""
        self.now_ms += 1000
        decision = decide(command, self.state)
        self.state = decision.state
        self.log.extend(decision.facts)
        return decision.facts

    # -- users ----------------------------------------------------------------------------

    def open(self, user_id: str = USER, *, may_make: bool = True) -> tuple[AnyFact, ...]:
        return self.do(OpenChat(**self.base(user_id), may_make=may_make))

    def send(self, id: str = "m1", content: str = "hello", **fields: Any) -> tuple[AnyFact, ...]:
        fields.setdefault("socket_connection_id", SOCKET)
        user_id = fields.pop("user_id", USER)
        return self.do(SendMessage(**self.base(user_id), id=id, content=content, **fields))

    def submit(self, component_id: str, values: Any, id: str = "s1") -> tuple[AnyFact, ...]:
        base = self.base()
        return self.do(SubmitComponent(**base, id=id, component_id=component_id, values=values))

    def cancel(
        self, id: str = "x1", turn: str | None = None, streamed: Streamed | None = None
    ) -> tuple[AnyFact, ...]:
        return self.do(CancelTurn(**self.base(), id=id, turn=turn, streamed=streamed))

    def retry(self, message_id: str, id: str = "r1") -> tuple[AnyFact, ...]:
        return self.do(RetryMessage(**self.base(), id=id, message_id=message_id))

    def resume(self, intent_id: str, id: str = "u1") -> tuple[AnyFact, ...]:
        wanted = IntentId(intent_id)
        return self.do(ResumeIntent(**self.base(), id=id, user_intent_id=wanted))

    def abandon(self, intent_id: str, id: str = "a1") -> tuple[AnyFact, ...]:
        wanted = IntentId(intent_id)
        return self.do(AbandonIntent(**self.base(), id=id, user_intent_id=wanted))

    def close(self, id: str = "c1") -> tuple[AnyFact, ...]:
        return self.do(CloseChat(**self.base(), id=id))

    def erase(self) -> tuple[AnyFact, ...]:
        return self.do(EraseChat(**self.base()))

    def clear(self, session_id: str) -> tuple[AnyFact, ...]:
        return self.do(ClearSession(**self.base(), session_id=SessionId(session_id)))

    # -- the runner -----------------------------------------------------------------------

    def runner(self, attempt: int | None = None) -> dict[str, Any]:
        turn = self.state.turn
        assert turn is not None
        return {
            **self.base(),
            "caused_by": turn.caused_by,
            "attempt": turn.attempt if attempt is None else attempt,
        }

    def step(self, *steps: Step, streamed: str = "", attempt: int | None = None):
        return self.do(
            RecordSteps(
                **self.runner(attempt), steps=steps, message_id="msg_1", streamed_text=streamed
            )
        )

    def partial(self, offset: int, text: str) -> tuple[AnyFact, ...]:
        base = self.runner()
        return self.do(CheckpointAnswer(**base, message_id="msg_1", offset=offset, text=text))

    def finish(self, streamed: str = "") -> tuple[AnyFact, ...]:
        return self.do(FinishTurn(**self.runner(), message_id="msg_1", streamed_text=streamed))

    def fail(self, streamed: Streamed | None = None) -> tuple[AnyFact, ...]:
        error = {"code": "agent_error", "message": "sorry"}
        return self.do(FailTurn(**self.runner(), **error, streamed=streamed))

    def restart(self, *, crashed: bool = True, max_attempts: int = 3) -> tuple[AnyFact, ...]:
        return self.do(RestartTurn(**self.runner(), crashed=crashed, max_attempts=max_attempts))

    def context(self, values: dict[str, Any]) -> tuple[AnyFact, ...]:
        return self.do(BringContext(**self.runner(), source="history", context=values))

    # -- timers ---------------------------------------------------------------------------

    def idle(self, intent_id: str, after_s: float = 0) -> tuple[AnyFact, ...]:
        before = self.now_ms - round(after_s * 1000)
        wanted = IntentId(intent_id)
        return self.do(
            AbandonIdleIntent(**self.base(), user_intent_id=wanted, idle_before_ms=before)
        )

    def expire(self, session_id: str, after_s: float = 0) -> tuple[AnyFact, ...]:
        before = self.now_ms - round(after_s * 1000)
        wanted = SessionId(session_id)
        return self.do(ExpireSession(**self.base(), session_id=wanted, idle_before_ms=before))

    def speak(self) -> tuple[AnyFact, ...]:
        return self.do(SpeakReminders(**self.base()))

    def drop(self, key: str) -> tuple[AnyFact, ...]:
        return self.do(DropReminder(**self.base(), key=key))

    # -- what is seen ---------------------------------------------------------------------

    @property
    def intent_id(self) -> IntentId:
        """The newest intent."""
        assert self.state.newest_intent_id is not None
        return self.state.newest_intent_id

    @property
    def session_id(self) -> SessionId:
        """The newest intent's living session."""
        session = self.state.session_of(self.intent_id)
        assert session is not None
        return session.session_id


def told(facts: tuple[AnyFact, ...]) -> list[str]:
    """Facts in short: ``turn started``, ``intent abandoned superseded``, ``user``."""
    return [_told(fact) for fact in facts]


def _told(fact: AnyFact) -> str:
    tag = str(type(fact).__struct_config__.tag)
    parts = (tag, getattr(fact, "status", None), getattr(fact, "reason", None))
    return " ".join(str(part) for part in parts if part is not None)
