"""That what the server says of a person's only chat is the fold of the chat's log (G8)."""

from __future__ import annotations

from tests.kit.laws import fold
from tests.kit.wire import Person, Talk


async def rows_of(talk: Talk) -> list[dict]:
    """Every history row, over as many pages as it takes."""
    rows: list[dict] = []
    before: dict[str, int] = {}
    while True:
        page = await talk.person.get(f"{talk.path}/history", limit=200, **before)
        rows = page["items"] + rows
        if len(page["items"]) < 200:
            return rows
        before = {"before": rows[0]["position"]}


async def agrees(person: Person, talk: Talk) -> None:
    """What the server says of intents, sessions, chat and history is the fold of its log."""
    log = await talk.stored()
    folded = fold(log)
    shown = await talk.state()
    assert (shown["status"], shown["position"]) == (folded["status"], folded["position"])
    assert shown["turn"] == folded["turn"]
    intents = {i["user_intent_id"]: i for i in (await person.get("/intents", limit=200))["items"]}
    assert intents.keys() == folded["intents"].keys()
    for name, expected in folded["intents"].items():
        intent = intents[name]
        assert intent["status"] == expected["status"]
        if intent["status"] == "abandoned":
            assert intent["reason"] == expected["reason"]
        assert intent.get("name") == expected["name"]
        assert intent.get("slots", {}) == expected["slots"]
        assert intent["created_at"] == expected["created_at"]
        assert intent["last_activity_at"] == expected["last_activity_at"], intent
    living = {s["session_id"] for s in (await person.get("/sessions", limit=200))["items"]}
    assert living == {s for s, status in folded["sessions"].items() if status == "living"}
    rows = await rows_of(talk)
    messages = [
        f for f in log if f["type"] in ("user", "component_submitted", "thinking", "response")
    ]
    assert [r["id"] for r in rows] == [f["event_id"] for f in messages]
    for row in rows:
        status = folded["intents"].get(row["user_intent_id"], {}).get("status")
        assert row["is_complete"] == (status == "complete")
        assert row["abandoned"] == (status == "abandoned")
