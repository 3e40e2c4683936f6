"""Old stored forms to today's, for the fold only: readers get the stored bytes, for ever.

A stored form is a topic (``user.1``) and one JSON object. When the meaning of a stored form
changes it gets a new number, and a pure function from the old object to the new one is added
to ``UPCASTERS``. The erased form (content removed, ``erased`` true) is one of the old forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

JsonObject = dict[str, Any]
Upcaster = Callable[[JsonObject], JsonObject]

# old topic -> (newer topic, function). Nothing has been released under another form yet.
UPCASTERS: Mapping[str, tuple[str, Upcaster]] = {}

# What a person or an agent wrote: gone after an erasure (protocol, section 9).
WRITTEN_FIELDS = frozenset(
    {
        "content",
        "text",
        "values",
        "slots",
        "title",
        "schema",
        "options",
        "arguments",
        "result",
        "data",
        "message",
    }
)
# Stand-ins for required fields, so that an erased fact still folds.
_BLANKS: dict[str, JsonObject] = {
    "user": {"content": ""},
    "thinking": {"content": ""},
    "response": {"content": ""},
    "partial": {"text": ""},
    "component_submitted": {"values": {}},
    "error": {"message": ""},
}


def upcast(
    topic: str, form: JsonObject, upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS
) -> tuple[str, JsonObject]:
    """``form`` in the newest form that ``topic`` leads to, and that form's topic."""
    while topic in upcasters:
        topic, change = upcasters[topic]
        form = change(form)
    if form.get("erased"):
        form = {**_BLANKS.get(str(form.get("type")), {}), **form}
    return topic, form


def erased(form: JsonObject) -> JsonObject:
    """``form`` without what anyone wrote, marked as erased; its order of keys is kept."""
    kept = {name: value for name, value in form.items() if name not in WRITTEN_FIELDS}
    return {**kept, "erased": True}
