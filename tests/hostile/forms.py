"""Forms: each keyword of JSON Schema at its dearest, shown by an agent and submitted by a user."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator

from tests.domain.form_worst_cases import DearCase
from tests.hostile.case import Case
from tests.hostile.guest import Guest
from tests.hostile.schemas import CASES, harmless_forms
from tests.hostile.texts import FRAME_BYTES

_LARGE_SCHEMA = 100_000


def cases(*, harmless: bool) -> Iterator[Case]:
    """Each is shown, and what is shown submitted."""
    few = sum(1 for _ in harmless_forms())
    for number, case in CASES.items():
        large = len(json.dumps(case.schema)) > _LARGE_SCHEMA
        size = "a schema of 100 KB and more" if large else "256 KiB of values"
        act = functools.partial(_fill_in, number, case)
        if (int(number) < few) == harmless:
            yield Case(size, case.name.partition(": ")[2], act)


async def _fill_in(number: str, case: DearCase, guest: Guest) -> None:
    chat = await guest.open()
    await guest.say(chat, f"form {number}")
    shown = [one for one in guest.socket.events(chat) if one["type"] == "component"]
    submit = {
        "type": "submit",
        "user_chat_id": chat,
        "component_id": shown[-1]["component_id"] if shown else "none",
        "values": case.values,
    }
    if len(json.dumps(submit, ensure_ascii=False, separators=(",", ":"))) < FRAME_BYTES - 100:
        await guest.do(submit)
