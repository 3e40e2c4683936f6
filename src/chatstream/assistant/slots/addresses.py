"""E-mail addresses and URLs."""

from __future__ import annotations

import re

from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.found import Found

_EMAIL = Pattern(
    r"(?<![\w.+-])[\w.+-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)
_URL = Pattern(r"(?<![\w@.])(?:https?://[^\s<>\"]{1,2000}|www\.[^\s<>\"]{1,2000})", re.IGNORECASE)
_TRAILING = ".,;:!?)'\"]"


def find_emails(text: str) -> list[Found[str]]:
    """Every e-mail address in ``text``."""
    return [Found(match.group(), match.start(), match.end()) for match in _EMAIL.finditer(text)]


def find_urls(text: str) -> list[Found[str]]:
    """Every web address in ``text``; ``www.`` ones get ``https://``."""
    found: list[Found[str]] = []
    for match in _URL.finditer(text):
        shown = match.group().rstrip(_TRAILING)
        url = shown if "://" in shown else f"https://{shown}"
        if not url.endswith("//"):
            found.append(Found(url, match.start(), match.start() + len(shown)))
    return found
