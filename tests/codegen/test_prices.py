"""The description of prices in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from oxen_codegen.prices import describe_price, find_rate

IMAGE: dict[str, Any] = {"method": "per_image"}
VIDEO: dict[str, Any] = {"method": "per_video_output_second"}
RESOLUTIONS = {"1080p": 0.569, "480p": 0.103, "720p": 0.231}


@pytest.mark.parametrize(
    ("pricing", "expected"),
    [
        (None, None),
        ({}, None),
        ({**IMAGE, "cost_per_image": None}, None),
        ({**IMAGE, "cost_per_second": 1}, "cost_per_second 1"),
        ({**IMAGE, "cost_per_image": 0.03}, "$0.03 per image"),
        ({**IMAGE, "cost_per_image": "0.0442", "note": None}, "$0.0442 per image"),
        ({**IMAGE, "cost_per_image": 10}, "$10 per image"),
        ({**IMAGE, "cost_per_image": 3.5}, "$3.50 per image"),
        ({**IMAGE, "cost_per_image": 0}, "$0 per image"),
        (
            {**IMAGE, "cost_per_image": 0.13, "cost_per_image_grid": {"high": {"4k": 0.7891, "2k": 0.13}}},
            "$0.13 per image; $0.13 at 2k, $0.7891 at 4k",
        ),
        (
            {
                **IMAGE,
                "cost_per_image": None,
                "cost_per_image_grid": {"high": {"1K": 0.13, "2K": 0.29}, "low": {"1K": 0.004}},
            },
            "$0.004 per image at low 1K, $0.13 at high 1K, $0.29 at high 2K",
        ),
        (
            {**IMAGE, "cost_per_image_grid": {"high": 0.2, "low": 0.1}},
            "$0.10 per image at low, $0.20 at high",
        ),
        (
            {**VIDEO, "cost_per_second_by_resolution": RESOLUTIONS},
            "$0.103 per second at 480p, $0.231 at 720p, $0.569 at 1080p",
        ),
        (
            {**VIDEO, "cost_per_second": 0.231, "cost_per_second_by_resolution": RESOLUTIONS},
            "$0.231 per second; $0.103 at 480p, $0.231 at 720p, $0.569 at 1080p",
        ),
        (
            {
                **VIDEO,
                "cost_per_second": 0.0374,
                "cost_per_second_high_res": 0.1494,
                "cost_per_second_with_audio": 0.05,
            },
            "$0.0374 per second; $0.05 with audio, $0.1494 at high resolution",
        ),
        ({"method": "per_audio_output_second", "cost_per_second": 0.003125}, "$0.003125 per second of audio"),
        ({"method": "per_provider_credit", "cost_per_credit": 0.08}, "$0.08 per provider credit"),
        (
            {"method": "token", "output_cost_per_token": 1.8e-5, "input_cost_per_token": 3.5e-6},
            "$3.50 per million input tokens, $18 per million output tokens",
        ),
        ({"method": "time", "cost_per_second": 0.001}, "$0.001 per second of compute"),
        ({"method": "per_pixel", "cost_per_pixel": 3}, 'cost_per_pixel 3, method "per_pixel"'),
        ({**IMAGE, "cost_per_image": 0.03, "surcharge": {"hd": 1}}, '$0.03 per image; surcharge {"hd": 1}'),
        (
            {**IMAGE, "cost_per_image_grid": {"high": {"1K": [1]}}},
            'cost_per_image_grid {"high": {"1K": [1]}}',
        ),
        ({**IMAGE, "cost_per_image": "1e999999999"}, 'cost_per_image "1e999999999"'),
        ({**IMAGE, "cost_per_image": True}, "cost_per_image true"),
        ("free", '"free"'),
    ],
)
def test_price_in_words(pricing: object, expected: str | None) -> None:
    """Every method of the API has a wording; what is not recognized is included literally."""
    assert describe_price(pricing) == expected


@pytest.mark.parametrize(
    ("pricing", "unit", "amount"),
    [
        ({**IMAGE, "cost_per_image": 0.03}, "image", "0.03"),
        ({**IMAGE, "cost_per_image_grid": {"high": {"1K": 0.13}, "low": {"1K": 0.004}}}, "image", "0.004"),
        (
            {**VIDEO, "cost_per_second": 0.231, "cost_per_second_by_resolution": RESOLUTIONS},
            "second",
            "0.103",
        ),
        (
            {"method": "token", "output_cost_per_token": 1.8e-5, "input_cost_per_token": 3.5e-6},
            "million input tokens",
            "3.5",
        ),
    ],
)
def test_rate_is_lowest_amount_of_unit(pricing: object, unit: str, amount: str) -> None:
    """The rate of a price has the unit that is billed, and the lowest of its amounts."""
    assert find_rate(pricing) == (unit, Decimal(amount))


@pytest.mark.parametrize(
    "pricing", [None, {}, "free", {"method": "per_pixel"}, {**IMAGE, "cost_per_image": True}]
)
def test_unrecognized_price_has_no_rate(pricing: object) -> None:
    """A price without an amount in a known form has no rate."""
    assert find_rate(pricing) is None
