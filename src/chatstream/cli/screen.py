"""What a person sees of a chat in a terminal: events as lines, answers as they grow.

Whatever people and agents wrote is data: control characters, and with them the terminal's
escape sequences, are shown as escapes (``printable``).
"""

from __future__ import annotations

import os
from typing import Final, TextIO

from chatstream.client.frames import (
    ComponentEvent,
    ComponentSubmittedEvent,
    ErrorEvent,
    Event,
    IntentEvent,
    PartialEvent,
    ResponseEvent,
    ThinkingEvent,
    ToolCallEvent,
    TurnEvent,
    UserEvent,
)
from chatstream.printable import printable

DIM: Final = "\x1b[2m"
PLAIN: Final = "\x1b[0m"


class Screen:
    """Writes to ``out``; dims only on a terminal, and not where ``NO_COLOR`` is set.

    Attributes:
        typed: what the user just typed, so that it is not shown a second time.
    """

    def __init__(self, out: TextIO) -> None:
        self.typed: str | None = None
        self._out = out
        self._dims = out.isatty() and "NO_COLOR" not in os.environ
        self._prompt: str | None = None
        self._growing: dict[str, str] = {}
        self._stored: dict[str, str] = {}
        self._cut_short = False
        self._mid_line = False

    def prompt(self, text: str) -> None:
        """Ask for a line."""
        self._prompt = printable(text)
        self._write(self._line_start() + self._prompt)

    def entered(self) -> None:
        """The line that was asked for is there."""
        self._prompt = None
        self._mid_line = False

    def note(self, text: str) -> None:
        """A line of the client itself."""
        self._line(text, dim=True)

    def event(self, event: Event) -> None:
        """Show what a person should know of ``event``."""
        match event:
            case UserEvent():
                self._said(event.content)
            case ComponentSubmittedEvent():
                self.note(f"sent: {event.values}")
            case ThinkingEvent() | ToolCallEvent():
                self.note(f"· {_step(event)}")
            case PartialEvent():
                self._piece(event)
            case ResponseEvent():
                self._response(event)
            case ComponentEvent():
                self._component(event)
            case ErrorEvent():
                self._answer_ended("(broken off)")
                self._line(f"Error: {event.message} ({event.code})")
            case TurnEvent():
                self._turn(event)
            case IntentEvent():
                self._intent(event)
            case _:
                pass

    def growing(self, message_id: str, text: str) -> None:
        """Show what is new of an answer in progress."""
        shown = self._growing.get(message_id, "")
        if len(text) > len(shown):
            start = "" if shown and self._mid_line else self._line_start()
            self._growing[message_id] = text
            self._write(start + printable(text[len(shown) :]))
            self._mid_line = True

    # ------------------------------------------------------------------------------------

    def _said(self, content: str) -> None:
        if content == self.typed:
            self.typed = None
        else:
            self._line(f"you: {content}")

    def _piece(self, event: PartialEvent) -> None:
        """Shown only where the whole never comes, so that history reads as it was lived."""
        message_id = event.message_id or ""
        held = self._stored.get(message_id, "")
        if event.offset <= len(held):
            self._stored[message_id] = held[: event.offset] + event.text

    def _answer_ended(self, note: str) -> None:
        """A turn ends: an answer of it that is not whole stays, and is told as such."""
        for message_id, text in self._stored.items():
            self.growing(message_id, text)
        if self._growing or self._cut_short:
            self.note(note)
        self._forget_pieces()

    def _forget_pieces(self) -> None:
        self._growing.clear()
        self._stored.clear()
        self._cut_short = False

    def _response(self, event: ResponseEvent) -> None:
        self._stored.pop(event.message_id or "", None)
        self._cut_short = event.stopped
        shown = self._growing.pop(event.message_id or "", "")
        if not shown or not event.content.startswith(shown):
            self._line(event.content)
            return
        rest = event.content[len(shown) :]
        if self._mid_line:
            self._mid_line = False
            self._write(printable(rest) + "\n")
        elif rest:
            self._line(rest)

    def _component(self, event: ComponentEvent) -> None:
        if event.kind == "buttons":
            self._line(event.title)
            for number, option in enumerate(event.options, start=1):
                self._line(f"  {number}  {option.label or option.value}")
        elif event.kind != "form":
            self.note(f"[{event.kind}: {event.title}]")

    def _intent(self, event: IntentEvent) -> None:
        match event.status:
            case "complete":
                self.note("— done —")
            case "abandoned":
                self.note(f"— set aside ({event.reason}) —")
            case "active":
                pass

    def _turn(self, event: TurnEvent) -> None:
        match event.status:
            case "started":
                self._forget_pieces()
            case "restarted":
                self._forget_pieces()
                self.note("(interrupted; once more)")
            case "cancelled":
                self._cut_short = True
                self._answer_ended("(stopped)")
            case "finished" | "needs_input" | "failed":
                self._answer_ended("(broken off)")

    def _line(self, text: str, *, dim: bool = False) -> None:
        text = printable(text)
        shown = f"{DIM}{text}{PLAIN}" if dim and self._dims else text
        self._write(f"{self._line_start()}{shown}\n{self._prompt or ''}")

    def _line_start(self) -> str:
        """What leads to an empty line from wherever the cursor is."""
        if self._mid_line:
            self._mid_line = False
            return "\n"
        return "\r" if self._prompt is not None and self._out.isatty() else ""

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _step(event: ThinkingEvent | ToolCallEvent) -> str:
    if isinstance(event, ToolCallEvent):
        return event.name
    ending = {"started": " …", "completed": "", "failed": " (failed)"}[event.status]
    return (event.content or event.step) + ending
