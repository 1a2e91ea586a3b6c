# Copied by oxen-codegen from codegen/oxen_codegen/estimates.py. Do not edit.
"""Estimate the cost of a request from the recorded price of its model. Pure functions.

Where clients of the API compute different costs, the estimate is the range of both. Where the record does not
determine the cost, there is no estimate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from .composition import expand_schema
from .json_types import is_object
from .priced_parameters import AUTOMATIC, Parameters, find_unpriced_parameter
from .prices import format_range, parse_amount

_SECONDS = re.compile(r"(\d+(\.\d+)?) ?s?")
_RESOLUTION_SYNONYMS = {"1024": "1k", "1440": "2k", "2048": "2k", "2160": "4k", "3840": "4k"}
_HIGH_RESOLUTIONS = frozenset({"2k", "4k"})
# The vendor lists only 2k and 4k at the high rate, and one client bills these at it, too.
_DISPUTED_RESOLUTIONS = frozenset({"1080", "1440"})
_DRAFT_RESOLUTION = "480p"
_FINAL_RESOLUTION = "1080p"


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated cost of a request. It is true as a condition, and `NoEstimate` is false."""

    low: Decimal
    """The lowest cost."""
    high: Decimal
    """The highest cost; `low` if the cost is determined."""
    currency: str
    """The currency: USD."""
    basis: str
    """The quantities and rates, and the reason if it is a range."""

    def __bool__(self) -> Literal[True]:
        return True

    def __str__(self) -> str:
        return format_range(self.low, self.high)


@dataclass(frozen=True, slots=True)
class NoEstimate:
    """The cost of a request cannot be estimated. It is false as a condition."""

    reason: str
    """Why the cost is unknown before the call."""

    def __bool__(self) -> Literal[False]:
        return False

    def __str__(self) -> str:
        return f"no estimate: {self.reason}"


class _UnknownCostError(Exception):
    """The record does not determine the cost."""


class _Range(NamedTuple):
    """A rate or a quantity."""

    low: Decimal
    high: Decimal
    text: str


def estimate_cost(
    pricing: object, schema: object, sent: Mapping[str, Any], count: int = 1
) -> Estimate | NoEstimate:
    """Return the estimated cost of a request.

    Args:
        pricing: The `pricing` of the model as the API returns it.
        schema: The parameter schema of the model, which has the defaults.
        sent: The parameters of the request, by wire name.
        count: The number of results that the request generates.
    """
    if not is_object(pricing) or not pricing:
        return NoEstimate("the price of the model is not known")
    properties = expand_schema(schema).get("properties") if is_object(schema) else None
    parameters = Parameters(properties if is_object(properties) else {}, sent)
    method = pricing.get("method")
    try:
        name = find_unpriced_parameter(pricing, parameters)
        if name is not None:
            raise _UnknownCostError(f"{name} changes the price by an amount that is not published")
        match method:
            case "per_image":
                rate, quantity = _find_image_rate(pricing, parameters), _count_images(parameters)
            case "per_video_output_second":
                rate, quantity = _find_video_rate(pricing, parameters), _find_seconds(parameters, "video")
            case "per_audio_output_second":
                rate = _find_single_rate(pricing, "cost_per_second", "second")
                quantity = _find_seconds(parameters, "sound")
            case "per_provider_credit":
                raise _UnknownCostError("the number of provider credits is not known before the call")
            case "token":
                raise _UnknownCostError("the number of tokens is not known before the call")
            case "time":
                raise _UnknownCostError("the seconds of compute are not known before the call")
            case _:
                raise _UnknownCostError(f"the price has an unknown method: {method!r:.80}")
    except _UnknownCostError as error:
        return NoEstimate(str(error))
    each = f"{count} results, each of " if count != 1 else ""
    return Estimate(
        rate.low * quantity.low * count,
        rate.high * quantity.high * count,
        "USD",
        f"{each}{quantity.text} at {rate.text}",
    )


def _find_image_rate(pricing: Mapping[str, Any], parameters: Parameters) -> _Range:
    grid = pricing.get("cost_per_image_grid")
    if not is_object(grid) or not grid:
        return _find_single_rate(pricing, "cost_per_image", "image")
    size = "resolution" if "resolution" in parameters.nodes or parameters.is_sent("resolution") else "size"
    rates: dict[str, Decimal] = {}
    for quality, row in _select(grid, parameters, "quality").items():
        cells = _select(row, parameters, size) if is_object(row) else {"": row}
        for resolution, cell in cells.items():
            rates[f"{quality} {resolution}".strip()] = _parse_rate(cell)
    return _combine(rates, "image")


def _count_images(parameters: Parameters) -> _Range:
    value = parameters.find_value("num_images")
    if value is None and "num_images" not in parameters.nodes:
        value = 1
    limits = parameters.list_limits("num_images", 1) if value is None else [value]
    return _describe_quantity(limits, _parse_count, "image", "number of images")


def _find_video_rate(pricing: Mapping[str, Any], parameters: Parameters) -> _Range:
    table: Any = pricing.get("cost_per_second_by_resolution")
    table = table if is_object(table) else {}
    high_rate = _parse_optional_rate(pricing, "cost_per_second_high_res")
    audio_rate = _parse_optional_rate(pricing, "cost_per_second_with_audio")
    audio = parameters.find_value("generate_audio")
    rates: dict[str, Decimal] = {}
    disputes: dict[str, None] = {}
    for resolution in _list_resolutions(table, parameters):
        by_resolution: dict[str, Decimal] = {}
        if table:
            found = _lookup(table, resolution, "resolution")
            by_resolution = {name: _parse_rate(rate) for name, rate in found.items()}
        elif high_rate is not None and resolution is None:
            rates["high resolution"] = high_rate
        elif high_rate is not None and _simplify(resolution) in _DISPUTED_RESOLUTIONS:
            rates[f"high resolution {resolution}"] = high_rate
            disputes[f"{resolution} is a high resolution"] = None
        elif high_rate is not None and _canonicalize(resolution) in _HIGH_RESOLUTIONS:
            by_resolution = {f"high resolution {resolution}": high_rate}
        for with_audio in [audio] if isinstance(audio, bool) else [False, True]:
            by_audio = {"audio": audio_rate} if with_audio and audio_rate is not None else {}
            if by_audio and by_resolution:
                disputes["the rate of the resolution or the one with audio applies"] = None
            plain = {} if by_audio or by_resolution else {"": _parse_rate(pricing.get("cost_per_second"))}
            rates |= by_resolution | by_audio | plain
    return _combine(rates, "second", disputes)


def _list_resolutions(table: Mapping[str, Any], parameters: Parameters) -> list[Any]:
    """Return the resolutions that a video may have; None for one that is unknown."""
    if parameters.is_sent("draft_task_id"):
        return [_FINAL_RESOLUTION]
    if parameters.find_value("draft") is True:
        return [_DRAFT_RESOLUTION]
    value = parameters.find_value("resolution")
    return [value] if value is not None else parameters.list_choices("resolution") or list(table) or [None]


def _find_seconds(parameters: Parameters, medium: str) -> _Range:
    """Return the length of a result: the value that was sent, the default, or the range of the schema."""
    # A final video has the length of its draft.
    value = None if parameters.is_sent("draft_task_id") else parameters.find_value("duration")
    limits = parameters.list_limits("duration") if value in (None, AUTOMATIC) else [value]
    return _describe_quantity(limits, _parse_seconds, "second", f"length of the {medium}")


def _select(prices: Mapping[str, Any], parameters: Parameters, name: str) -> Mapping[str, Any]:
    """Return the prices of a parameter's value, or of each value from which the server chooses."""
    if not prices:
        raise _UnknownCostError(f"the price has no {name}")
    value = parameters.find_value(name)
    values = [value] if value is not None else parameters.list_choices(name) or list(prices)
    return {key: price for value in values for key, price in _lookup(prices, value, name).items()}


def _lookup(prices: Mapping[str, Any], value: object, name: str) -> Mapping[str, Any]:
    """Return the price of a value, without regard to case and to the way in which a resolution is written."""
    for simplify in (_simplify, _canonicalize):
        for key, price in prices.items():
            if simplify(key) == simplify(value):
                return {key: price}
    raise _UnknownCostError(f"the price has no {name} {value!r:.80}")


def _canonicalize(resolution: object) -> str:
    name = _simplify(resolution)
    return _RESOLUTION_SYNONYMS.get(name, name)


def _simplify(resolution: object) -> str:
    return str(resolution).strip().lower().removesuffix("p")


def _find_single_rate(pricing: Mapping[str, Any], field: str, unit: str) -> _Range:
    return _combine({"": _parse_rate(pricing.get(field))}, unit)


def _combine(rates: Mapping[str, Decimal], unit: str, disputes: Iterable[str] = ()) -> _Range:
    """Return the range of several rates per unit."""
    (low_name, low), (high_name, high) = (
        choose(rates.items(), key=lambda item: item[1]) for choose in (min, max)
    )
    text = f"{format_range(low, high)} per {unit}"
    if low == high:
        return _Range(low, high, f"{text} ({low_name})" if low_name else text)
    reason = " and ".join(f"whether {dispute}" for dispute in disputes)
    names = f"{low_name or 'the general rate'} to {high_name or 'the general rate'}"
    return _Range(low, high, f"{text} ({names}{f'; clients of the API disagree {reason}' if reason else ''})")


def _describe_quantity(
    limits: list[Any], parse: Callable[[object], Decimal | None], unit: str, quantity: str
) -> _Range:
    """Return the range of the values that a quantity may have.

    Raises:
        _UnknownCostError: There is no value, or one of them cannot be parsed.
    """
    ends = [end for limit in limits if (end := parse(limit)) is not None]
    if not ends or len(ends) < len(limits):
        raise _UnknownCostError(f"the {quantity} is not known before the call")
    low, high = min(ends), max(ends)
    count = f"{low:f}" if low == high else f"{low:f} to {high:f}"
    return _Range(low, high, f"{count} {unit}{'' if high == 1 else 's'}")


def _parse_rate(value: object) -> Decimal:
    rate = parse_amount(value)
    if rate is None or rate < 0:
        raise _UnknownCostError(f"the price has an unexpected form: {value!r:.80}")
    return rate


def _parse_optional_rate(pricing: Mapping[str, Any], field: str) -> Decimal | None:
    return None if pricing.get(field) is None else _parse_rate(pricing[field])


def _parse_seconds(value: object) -> Decimal | None:
    """Return a positive number of seconds, which may be a text such as `5s`; None for any other value."""
    match = _SECONDS.fullmatch(value) if isinstance(value, str) else None
    seconds = parse_amount(match[1] if match else value)
    return seconds if seconds is not None and seconds > 0 else None


def _parse_count(value: object) -> Decimal | None:
    """Return a positive integer; None for any other value."""
    count = parse_amount(value)
    return Decimal(int(count)) if count is not None and count >= 1 and count % 1 == 0 else None
