"""Whatever is said, in whatever order: every turn ends, nothing is done that was not agreed to."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.assistant.desk import Desk
from tests.assistant.dialogue import Dialogue

LINES = st.one_of(
    st.sampled_from(
        [
            "Create alarm",
            "order a pizza",
            "I want two large pizzas",
            "add milk to my list",
            "will it rain?",
            "7 am tomorrow",
            "tomorrow",
            "large",
            "no, make it 3",
            "20",
            "yes",
            "no",
            "no, thank you",
            "forget it",
            "never mind, I walk",
            "skip",
            "what?",
            "help",
            "go on",
            "go back to the pizza",
            "the same as last time",
            "thanks",
            "blorb the fnord",
            "none of these",
            "the first one",
            "try again",
            "bye",
        ]
    ),
    st.text(min_size=1, max_size=30),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=7), st.booleans())
def test_every_turn_ends_and_pizza_is_ordered_only_after_a_yes(lines: list[str], fails: bool):
    async def talked() -> None:
        desk = Desk()
        desk.fails = fails
        talk = Dialogue(desk.assistant())
        for line in lines:
            before, asked = len(desk.done), talk.asked
            await talk.say(line)
            talk.reconnect()
            assert talk.ended in {"finished", "needs_input"}
            assert talk.errors == []
            if any(done[0] == "pizza" for done in desk.done[before:]):
                assert "shall I do that?" in asked or "Shall I try again?" in asked

    asyncio.run(talked())
