"""Turns as OpenTelemetry spans: one span a turn, with a child for each step and tool call.

Nothing that people or agents wrote becomes an attribute: ids, names and outcomes only. Spans
that an agent makes (of its model calls, say) become children of the turn's.
"""

from __future__ import annotations

from opentelemetry import context, trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from chatstream.domain.steps import Fail, Response, Step, Thinking, ToolCall, ToolResult
from chatstream.turns.observer import RunBegan


class TracedTurns:
    """A ``TurnWatch`` that makes spans with ``tracer``."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def began(self, run: RunBegan) -> TracedRun:
        """A new trace: a turn belongs to its chat, not to a request."""
        names = ("user_chat_id", "caused_by", "attempt", "user_intent_id", "session_id")
        values = {name: getattr(run, name) for name in names}
        span = self._tracer.start_span(
            "chatstream.turn",
            context=context.Context(),
            attributes={f"chatstream.{k}": v for k, v in values.items() if v is not None},
        )
        return TracedRun(self._tracer, span)

    def ended_without_run(self, outcome: str) -> None:
        """There is no span to end."""


class TracedRun:
    """A ``RunWatch`` with the turn's span and those of its steps that are not over."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span
        self._inside = trace.set_span_in_context(span, context.Context())
        self._open: dict[tuple[str, str], Span] = {}

    def entered(self) -> None:
        """The agent's own spans are to be children; the task's context ends with the task."""
        context.attach(self._inside)

    def answering(self) -> None:
        """Mark the moment."""
        self._span.add_event("first text")

    def took(self, step: Step) -> None:
        """Begin or end the step's span."""
        match step:
            case Thinking(status="started"):
                self._begin("step", step.step)
            case Thinking():
                self._end("step", step.step, failed=step.status == "failed")
            case ToolCall():
                self._begin("tool", step.call_id, step.name)
            case ToolResult():
                self._end("tool", step.call_id, failed=not step.ok)
            case Response():
                self._span.add_event("response")
            case Fail():
                self._span.set_attribute("chatstream.error_code", step.code)
            case _:
                pass

    def ended(self, outcome: str) -> None:
        """End every span."""
        for span in self._open.values():
            span.end()
        self._open.clear()
        self._span.set_attribute("chatstream.outcome", outcome)
        if outcome == "failed":
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()

    def _begin(self, kind: str, key: str, name: str | None = None) -> None:
        self._end(kind, key, failed=False, make=False)
        span = self._tracer.start_span(f"{kind} {name or key}", context=self._inside)
        self._open[kind, key] = span

    def _end(self, kind: str, key: str, *, failed: bool, make: bool = True) -> None:
        """One that nobody began is a moment."""
        if (kind, key) not in self._open and make:
            self._begin(kind, key)
        span = self._open.pop((kind, key), None)
        if span is None:
            return
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end()
