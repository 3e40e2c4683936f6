"""What an agent yields, checked before it is under way: agents are not trusted with types or
texts, and a step that nobody can store must not take others with it."""

from __future__ import annotations

import re
from types import FrameType
from typing import Final, NamedTuple, get_args

import msgspec
from msgspec.structs import fields

from chatstream.domain.steps import Step
from chatstream.errors import AgentError, Refused, StepRefused
from chatstream.protocol.content import MAX_DEPTH, has_escaped_nul, too_deep
from chatstream.protocol.numbers import finite
from chatstream.turns.mending import mended

LARGEST_STEP: Final = 4 * 1024 * 1024
"""Bytes of any step but streamed text, as JSON."""
_encoder = msgspec.json.Encoder()
_decoders: dict[type[Step], msgspec.json.Decoder[Step]] = {
    kind: msgspec.json.Decoder(kind, float_hook=finite) for kind in get_args(Step)
}
_NAMES: Final = ", ".join(kind.__name__ for kind in get_args(Step))
# msgspec quotes a value that is none of those allowed; it may be somebody's words.
_QUOTED = re.compile(r"(Invalid (?:enum )?value) .*?( - at|$)", re.DOTALL)


class ContractError(AgentError):
    """An agent yielded what is no step. The message says what was wrong, what is allowed, and
    where; nothing that people or agents wrote is in it."""


class Checked(NamedTuple):
    """A step as it will be read back, and whether text of it had to be mended."""

    step: Step
    was_mended: bool


def checked(step: object) -> Checked:
    """``step`` as it is stored.

    Raises:
        ContractError: it is no step, or a field of it is of a wrong type.
        StepRefused: ``too_large``, or ``invalid_frame`` where it is nested too deep.
    """
    decoder = _decoders.get(type(step))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    if decoder is None:
        raise ContractError(
            f"an object of type {type(step).__name__} is no step: a str or one of {_NAMES}"
            " is needed"
        )
    try:
        return _checked(step, decoder)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ContractError(_told(type(step), error)) from None


def place_of(steps: object) -> str:
    """File and line at which an agent's generator stands, or nothing where that is not known."""
    frame = getattr(steps, "ag_frame", None)
    if not isinstance(frame, FrameType):
        return ""
    return f" ({frame.f_code.co_filename}, line {frame.f_lineno}, in {frame.f_code.co_name})"


def _checked(step: object, decoder: msgspec.json.Decoder[Step]) -> Checked:
    try:
        encoded = _encoder.encode(step)
        is_clean = not has_escaped_nul(encoded)
    except UnicodeEncodeError:
        encoded, is_clean = b"", False
    was_mended = False
    if not is_clean:
        plain = msgspec.to_builtins(step, str_keys=True)
        whole = mended(plain)
        was_mended = not encoded or whole != plain
        encoded = _encoder.encode(whole)
    _refuse_what_no_frame_holds(type(step).__name__, encoded)
    return Checked(decoder.decode(encoded), was_mended)


def _refuse_what_no_frame_holds(step: str, encoded: bytes) -> None:
    if len(encoded) > LARGEST_STEP:
        refusal = Refused("too_large", f"a step has at most {LARGEST_STEP} bytes as JSON")
        raise StepRefused(step, refusal)
    if too_deep(encoded):
        # Who writes or reads it on a deeper stack could not, though it was stored.
        refusal = Refused("invalid_frame", f"a step is nested at most {MAX_DEPTH} deep")
        raise StepRefused(step, refusal)


def _told(kind: type, error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        what = _QUOTED.sub(r"\1\2", str(error))
    elif type(error) in {TypeError, msgspec.EncodeError} and "unsupported" in str(error):
        what = str(error)  # it names a type
    else:
        what = f"it cannot be written as JSON ({type(error).__name__})"
    return f"{what}: {_signature(kind)} is needed"


def _signature(kind: type) -> str:
    told = ", ".join(f"{field.name}: {_type_name(field.type)}" for field in fields(kind))
    return f"{kind.__name__}({told})"


def _type_name(kind: object) -> str:
    return re.sub(r"\b(?:typing|chatstream(?:\.\w+)*|builtins)\.", "", _bare(kind))


def _bare(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
