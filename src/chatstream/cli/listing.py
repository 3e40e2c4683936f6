"""History rows and intents for the command line, as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from chatstream.domain.views import IntentView, intent_view
from chatstream.ids import ChatId
from chatstream.maintenance.reader import Reader
from chatstream.projections.history import history_rows


def history(reader: Reader, chat_id: ChatId) -> Iterator[str]:
    """The chat's rows of ``chat_history``, ascending."""
    state = reader.state(chat_id)
    facts = ((one.row.position, one.fact) for one in reader.recorded(chat_id))
    for row in history_rows(chat_id, facts, state):
        yield msgspec.json.encode(row).decode()


def intents(reader: Reader, status: str | None, user_id: str | None) -> Iterator[str]:
    """Intents over all chats, with what they hold and wait for, newest activity first."""
    found: list[IntentView] = []
    for chat_id in reader.chat_ids():
        state = reader.state(chat_id)
        if state.status == "erased" or user_id not in {None, state.user_id}:
            continue
        wanted = [one for one in state.intents() if status in {None, one.status}]
        found += [intent_view(state, one, chat_id) for one in wanted]
    for view in sorted(found, key=lambda view: view.last_activity_at, reverse=True):
        yield msgspec.json.encode(view).decode()
