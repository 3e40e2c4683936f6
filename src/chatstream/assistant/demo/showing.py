"""What a chat can show besides answers: a form that is checked, and an error with a retry."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chatstream.assistant.tools import Email, Tool, tool


def showing_tools() -> list[Tool]:
    """The tools; they keep nothing."""

    @tool(
        examples=["show me a form", "I want to see a form", "give me a form to fill in"],
        answer="Thank you. I have noted:\n\n- **Name**: {name}\n- **E-mail**: {email}\n"
        "- **Guests**: {guests}",
        idempotent=True,
    )
    def show_form(name: str, email: Email, guests: Annotated[int, Meta(ge=1, le=8)]) -> None:
        """Show you a form that is checked.

        Args:
            name: What is your name?
            email: What is your e-mail address?
            guests: For how many guests?
        """

    @tool(
        examples=["show me an error", "let something go wrong", "what does an error look like"],
        idempotent=True,
    )
    def show_error() -> None:
        """Show you what an error looks like."""
        raise DemoError

    return [show_form, show_error]


class DemoError(Exception):
    """Raised because it was asked for."""
