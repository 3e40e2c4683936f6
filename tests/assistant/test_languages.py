"""Days and times in other languages, where the extra is installed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest
from tests.assistant.desk import Desk
from tests.assistant.dialogue import Dialogue
from tests.assistant.stalls import AT_MOST_S, Stalls

from chatstream.errors import ConfigurationError

pytest.importorskip("dateparser")


@pytest.mark.parametrize(
    ("code", "said", "meant"),
    [
        ("de", "morgen um 7 Uhr", "2026-11-24T07:00"),
        ("de", "übermorgen um 19:30", "2026-11-25T19:30"),
        ("de", "am 3. März um 17 Uhr 30", "2027-03-03T17:30"),
        ("de", "in 20 Minuten", "2026-11-23T10:50"),
        ("de", "um 11", "2026-11-23T11:00"),
        ("fr", "demain à 8 heures", "2026-11-24T08:00"),
        ("es", "mañana a las 7:15", "2026-11-24T07:15"),
        ("de", "tomorrow at 7 am", "2026-11-24T07:00"),
    ],
)
async def test_a_moment_in_the_users_language(code: str, said: str, meant: str):
    desk = Desk()
    talk = Dialogue(desk.assistant(languages=[code]))
    await talk.say("Create alarm")
    await talk.say(said)
    assert [done[1] for done in desk.done] == [f"{meant}:00+00:00"]


async def test_a_day_alone_is_half_of_a_moment_there_too():
    desk = Desk()
    talk = Dialogue(desk.assistant(languages=["de"]))
    await talk.say("Create alarm")
    assert await talk.say("morgen") == "At what time? When shall it ring?"
    await talk.say("um halb acht, nein, um 7:30")
    assert desk.done == [("alarm", "2026-11-24T07:30:00+00:00", "Alarm")]


async def test_days_and_times_alone():
    from chatstream.assistant.slots.languages import Languages

    german = Languages(["de"])
    now = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    assert [f"{one.value}" for one in german.find_dates("am 3. März", now)] == ["2027-03-03"]
    assert [f"{one.value.time:%H:%M}" for one in german.find_times("um 17 Uhr")] == ["17:00"]


def test_a_language_that_is_not_known_is_refused():
    with pytest.raises(ConfigurationError, match="xx"):
        Desk().assistant(languages=["xx"])


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "dateparser.date", None)
    with pytest.raises(ConfigurationError, match=r"chatstream-server\[languages\]"):
        Desk().assistant(languages=["de"])


async def test_other_languages_do_not_hold_the_loop():
    talk = Dialogue(Desk().assistant(languages=["de", "fr"]))
    await talk.say("Create alarm")
    for text in ("1 " * 100, "morgen " * 28, "1 " * 500):
        async with Stalls() as stalls:
            await talk.say(text)
        assert stalls.longest_s < AT_MOST_S


async def test_what_is_too_long_for_them_is_read_in_english():
    desk = Desk()
    talk = Dialogue(desk.assistant(languages=["de"]))
    await talk.say("Create alarm")
    await talk.say("at 7 am tomorrow please".ljust(250))
    assert [done[1] for done in desk.done] == ["2026-11-24T07:00:00+00:00"]


def test_one_message_has_a_time_and_the_next_one_has_it_anew(monkeypatch: pytest.MonkeyPatch):
    from chatstream.assistant.slots import languages

    german = languages.Languages(["de"])
    now = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    monkeypatch.setattr(languages, "MOST_S", 0.0)
    assert german.for_one_message().find_dates("am 3. März", now) == []
    monkeypatch.setattr(languages, "MOST_S", 60.0)
    assert len(german.for_one_message().find_dates("am 3. März", now)) == 1
