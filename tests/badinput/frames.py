"""Hypothesis strategies for frames that are nearly right: known types and fields, any values."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from tests.badinput.corpus import CHAT, FIELDS, TYPES, WRONG

ids = st.sampled_from((CHAT, "a", "nothing", "A" * 64)) | st.text(max_size=70)
numbers = st.integers(-(2**64), 2**64) | st.floats(allow_nan=True, allow_infinity=True)
scalars = ids | numbers | st.booleans() | st.none() | st.text(max_size=300)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
names = st.sampled_from(sorted({name for fields in FIELDS.values() for name in fields}))
types = st.sampled_from([one for one in TYPES if one != "close"]) | st.text(max_size=12)
frames = st.builds(
    lambda kind, fields, chat: {"type": kind, "id": "f", "user_chat_id": chat, **fields},
    types,
    st.dictionaries(names, values | st.sampled_from(WRONG), max_size=5),
    ids,
)


def written(frame: object, *, as_ascii: bool, cut: int) -> str:
    """A frame's text, with or without escapes, now and then not all of it."""
    text = json.dumps(frame, ensure_ascii=as_ascii)
    # A lone surrogate has no bytes, unless it is escaped.
    text = text.encode("utf-8", "replace").decode()
    return text if cut else text[: len(text) // 2]


texts = st.builds(written, frames | values, as_ascii=st.booleans(), cut=st.integers(0, 9))
messages = texts | st.binary(max_size=60)
