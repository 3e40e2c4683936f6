"""The turn that all benchmarks run, as frames: 1 message, 5 thinking steps, 24 pieces of six
characters, 1 answer. The floors send the very frames that chatstream would, from templates.
"""

from __future__ import annotations

import time

THINKING_STEPS = 5
PIECES = 24
PIECE_SECONDS = 0.02
ANSWER = "".join(f"word{n % 10} " for n in range(PIECES))
EVENTS = THINKING_STEPS + 8

_COMMON = (
    '{"user_chat_id":"%s","position":%%d,"type":"%s","event_id":"evt_Db0yioFc7YxZ67h90",'
    '"timestamp":"2026-11-24T00:49:37.953Z","user_id":"visitor_BXHL-DfSCdzxA0xr",'
    '"user_intent_id":"intent_-P7A0tmWDb0yioFc7YxZ67h91",'
    '"session_id":"session_-P7A0tmWDb0yioFc7YxZ67h92",'
    '"socket_connection_id":"socket_82VzXCBN1VltFY3w",%s}'
)
_CAUSE = '"caused_by":"m1abcdefghijklmnop",'
_MESSAGE_ID = "msg_srle9a-kr_BJqXA6"


class TurnFrames:
    """The frames of one chat's turns, to be filled in with a position each."""

    def __init__(self, chat_id: str) -> None:
        def event(kind: str, fields: str) -> bytes:
            return (_COMMON % (chat_id, kind, fields)).encode()

        self._chat_id = chat_id
        self.started = [
            event("user", '"message_id":"m1abcdefghijklmnop","content":"instant"'),
            event("turn", f'{_CAUSE}"status":"started","attempt":1'),
            event("session", f'{_CAUSE}"status":"started"'),
            event("intent", f'{_CAUSE}"status":"active"'),
        ]
        self.thinking = [
            event(
                "thinking",
                f'{_CAUSE}"step":"intent_processing","status":"completed",'
                f'"content":"Working on step {n}"',
            )
            for n in range(THINKING_STEPS)
        ]
        self.ended = [
            event(
                "response",
                f'"message_id":"{_MESSAGE_ID}",{_CAUSE}"content":"{ANSWER}",'
                '"is_complete":true,"follow_up":false',
            ),
            event("intent", f'{_CAUSE}"status":"complete"'),
            event("session", f'{_CAUSE}"status":"completed"'),
            event("turn", f'{_CAUSE}"status":"finished","attempt":1'),
        ]

    def ack(self, command_id: str, position: int) -> bytes:
        """The answer to the message."""
        return (
            f'{{"type":"ack","id":"{command_id}","user_chat_id":"{self._chat_id}",'
            f'"position":{position}}}'
        ).encode()

    def delta(self, offset: int, text: str) -> bytes:
        """One piece of the answer."""
        return (
            f'{{"type":"delta","user_chat_id":"{self._chat_id}","message_id":"{_MESSAGE_ID}",'
            f'"offset":{offset},"text":"{text}"}}'
        ).encode()


def stamp() -> str:
    """A piece of six digits that says when it was made: tenths of a millisecond, for 100 s."""
    return f"{int(time.monotonic() * 10_000) % 1_000_000:06d}"


def lag_ms(piece: str) -> float:
    """How long ago ``piece`` was made."""
    return ((int(time.monotonic() * 10_000) - int(piece)) % 1_000_000) / 10
