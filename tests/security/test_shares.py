"""What one user and one address may have, by default and where the operator says so."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from chatstream.config import Settings
from chatstream.domain.commands import CloseChat, RecordSteps
from chatstream.domain.steps import Remind, Thinking
from chatstream.errors import Refused
from chatstream.ids import ChatId
from chatstream.security.quotas import PUBLIC_CONNECTIONS, PUBLIC_NEW, Shares
from chatstream.turns.reminder_quota import ReminderQuota

PUBLIC, PRIVATE, LOOPBACK = "8.8.8.8", "10.0.0.7", "127.0.0.1"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def holds(shares: Shares, user: str, address: str, count: int) -> int:
    """How many of ``count`` connections are had at once."""
    with ExitStack() as held:
        for number in range(count):
            try:
                held.enter_context(shares.connection(user.format(number), address))
            except Refused:
                return number
        return count


def makes(shares: Shares, user: str, address: str, count: int) -> int:
    return sum(shares.take_chat(user.format(number), address) for number in range(count))


def test_by_default_everybody_has_enough_and_nobody_everything(clock: Clock):
    shares = Shares(Settings(), clock)
    assert holds(shares, "ann", LOOPBACK, 200) == 100
    assert holds(shares, "ann{}", PUBLIC, 2_000) == PUBLIC_CONNECTIONS == 1_000
    assert makes(shares, "ann", LOOPBACK, 2_000) == 1_000
    assert makes(shares, "ben{}", PUBLIC, 2_000) == PUBLIC_NEW == 200


@pytest.mark.parametrize("address", [PRIVATE, LOOPBACK, ""])
def test_by_default_what_may_be_a_proxy_is_not_limited(clock: Clock, address: str):
    shares = Shares(Settings(), clock)
    assert holds(shares, "ann{}", address, 3_000) == 3_000
    assert makes(shares, "ann{}", address, 3_000) == 3_000


def test_a_number_that_is_set_holds_for_every_address(clock: Clock):
    shares = Shares(Settings(connections_per_address=2, new_per_address=3), clock)
    for address in (PUBLIC, PRIVATE, LOOPBACK):
        assert holds(shares, "ann{}", address, 9) == 2
        assert makes(shares, "ann{}", address, 9) == 3


def test_0_is_no_limit(clock: Clock):
    unlimited = dict.fromkeys(
        ("connections_per_user", "connections_per_address", "new_per_address",
         "new_chats_per_user"), 0,
    )  # fmt: skip
    shares = Shares(Settings(**unlimited), clock)
    assert holds(shares, "ann", PUBLIC, 3_000) == 3_000
    assert makes(shares, "ann", PUBLIC, 3_000) == 3_000


def test_a_chat_that_was_there_counts_for_nobody(clock: Clock):
    shares = Shares(Settings(new_per_address=2, new_chats_per_user=2), clock)
    for _ in range(50):
        assert shares.take_chat("ann", PUBLIC)
        shares.give_back_chat("ann", PUBLIC)
    assert makes(shares, "ann", PUBLIC, 5) == 2


def test_what_the_user_may_not_make_costs_the_address_nothing(clock: Clock):
    shares = Shares(Settings(new_per_address=3, new_chats_per_user=1), clock)
    assert makes(shares, "ann", PUBLIC, 50) == 1
    assert makes(shares, "ben{}", PUBLIC, 50) == 2


def test_new_chats_come_back_within_the_hour(clock: Clock):
    shares = Shares(Settings(new_chats_per_user=60), clock)
    assert makes(shares, "ann", LOOPBACK, 100) == 60
    clock.now += 120
    assert makes(shares, "ann", LOOPBACK, 100) == 2


def steps(user: str, *given) -> RecordSteps:
    return RecordSteps(
        user_chat_id=ChatId("chat"), user_id=user, now_ms=0, nonce="", caused_by="m", attempt=1,
        begun_by="", steps=given, message_id="", streamed_text="",
    )  # fmt: skip


def test_reminders_are_counted_by_user_and_nothing_else_is():
    quota, remind = ReminderQuota(2), Remind("Wake up!", 1, "key")
    for _ in range(9):
        quota.refuse_excess(steps("ann", Thinking("s", "t")))
        quota.refuse_excess(CloseChat(**_base("ann"), id="c"))
    quota.refuse_excess(steps("ann", remind, Thinking("s", "t"), remind))
    with pytest.raises(Refused, match="rate_limited"):
        quota.refuse_excess(steps("ann", remind))
    quota.refuse_excess(steps("ben", remind))


def _base(user: str):
    return {"user_chat_id": ChatId("chat"), "user_id": user, "now_ms": 0, "nonce": ""}
