"""A language model over the assistant's own tools, by pydantic-ai.

Needs the extra ``chatstream-server[llm]``.

``llm_agent([create_alarm, ...], model="openai:gpt-5")`` is an agent by itself; as the ``model``
of an assistant it takes on what that does not understand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import msgspec
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai import DeferredToolRequests, ModelRetry, RunContext, ToolFailed
from pydantic_ai import Tool as ModelTool
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.models import Model, infer_model
from pydantic_core import SchemaValidator, core_schema

from chatstream.adapters.pydantic_ai import agent_from_pydantic_ai
from chatstream.adapters.watching import Done
from chatstream.agents.contract import Agent
from chatstream.agents.threads import ThreadPool
from chatstream.agents.turn import Turn
from chatstream.assistant import answers
from chatstream.assistant.invoking import invoke
from chatstream.assistant.scene import scene_of
from chatstream.assistant.tools import Tool, ToolContext
from chatstream.domain.steps import JsonObject, ToolCall, is_own_slot
from chatstream.errors import ConfigurationError

TRIES: Final = 2
"""The provider's own client asks again, too, and heeds what a rate limit says."""
TIMEOUT_S: Final = 120.0
INSTRUCTIONS: Final = (
    "You are an assistant in a chat. Answer briefly, in the user's language, in Markdown. Use the"
    " tools for what they can do; ask for what you need to know and never make it up."
)


def llm_agent(
    tools: Sequence[Tool | Callable[..., object]],
    *,
    model: str | Model,
    instructions: str = INSTRUCTIONS,
    zone: tzinfo | None = None,
    tries: int = TRIES,
    timeout_s: float = TIMEOUT_S,
) -> Agent:
    """An agent that is a language model with ``tools``.

    Args:
        tools: typed functions, with ``@tool`` or bare; one with ``confirm`` is asked about first.
        model: ``provider:name`` as pydantic-ai names it, or a model of pydantic-ai.
        instructions: what the model is told of its part; the time and what is known are added.
        zone: where the users are; None: where the server is.
        tries: how often the model is asked before the turn fails.
        timeout_s: how long one try may take.

    Raises:
        ConfigurationError: there is no such model, or its key or package is missing.
    """
    where = zone or datetime.now(UTC).astimezone().tzinfo or UTC
    threads = ThreadPool()
    by_name = {one.name: one for one in (t if isinstance(t, Tool) else Tool(t) for t in tools)}
    agent = PydanticAgent(
        _model(model),
        instructions=instructions,
        deps_type=Turn,
        output_type=[str, DeferredToolRequests],
        tools=[_model_tool(one, where, threads) for one in by_name.values()],
    )
    return agent_from_pydantic_ai(
        agent,
        instructions=lambda turn: _situation(turn, where),
        question=lambda turn, call: _question(by_name[call.tool_name], turn, call, where),
        tries=tries,
        timeout_s=timeout_s,
    )


def _model(model: str | Model) -> Model:
    try:
        return infer_model(model)
    except (UserError, ImportError) as error:
        raise ConfigurationError(f"the model {model!r} cannot be used: {error}") from error


def _situation(turn: Turn, zone: tzinfo) -> str:
    now = _now(turn, zone)
    lines = [f"It is {now:%A}, {now.isoformat(timespec='minutes')} ({now.tzname()})."]
    known = {name: value for name, value in turn.slots.items() if not is_own_slot(name)}
    if known:
        lines.append(f"Known in this task: {msgspec.json.encode(known).decode()}")
    if turn.context:
        lines.append(f"From earlier tasks: {msgspec.json.encode(turn.context).decode()}")
    return "\n".join(lines)


def _now(turn: Turn, zone: tzinfo) -> datetime:
    return scene_of(turn, {}, zone).now


def _question(tool: Tool, turn: Turn, call: ToolCallPart, zone: tzinfo) -> str:
    values = _converted(tool, call.args_as_dict(), zone)
    return answers.confirmation(tool, values, _now(turn, zone))


# -- the tools, as the model sees them --------------------------------------------------------

_AN_OBJECT = SchemaValidator(core_schema.dict_schema(core_schema.str_schema()))
"""What arguments are, before ``check`` looks at each: models send lists and texts, too."""


def _model_tool(tool: Tool, zone: tzinfo, threads: ThreadPool) -> ModelTool[Turn]:
    async def run(ctx: RunContext[Turn], **arguments: object) -> Done:
        values = msgspec.to_builtins(_converted(tool, arguments, zone))
        call = ToolCall(tool.name, values, ctx.tool_call_id or "")
        later, result = await invoke(tool, call, _context(ctx.deps, call, zone), threads)
        if not result.ok:
            raise ToolFailed(str(result.result["reason"]))
        return Done(result.result, later)

    def check(ctx: RunContext[Turn], **arguments: object) -> None:  # noqa: ARG001
        _converted(tool, arguments, zone)

    made = ModelTool.from_schema(
        run, tool.name, tool.description, schema_of(tool), takes_ctx=True, args_validator=check
    )
    made.function_schema.validator = _AN_OBJECT
    made.requires_approval = bool(tool.confirm)
    made.metadata = {"idempotent": tool.is_idempotent, "visible": tool.is_visible}
    return made


def _context(turn: Turn, call: ToolCall, zone: tzinfo) -> ToolContext:
    now = _now(turn, zone)
    return ToolContext(turn.user_id, turn.user_chat_id, call.call_id, now, turn.content)


def schema_of(tool: Tool) -> JsonObject:
    """The JSON Schema of the arguments, in the forms that are read back as their types."""
    types: list[Any] = [one.type for one in tool.parameters]
    schemas, parts = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    properties = {
        one.name: {
            **schema,
            **({"pattern": one.pattern} if one.pattern else {}),
            **({"description": one.description} if one.description else {}),
        }
        for one, schema in zip(tool.parameters, schemas, strict=True)
    }
    return {
        "type": "object",
        "properties": properties,
        "required": [one.name for one in tool.parameters if one.is_required],
        "additionalProperties": False,
        **({"$defs": parts} if parts else {}),
    }


def _converted(tool: Tool, arguments: JsonObject, zone: tzinfo) -> dict[str, object]:
    """What the model gave, as the types of the parameters; ``ModelRetry`` tells it what is wrong.

    A time without a zone is one where the users are.
    """
    unknown = arguments.keys() - {one.name for one in tool.parameters}
    if unknown:
        raise ModelRetry(f"There is no parameter {min(unknown)!r}.")
    values: dict[str, object] = {}
    for parameter in tool.parameters:
        if parameter.name not in arguments:
            if parameter.is_required:
                raise ModelRetry(f"{parameter.name!r} is missing; ask the user if need be.")
            continue
        try:
            value = parameter.converted(arguments[parameter.name])
        except msgspec.ValidationError as error:
            raise ModelRetry(f"{parameter.name!r}: {error}") from error
        values[parameter.name] = _in_zone(value, zone)
    return values


def _in_zone(value: object, zone: tzinfo) -> object:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=zone)
    return value
