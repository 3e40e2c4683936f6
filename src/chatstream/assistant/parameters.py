"""What a tool needs to know: its parameters, what kind of value each is, and how to ask for it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, cast, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec import inspect as types

from chatstream.assistant.examples import Cue
from chatstream.assistant.slots.money import Money
from chatstream.assistant.text_patterns import check_pattern, without_pattern
from chatstream.domain.steps import CancelReminder, JsonObject, Option, Remind
from chatstream.errors import ConfigurationError

Kind = Literal[
    "moment", "date", "time", "duration", "money", "email", "url", "choice", "flag",
    "integer", "number", "text", "other",
]  # fmt: skip
Email = Annotated[str, Meta(extra_json_schema={"format": "email"})]
"""The type of a parameter that is an e-mail address."""
Url = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
"""The type of a parameter that is a web address."""
_FORMATS: dict[str, str] = {"moment": "date-time", "date": "date", "time": "time"}
NAME_CUES = (
    "called", "named", "titled", "labelled", "labeled", "name it", "call it", "label it",
    "with the name", "by the name of", "the name", "the title", "as the name",
)  # fmt: skip


class ToolContext(Struct, frozen=True):
    """Handed to a tool that has a parameter of this type.

    ``call_id`` is the same however often the call is tried: an idempotency key. ``now`` is when
    the user asked, in the assistant's time zone; ``said`` is the message, as it was written.
    ``later`` holds what was asked for by ``remind`` and ``cancel_reminder``: it counts once the
    tool has returned.
    """

    user_id: str
    user_chat_id: str
    call_id: str
    now: datetime
    said: str = ""
    later: list[Remind | CancelReminder] = []

    def remind(self, at: datetime, content: str) -> None:
        """Say ``content`` in this chat at ``at``, by itself."""
        key = f"{self.call_id}-{len(self.later)}"
        self.later.append(Remind(content, round(at.timestamp() * 1000), key))

    def cancel_reminder(self, key: str, user_chat_id: str | None = None) -> None:
        """Do not say it; ``user_chat_id`` where it was set in another chat of the user."""
        self.later.append(CancelReminder(key, user_chat_id))


class Parameter(Struct, frozen=True):
    """One value that a tool takes; ``default`` counts where it is not ``is_required``, and
    ``pattern`` is what a text has to hold, which ``type`` does not say."""

    name: str
    type: object
    kind: Kind
    is_required: bool
    label: str
    prompt: str
    description: str = ""
    default: object = None
    options: tuple[Option, ...] = ()
    cues: tuple[Cue, ...] = ()
    synonyms: Mapping[str, Sequence[str]] = {}
    pattern: str | None = None

    @property
    def schema(self) -> JsonObject:
        """The JSON Schema of its field in a form."""
        described = {"title": self.label} | (
            {"description": self.description} if self.description else {}
        )
        if self.kind in {"duration", "money"}:
            return {"type": "string", "minLength": 1, **described}  # read by the grammar
        if self.kind == "choice":
            return {"enum": [option.value for option in self.options], **described}
        if self.kind in _FORMATS:  # a picker gives a local time: no offset
            return {"type": "string", "format": _FORMATS[self.kind], **described}
        pattern = {} if self.pattern is None else {"pattern": self.pattern}
        return {**msgspec.json.schema(self.type), **pattern, **described}

    def converted(self, raw: object, *, strict: bool = True) -> object:
        """``raw`` as the parameter's type.

        Raises:
            msgspec.ValidationError: it does not fit.
        """
        value: object = msgspec.convert(raw, self.type, strict=strict)
        if self.pattern is not None and isinstance(value, str):
            check_pattern(self.pattern, value)
        return value


class Wording(Struct, frozen=True):
    """What a tool's author wrote of a parameter."""

    text: str
    asked: str
    cues: tuple[Cue, ...]
    synonyms: Mapping[str, Sequence[str]]


def parameters_of(
    function: Callable[..., object],
    described: Mapping[str, str],
    prompts: Mapping[str, str],
    cues: Mapping[str, tuple[Cue, ...]],
    synonyms: Mapping[str, Sequence[str]],
) -> tuple[Parameter, ...]:
    """The parameters of ``function`` but that of type ``ToolContext``.

    Raises:
        ConfigurationError: one has no type, or takes any number of values.
    """
    hints = get_type_hints(function, include_extras=True)
    found: list[Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        if hints.get(parameter.name) is ToolContext:
            continue
        where = f"parameter {parameter.name!r} of the tool {function.__name__!r}"
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise ConfigurationError(f"the {where} takes any number of values: name each one")
        if parameter.name not in hints:
            raise ConfigurationError(f"the {where} has no type")
        text = described.get(parameter.name, "")
        asked = prompts.get(parameter.name) or (text if text.endswith("?") else "")
        words = Wording(text, asked, cues.get(parameter.name, ()), synonyms)
        hint, pattern = without_pattern(hints[parameter.name], where)
        made = _parameter(parameter, hint, words)
        found.append(msgspec.structs.replace(made, pattern=pattern))
    return tuple(found)


def context_name(function: Callable[..., object]) -> str | None:
    """The parameter that takes the ``ToolContext``, if there is one."""
    hints = get_type_hints(function)
    return next((name for name, hint in hints.items() if hint is ToolContext), None)


def _parameter(parameter: inspect.Parameter, hint: object, words: Wording) -> Parameter:
    label = parameter.name.replace("_", " ").strip().capitalize()
    kind, options = _kind_of(types.type_info(hint))
    is_required = parameter.default is inspect.Parameter.empty
    description = "" if words.text.endswith("?") else words.text
    return Parameter(
        name=parameter.name,
        type=hint,
        kind=kind,
        is_required=is_required,
        label=label,
        prompt=words.asked or _prompt(label, description, kind),
        description=description,
        default=None if is_required else parameter.default,
        options=options,
        cues=words.cues + _name_cues(parameter.name),
        synonyms=words.synonyms,
    )


_QUESTION_WORDS = frozenset({"when", "where", "who", "which", "what", "how"})


def _prompt(label: str, description: str, kind: Kind) -> str:
    if kind == "flag":
        return f"{description.rstrip('.') or label}: yes or no?"
    if description:
        return f"Please tell me {_lowered(description).rstrip('.')}."
    if label.partition(" ")[0].lower() in _QUESTION_WORDS:
        return f"{label} shall it be?"
    return f"What {_lowered(label)} shall it be?"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _name_cues(name: str) -> tuple[Cue, ...]:
    if not re.search(r"(?:^|_)(?:name|title|label)$", name):
        return ()
    return tuple(Cue(tuple(words.split()), ()) for words in NAME_CUES)


def _kind_of(info: types.Type) -> tuple[Kind, tuple[Option, ...]]:
    match info:
        case types.Metadata(type=inner):
            schema = cast("JsonObject", info.extra_json_schema or {})
            formats: dict[str, Kind] = {"email": "email", "uri": "url"}
            kind, options = _kind_of(inner)
            return formats.get(str(schema.get("format")), kind), options
        case types.UnionType():
            wanted = [one for one in info.types if not isinstance(one, types.NoneType)]
            return _kind_of(wanted[0]) if len(wanted) == 1 else ("other", ())
        case types.EnumType():
            return "choice", tuple(_option(str(member.value)) for member in info.cls)
        case types.LiteralType():
            return "choice", tuple(_option(str(value)) for value in info.values)
        case types.StructType() if info.cls is Money:
            return "money", ()
        case _:
            return _SIMPLE.get(type(info), "other"), ()


_SIMPLE: dict[type[types.Type], Kind] = {
    types.DateTimeType: "moment",
    types.DateType: "date",
    types.TimeType: "time",
    types.TimeDeltaType: "duration",
    types.BoolType: "flag",
    types.IntType: "integer",
    types.FloatType: "number",
    types.DecimalType: "number",
    types.StrType: "text",
}


def _option(value: str) -> Option:
    return Option(value, value.replace("_", " "))
