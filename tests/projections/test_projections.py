"""Read models equal a fold of the log, and ``chat_history`` is one reading in two languages."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.builder import CHAT, Chat

from chatstream.domain.steps import FollowUp, Form, NewIntent, Response, SlotsSet, Thinking
from chatstream.errors import Refused, StaleTurn
from chatstream.eventstore.mapper import encode, erase
from chatstream.eventstore.store import Append, Engine, RowChange, Stored
from chatstream.maintenance.reader import Reader
from chatstream.maintenance.verify import problems
from chatstream.projections.history import history_rows
from chatstream.projections.models import ReadModels, all_tables
from chatstream.projections.turn_work import LOCAL_OWNER
from chatstream.testing import memory_engine

# As they were asked for, and no others.
HISTORY_COLUMNS = [
    "id",
    "user_id",
    "user_chat_id",
    "socket_connection_id",
    "session_id",
    "user_intent_id",
    "message_type",
    "content",
    "timestamp",
    "is_complete",
    "abandoned",
]
FORM = Form("When?", {"type": "object"})
WORDS = """send new ask done plain think slots switch finish cancel fail idle expire submit
resume restart clear"""
ACTIONS = st.lists(st.sampled_from(WORDS.split()), max_size=25)


class Recorded(Chat):
    """A chat whose every append is written to an engine, read models and all."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or memory_engine()
        self.engine.open()
        self._models = ReadModels(LOCAL_OWNER, _no_fetch)
        super().__init__()

    def do(self, command):
        before = self.state
        facts = super().do(command)
        if facts:
            erases = self.state.status == "erased"
            append = Append(
                CHAT,
                before.position,
                tuple(encode(fact) for fact in facts),
                self._models.changes(CHAT, facts, self.state),
                erase if erases else None,
            )
            assert self.engine.write([append]) == [Stored()]
        return facts

    def act(self, action: str, number: int) -> None:
        """One thing that may happen; refused where it cannot."""
        with suppress(Refused, StaleTurn, AssertionError):
            self._act(action, f"c{number}")

    def _act(self, action: str, id: str) -> None:
        steps = {
            "ask": FollowUp("when?", FORM),
            "done": Response("done", is_complete=True),
            "plain": Response("so so"),
            "think": Thinking("own", "hm"),
            "slots": SlotsSet({"x": id}),
            "switch": NewIntent("other"),
        }
        if action in steps:
            self.step(steps[action])
        elif action == "send":
            self.send(id, f"message {id}")
        elif action == "new":
            self.send(id, "anew", new_intent=True)
        elif action == "submit":
            shown = [one.component for one in self.state.unfinished.values() if one.component]
            self.submit(shown[0].component_id if shown else "cmp_x", {"a": 1}, id)
        elif action in {"idle", "resume"}:
            getattr(self, action)(self.intent_id)
        elif action in {"expire", "clear"}:
            getattr(self, action)(self.session_id)
        else:
            getattr(self, action)()


async def _no_fetch(*_):
    return []


@settings(max_examples=150, deadline=None)
@given(actions=ACTIONS, erased=st.booleans())
def test_the_tables_equal_a_fold_whatever_happened(actions, erased):
    live_and_look(Recorded(), actions, erased=erased)


def live_and_look(chat: Recorded, actions: list[str], *, erased: bool) -> None:
    """Do all that, and see that every table and the history agree with the log."""
    for number, action in enumerate(actions):
        chat.act(action, number)
    if erased:
        chat.erase()
    assert list(problems(Reader(chat.engine))) == []
    _assert_history_agrees(chat)


def _assert_history_agrees(chat: Recorded) -> None:
    """The SQL view and the reading in Python give the same rows."""
    reader = Reader(chat.engine)
    state = reader.state(CHAT)
    facts = ((one.row.position, one.fact) for one in reader.recorded(CHAT))
    rows = [msgspec.structs.asdict(row) for row in history_rows(CHAT, facts, state)]
    seen = reader.fetch(f"SELECT {', '.join(HISTORY_COLUMNS)} FROM chat_history")
    shown = {row[0]: dict(zip(HISTORY_COLUMNS, row, strict=True)) for row in seen}
    assert len(shown) == len(seen) == len(rows)
    for row in rows:
        view = shown[row["id"]]
        flags = {name: bool(view[name]) for name in ("is_complete", "abandoned")}
        assert {**view, **flags, "position": row["position"]} == row


def test_the_view_has_exactly_the_columns_that_were_asked_for():
    chat = Recorded()
    chat.send()
    columns = [row[1] for row in chat.engine.fetch("PRAGMA table_info(chat_history)", ())]
    assert columns == HISTORY_COLUMNS


def test_a_wrong_row_and_a_gap_are_found():
    chat = Recorded()
    chat.send()
    chat.finish("hi")
    row = RowChange("chats", (CHAT,), (CHAT, "eve", "open", "stolen", "2026"))
    assert chat.engine.write([Append(CHAT, 0, (), (row,))]) == [Stored()]
    found = list(problems(Reader(chat.engine)))
    assert len(found) == 1
    assert "chats" in found[0]


def test_every_key_of_a_chats_row_holds_the_chats_id():
    """So that an engine that spreads tables over machines can do it by chat."""
    of_chats = [table for table in all_tables("postgresql") if "user_chat_id" in table.columns]
    assert len(of_chats) >= 6
    assert [table.name for table in of_chats if "user_chat_id" not in table.key] == []


def test_a_row_that_every_turn_writes_stands_in_one_tree():
    """A second one is a page more of each commit, in the log and in the file."""
    engine = memory_engine()
    engine.open()
    second_trees = engine.fetch(
        "SELECT tbl_name FROM sqlite_master WHERE name LIKE 'sqlite_autoindex%'", ()
    )
    engine.close()
    written_by_turns = {("intents",), ("sessions",), ("timers",), ("turn_work",)}
    assert written_by_turns.isdisjoint(second_trees)
    assert ("chats",) in second_trees
