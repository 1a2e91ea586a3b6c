"""The price of a model: read it, and describe it in words. Pure functions."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from .json_types import is_object

# The unit that is billed, and the field with its price.
_METHODS = {
    "per_image": ("image", "cost_per_image"),
    "per_video_output_second": ("second", "cost_per_second"),
    "per_audio_output_second": ("second of audio", "cost_per_second"),
    "per_provider_credit": ("provider credit", "cost_per_credit"),
    "time": ("second of compute", "cost_per_second"),
    "token": ("token", ""),
}
_TOKEN_FIELDS = {"input_cost_per_token": "input tokens", "output_cost_per_token": "output tokens"}
_VARIANT_FIELDS = {
    "cost_per_second_with_audio": "with audio",
    "cost_per_second_high_res": "at high resolution",
}
# By resolution, or by quality and resolution.
_TABLE_FIELDS = ("cost_per_second_by_resolution", "cost_per_image_grid")
_MAX_DIGITS = 12


class _Price(NamedTuple):
    """The parts of a price that are recognized, and the others."""

    base: list[tuple[Decimal, str]]
    """Amounts and their units."""
    variants: list[tuple[Decimal, str]]
    """Amounts per unit of the method and their conditions, in ascending order."""
    unit: str
    other: dict[str, Any]


def describe_price(pricing: object) -> str | None:
    """Return a price in words, such as "$0.231 per second; $0.103 at 480p, $0.569 at 1080p".

    Args:
        pricing: The `pricing` of a model as the API returns it. Unknown fields and methods are included
            literally.

    Returns:
        The price; None if the API states none.
    """
    if not pricing:
        return None
    if not is_object(pricing):
        return json.dumps(pricing, ensure_ascii=False)
    price = _parse_price(pricing)
    if price is None:
        return ", ".join(_format_fields(pricing))
    base = [f"{format_amount(amount)} per {unit}" for amount, unit in price.base]
    variants = [f"{format_amount(amount)} {condition}" for amount, condition in price.variants]
    if variants and not base:
        amount, condition = price.variants[0]
        variants[0] = f"{format_amount(amount)} per {price.unit} {condition}"
    parts = (", ".join(part) for part in (base, variants, _format_fields(price.other)))
    return "; ".join(filter(None, parts)) or None


def find_rate(pricing: object) -> tuple[str, Decimal] | None:
    """Return the unit that is billed, such as "image", and the lowest amount per unit.

    Of tokens, it is the first kind in the price: input tokens, else output tokens.

    Args:
        pricing: The `pricing` of a model as the API returns it.

    Returns:
        The rate; None if the price has no amount in a known form.
    """
    price = _parse_price(pricing) if is_object(pricing) else None
    if price is None or not (price.base or price.variants):
        return None
    unit = price.base[0][1] if price.base else price.unit
    amounts = [
        *(amount for amount, other in price.base if other == unit),
        *(part[0] for part in price.variants),
    ]
    return unit, min(amounts)


def _parse_price(pricing: dict[str, Any]) -> _Price | None:
    """Return the parts of a price; None if its method is unknown."""
    method = str(pricing.get("method"))
    if method not in _METHODS:
        return None
    unit, base_field = _METHODS[method]
    base: list[tuple[Decimal, str]] = []
    variants: list[tuple[Decimal, str]] = []
    other: dict[str, Any] = {}
    for key, value in sorted(pricing.items()):
        amount = parse_amount(value)
        if amount is not None and key == base_field:
            base.append((amount, unit))
        elif amount is not None and key in _TOKEN_FIELDS:
            base.append((amount.scaleb(6), f"million {_TOKEN_FIELDS[key]}"))
        elif amount is not None and key in _VARIANT_FIELDS:
            variants.append((amount, _VARIANT_FIELDS[key]))
        elif key in _TABLE_FIELDS and (cells := _parse_table(value)):
            variants.extend((amount, f"at {name}") for amount, name in cells)
        elif value is not None and key != "method":
            other[key] = value
    return _Price(base, sorted(variants), unit, other)


def _parse_table(table: object) -> list[tuple[Decimal, str]]:
    """Return the amount and name of each cell, or [] if the table has an unexpected form.

    The name is the quality and resolution; a single quality is omitted.
    """
    cells: list[tuple[Decimal, str]] = []
    if not is_object(table):
        return cells
    for row, value in table.items():
        for column, cell in (value if is_object(value) else {"": value}).items():
            amount = parse_amount(cell)
            if amount is None:
                return []
            name = column if column and len(table) == 1 else f"{row} {column}".strip()
            cells.append((amount, name))
    return cells


def parse_amount(value: object) -> Decimal | None:
    """Return a number, or a text with a number, as a decimal."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    is_plausible = amount.is_finite() and (not amount or abs(amount.adjusted()) <= _MAX_DIGITS)
    return amount if is_plausible and len(amount.as_tuple().digits) <= 2 * _MAX_DIGITS else None


def format_range(low: Decimal, high: Decimal) -> str:
    """Return a range of amounts in dollars, or the amount if both are equal."""
    return format_amount(low) if low == high else f"{format_amount(low)} to {format_amount(high)}"


def format_amount(amount: Decimal | int) -> str:
    """Return an amount in dollars, with two decimals at least unless it is a whole number."""
    text = f"{Decimal(amount):f}"
    if "." in text:
        whole, _, decimals = text.partition(".")
        decimals = decimals.rstrip("0")
        text = f"{whole}.{decimals:0<2}" if decimals else whole
    return f"-${text[1:]}" if text.startswith("-") else f"${text}"


def _format_fields(fields: dict[str, Any]) -> list[str]:
    return [f"{key} {json.dumps(fields[key], ensure_ascii=False, sort_keys=True)}" for key in sorted(fields)]
