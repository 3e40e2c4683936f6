"""The built-in assistant as an agent: runs the policy, and the tools that it calls for.

``assistant_from_tools([...])`` makes one of typed functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime, tzinfo

from chatstream.agents.contract import Agent, Steps
from chatstream.agents.threads import ThreadPool
from chatstream.agents.turn import Turn
from chatstream.assistant.conversation import converse
from chatstream.assistant.extract import read_values
from chatstream.assistant.invoking import invoke
from chatstream.assistant.pattern import compile_all
from chatstream.assistant.recognise import Recogniser
from chatstream.assistant.run import Run
from chatstream.assistant.scene import scene_of
from chatstream.assistant.slots.languages import Languages
from chatstream.assistant.talk import Skills
from chatstream.assistant.tools import Tool, ToolContext
from chatstream.domain.steps import ToolCall, ToolResult
from chatstream.errors import ConfigurationError

_SAYS_NOTHING = "xyzzy"


def assistant_from_tools(
    tools: Sequence[Tool | Callable[..., object]],
    *,
    zone: tzinfo | None = None,
    handover: str | None = None,
    model: Agent | None = None,
    languages: Sequence[str] = (),
) -> Assistant:
    """An agent that understands what the user wants, asks for what is missing, and calls tools.

    Args:
        tools: typed functions, with ``@tool`` or bare.
        zone: where the users are: in it "7 am" is read; None: where the server is.
        handover: what to say when nothing else helps and people take over; the task is then
            abandoned as ``handed_over``.
        model: an agent, of a language model say, that takes on what this one does not
            understand when the user could not make it clearer.
        languages: codes (``de``, ``fr``) of languages in which days and times are read beside
            English; needs the extra ``chatstream-server[languages]``.

    Raises:
        ConfigurationError: there is no tool, two have one name, or one cannot be used; a
            language cannot be read.
    """
    return Assistant(tools, zone=zone, handover=handover, model=model, languages=languages)


class Assistant:
    """The agent; it has no state but what it can do."""

    recalls_tasks = True

    def __init__(
        self,
        tools: Sequence[Tool | Callable[..., object]],
        *,
        zone: tzinfo | None = None,
        handover: str | None = None,
        model: Agent | None = None,
        languages: Sequence[str] = (),
    ) -> None:
        made = [one if isinstance(one, Tool) else Tool(one) for one in tools]
        by_name = {one.name: one for one in made}
        if not made:
            raise ConfigurationError("an assistant needs at least one tool")
        if len(by_name) < len(made):
            raise ConfigurationError("two tools of one assistant have the same name")
        self.skills = Skills(
            tools=by_name,
            recogniser=Recogniser({one.name: one.utterances for one in made}),
            zone=zone or datetime.now(UTC).astimezone().tzinfo or UTC,
            handover=handover,
            has_model=model is not None,
            languages=Languages(languages) if languages else None,
        )
        self._model = model
        self._threads = ThreadPool()
        # One thread of its own, so that those of the tools stay free. Its work is short.
        self._reader = ThreadPoolExecutor(1, "languages") if languages else None

    async def __call__(self, turn: Turn) -> Steps:
        """One run."""
        run = Run(converse(self.skills, turn), self._model, turn, self._reader)
        answer: ToolResult | None = None
        async with aclosing(run):
            while (step := await run.next(answer)) is not None:
                answer = yield step
                if run.is_own and isinstance(step, ToolCall) and answer is None:
                    tool = self.skills.tools[step.name]
                    later, answer = await invoke(
                        tool, step, self._context(turn, step), self._threads
                    )
                    for one in later:
                        yield one
                    yield answer

    def warm_up(self) -> None:
        """Compile beforehand what the first message would wait for. In a thread of its own."""
        compile_all()
        now = datetime.now(self.skills.zone)
        for tool in self.skills.tools.values():
            read_values(tool.parameters, _SAYS_NOTHING, now)

    def _context(self, turn: Turn, call: ToolCall) -> ToolContext:
        now = scene_of(turn, self.skills.tools, self.skills.zone).now
        return ToolContext(turn.user_id, turn.user_chat_id, call.call_id, now, turn.content)
