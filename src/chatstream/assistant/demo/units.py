"""Conversions of units: lengths, weights, volumes, temperatures. No currencies: they move."""

from __future__ import annotations

from typing import Literal

from chatstream.assistant.tools import Tool, ToolFailed, tool

Unit = Literal[
    "millimetre", "centimetre", "metre", "kilometre", "inch", "foot", "yard", "mile",
    "gram", "kilogram", "ounce", "pound", "millilitre", "litre", "cup", "gallon",
    "celsius", "fahrenheit", "kelvin",
]  # fmt: skip
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "millimetre": ("mm", "millimeter"),
    "centimetre": ("cm", "centimeter"),
    "metre": ("m", "meter"),
    "kilometre": ("km", "kilometer"),
    "foot": ("feet", "ft"),
    "gram": ("g",),
    "kilogram": ("kg", "kilo"),
    "ounce": ("oz",),
    "pound": ("lb", "lbs"),
    "millilitre": ("ml", "milliliter"),
    "litre": ("l", "liter"),
    "celsius": ("°C", "centigrade"),
    "fahrenheit": ("°F",),
}
_SIZES: dict[Unit, tuple[str, float]] = {
    "millimetre": ("length", 0.001),
    "centimetre": ("length", 0.01),
    "metre": ("length", 1.0),
    "kilometre": ("length", 1000.0),
    "inch": ("length", 0.0254),
    "foot": ("length", 0.3048),
    "yard": ("length", 0.9144),
    "mile": ("length", 1609.344),
    "gram": ("weight", 0.001),
    "kilogram": ("weight", 1.0),
    "ounce": ("weight", 0.028349523125),
    "pound": ("weight", 0.45359237),
    "millilitre": ("volume", 0.001),
    "litre": ("volume", 1.0),
    "cup": ("volume", 0.2365882365),
    "gallon": ("volume", 3.785411784),
}
_TO_KELVIN: dict[Unit, tuple[float, float]] = {
    "celsius": (1.0, 273.15),
    "fahrenheit": (5 / 9, 459.67 * 5 / 9),
    "kelvin": (1.0, 0.0),
}


def unit_tools() -> list[Tool]:
    """The tool; it keeps nothing."""

    @tool(
        examples=[
            "convert {amount: 5} {source: miles} to {target: kilometres}",
            "how many {target: pounds} are {amount: 3} {source: kilograms}",
            "what is {amount: 70} {source: fahrenheit} in {target: celsius}",
            "{amount: 12} {source: inches} in {target: cm}",
            "convert units",
        ],
        synonyms=_SYNONYMS,
        idempotent=True,
        digression=True,
    )
    def convert(amount: float, source: Unit, target: Unit) -> str:
        """Convert units of length, weight, volume and temperature.

        Args:
            amount: How much is it?
            source: What unit is it in?
            target: What unit do you want it in?
        """
        result = converted(amount, source, target)
        return f"{amount:,.6g} {_plural(source, amount)} = {result:,.6g} {_plural(target, result)}"

    return [convert]


def converted(amount: float, source: Unit, target: Unit) -> float:
    """``amount`` in another unit of the same kind.

    Raises:
        ToolFailed: the units measure different things.
    """
    if source in _TO_KELVIN and target in _TO_KELVIN:
        (factor, offset), (to_factor, to_offset) = _TO_KELVIN[source], _TO_KELVIN[target]
        return (amount * factor + offset - to_offset) / to_factor
    kind, size = _SIZES.get(source, ("temperature", 1.0))
    to_kind, to_size = _SIZES.get(target, ("temperature", 1.0))
    if kind != to_kind:
        raise ToolFailed(f"A {kind} cannot be converted to a {to_kind}.")
    return amount * size / to_size


def _plural(unit: Unit, amount: float) -> str:
    if amount == 1 or unit in _TO_KELVIN:
        return unit
    return {"foot": "feet", "inch": "inches"}.get(unit, f"{unit}s")
