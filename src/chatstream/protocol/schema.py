"""The JSON Schema of every frame, made from the structs that are sent and received.

Clients generate their types from it (``GET /schema/frames.json``, ``chatstream schema``).
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from chatstream.domain.events import FACTS
from chatstream.domain.views import ChatView
from chatstream.protocol.frames import ClientFrame, OpenedHead, ServerFrame

JsonObject = dict[str, Any]
_REF = "#/$defs/{name}"
_ALWAYS = ("event_id", "timestamp", "user_id")  # a fact that is stored has them
_TEXT = {"type": "string"}


def frames_schema() -> JsonObject:
    """One schema document: ``ClientFrame``, ``ControlFrame``, ``EventFrame`` and their parts."""
    clients = get_args(ClientFrame)
    controls = (*get_args(ServerFrame), OpenedHead)
    _, defs = msgspec.json.schema_components(
        (*clients, *controls, ChatView, *FACTS), ref_template=_REF
    )
    defs["Opened"] = _opened(defs.pop("OpenedHead"), defs.pop("ChatView"))
    for fact in FACTS:
        defs[fact.__name__] = _event_frame(defs[fact.__name__])
    for hidden in ("Hidden", "CommandKey", "ReminderMark"):
        defs.pop(hidden, None)
    unions = {
        "ClientFrame": clients,
        "ControlFrame": get_args(ServerFrame),
        "EventFrame": FACTS,
    }
    for name, members in unions.items():
        defs[name] = {"anyOf": [_reference(member.__name__) for member in members]}
    defs["ControlFrame"]["anyOf"].append(_reference("Opened"))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "chatstream.v1 frames",
        "anyOf": [_reference(name) for name in unions],
        "$defs": dict(sorted(defs.items())),
    }


def _reference(name: str) -> JsonObject:
    return {"$ref": _REF.format(name=name)}


def _opened(head: JsonObject, chat: JsonObject) -> JsonObject:
    """``opened`` is its own fields and the view of the chat in one object."""
    return {
        **head,
        "title": "Opened",
        "properties": {**head["properties"], **chat["properties"]},
        "required": sorted({*head["required"], *chat["required"]}),
    }


def _event_frame(stored: JsonObject) -> JsonObject:
    """A stored fact as it is framed: with its chat and position, without what is hidden."""
    properties = {key: value for key, value in stored["properties"].items() if key != "hidden"}
    tag, *others = stored["required"]
    return {
        **stored,
        "properties": {
            "user_chat_id": {"type": "string"},
            "position": {"type": "integer", "minimum": 1},
            **{key: _without_null(value) for key, value in properties.items()},
            **dict.fromkeys(_ALWAYS, _TEXT),
            "erased": {"const": True},
        },
        "required": ["user_chat_id", "position", tag, *_ALWAYS, *others],
    }


def _without_null(schema: JsonObject) -> JsonObject:
    """A field that does not apply is absent, never null."""
    if "anyOf" not in schema or {"type": "null"} not in schema["anyOf"]:
        return schema
    rest = [option for option in schema["anyOf"] if option != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**kept, **rest[0]} if len(rest) == 1 else {**kept, "anyOf": rest}
