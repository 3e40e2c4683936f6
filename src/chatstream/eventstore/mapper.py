"""Facts to stored bodies and back.

A body is the fact's JSON, which is its frame without ``user_chat_id`` and ``position``; where
something is stored that is never framed, a newline and that as a second JSON object follow.
So a frame ends at the first newline and is never encoded again.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from chatstream.domain.events import FACTS, AnyFact, Hidden
from chatstream.domain.upcasting import UPCASTERS, JsonObject, Upcaster, erased, upcast
from chatstream.eventstore.store import NewEvent
from chatstream.protocol.numbers import finite

_encoder = msgspec.json.Encoder()
_hidden_decoder = msgspec.json.Decoder(Hidden, float_hook=finite)
_object_decoder = msgspec.json.Decoder(JsonObject, float_hook=finite)
_NOTHING_HIDDEN = Hidden()
_ERASED_END = b'"erased":true}'


def _tag(fact: type[AnyFact]) -> str:
    return str(fact.__struct_config__.tag)


TOPICS: Mapping[type[AnyFact], str] = {fact: f"{_tag(fact)}.1" for fact in FACTS}
_decoders = {topic: msgspec.json.Decoder(fact, float_hook=finite) for fact, topic in TOPICS.items()}
_types = {topic: fact for fact, topic in TOPICS.items()}


def encode(fact: AnyFact) -> NewEvent:
    """The stored form of ``fact``; ``UnicodeEncodeError`` for a lone surrogate."""
    hidden = fact.hidden
    if hidden is None:
        body = _encoder.encode(fact)
    else:
        body = _encoder.encode(replace(fact, hidden=None))
        if hidden != _NOTHING_HIDDEN:
            body += b"\n" + _encoder.encode(hidden)
    return NewEvent(TOPICS[type(fact)], body, fact.event_id)


def decode(
    topic: str, body: bytes, upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS
) -> AnyFact | None:
    """The fact in ``body``; None for a topic that this version does not know."""
    framed, _, hidden = body.partition(b"\n")
    if topic in _decoders and not framed.endswith(_ERASED_END):
        fact = _decoders[topic].decode(framed)
    else:
        topic, form = upcast(topic, _object_decoder.decode(framed), upcasters)
        if topic not in _types:
            return None
        fact = msgspec.convert(form, _types[topic])
    return replace(fact, hidden=_hidden_decoder.decode(hidden)) if hidden else fact


def erase(_topic: str, body: bytes) -> bytes:
    """The body of an event after an erasure; repeats of its command are known by id alone."""
    framed, _, rest = body.partition(b"\n")
    line = _encoder.encode(erased(_object_decoder.decode(framed)))
    hidden = _hidden_decoder.decode(rest) if rest else _NOTHING_HIDDEN
    kept = Hidden(
        command=None if hidden.command is None else replace(hidden.command, digest=""),
        crashes=hidden.crashes,
    )
    return line if kept == _NOTHING_HIDDEN else line + b"\n" + _encoder.encode(kept)
