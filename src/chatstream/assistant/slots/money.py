"""Sums of money: ``$12.50``, ``12 dollars``, ``EUR 1,200``, ``five pounds``."""

from __future__ import annotations

import re

from msgspec import Struct

from chatstream.assistant.pattern import Pattern
from chatstream.assistant.slots.found import Found
from chatstream.assistant.slots.numbers import find_numbers

_CURRENCIES = {
    "$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD", "buck": "USD",
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "quid": "GBP",
    "¥": "JPY", "jpy": "JPY", "yen": "JPY",
    "chf": "CHF", "franc": "CHF", "francs": "CHF",
    "₹": "INR", "inr": "INR", "rupee": "INR", "rupees": "INR",
}  # fmt: skip
_NAMES = "|".join(re.escape(name) for name in sorted(_CURRENCIES, key=len, reverse=True))
_BEFORE = Pattern(rf"(?<!\w)(?P<name>{_NAMES})\s*$", re.IGNORECASE)
_AFTER = Pattern(rf"\s*(?P<name>{_NAMES})(?!\w)", re.IGNORECASE)
_SIGNED = Pattern(r"(?P<name>[$€£¥₹])\s*")


class Money(Struct, frozen=True):
    """An amount in a currency (ISO 4217), as a parameter's type."""

    amount: float
    currency: str


def find_money(text: str) -> list[Found[Money]]:
    """Every sum of money in ``text``; a number without a currency is none."""
    found: list[Found[Money]] = []
    for number in find_numbers(_SIGNED.sub(lambda sign: " " * len(sign.group()), text)):
        before, after = _BEFORE.search_before(text, number.start), _AFTER.match(text, number.end)
        name = before or after
        if name is None:
            continue
        start = before.start() if before else number.start
        end = number.end if before or after is None else after.end()
        money = Money(number.value, _CURRENCIES[name["name"].lower()])
        found.append(Found(money, start, end))
    return found
