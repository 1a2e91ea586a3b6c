# Copied by oxen-codegen from templates/package/testing/_prices.py. Do not edit.
"""The cost of a generation, by the `pricing` of its model.

The sources contradict each other where a model has several rates per second. Here the rate of the
resolution is used first, then the one for high resolutions (2k and 4k), then the one with audio.
"""

import re
from decimal import Decimal, InvalidOperation

from ._json import JSON, as_object
from ._models import Model, model_schema, schema_properties, with_defaults

SOUND_DURATION = Decimal("0.5")
"""The length of every sound that the stand-in makes."""

_DEFAULT_VIDEO_DURATION = Decimal(5)
_HIGH_RESOLUTIONS = ("2k", "4k")
_DRAFT_RESOLUTION = "480p"
_FINAL_RESOLUTION = "1080p"


def generation_cost(model: Model, parameters: dict[str, JSON]) -> Decimal | None:
    """Return the dollars that one generation costs, None where nothing is charged.

    Nothing is charged where the pricing is unknown. A request by credits costs one credit, because the
    number of credits of a request is not published.
    """
    pricing = as_object(model.get("pricing"))
    properties = schema_properties(model_schema(model) or {})
    sent = with_defaults(parameters, properties)
    match pricing.get("method"):
        case "per_image":
            price = _image_price(pricing, sent)
            return None if price is None else price * (_decimal(sent.get("num_images")) or 1)
        case "per_video_output_second":
            rate = _video_rate(pricing, sent)
            seconds = _video_seconds(sent.get("duration"), as_object(properties.get("duration")))
            return None if rate is None else rate * seconds
        case "per_audio_output_second":
            rate = _decimal(pricing.get("cost_per_second"))
            return None if rate is None else rate * SOUND_DURATION
        case "per_provider_credit":
            return _decimal(pricing.get("cost_per_credit"))
        case _:
            return None


def _image_price(pricing: dict[str, JSON], sent: dict[str, JSON]) -> Decimal | None:
    grid = as_object(pricing.get("cost_per_image_grid"))
    row = grid.get(str(sent.get("quality")))
    if row is None and len(grid) == 1:
        row = next(iter(grid.values()))
    cell = _by_resolution(row, sent.get("resolution", sent.get("size")))
    return _decimal(pricing.get("cost_per_image")) if cell is None else cell


def _video_rate(pricing: dict[str, JSON], sent: dict[str, JSON]) -> Decimal | None:
    resolution = str(sent.get("resolution"))
    if sent.get("draft_task_id"):
        resolution = _FINAL_RESOLUTION
    elif sent.get("draft") is True:
        resolution = _DRAFT_RESOLUTION
    rates = [_by_resolution(pricing.get("cost_per_second_by_resolution"), resolution)]
    if resolution.lower() in _HIGH_RESOLUTIONS:
        rates.append(_decimal(pricing.get("cost_per_second_high_res")))
    if sent.get("generate_audio") is True:
        rates.append(_decimal(pricing.get("cost_per_second_with_audio")))
    rates.append(_decimal(pricing.get("cost_per_second")))
    return next((rate for rate in rates if rate is not None), None)


def _by_resolution(prices: JSON, resolution: JSON) -> Decimal | None:
    by_name = {name.lower(): price for name, price in as_object(prices).items()}
    return _decimal(by_name.get(str(resolution).lower()))


def _video_seconds(duration: JSON, shape: dict[str, JSON]) -> Decimal:
    """Return the length of a video. Where the model chooses it, the longest that it may choose."""
    if number := re.match(r"\d+(\.\d+)?", str(duration)):
        return Decimal(number[0])
    return _decimal(shape.get("maximum")) or _DEFAULT_VIDEO_DURATION


def _decimal(value: JSON) -> Decimal | None:
    """Return a number, which may be written as a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
