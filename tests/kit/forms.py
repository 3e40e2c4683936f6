"""The form that the agent of the conformance suite shows."""

from __future__ import annotations

FORM_SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "count": {"type": "integer", "minimum": 1},
        "script": {"type": "string"},
    },
    "required": ["city"],
}
