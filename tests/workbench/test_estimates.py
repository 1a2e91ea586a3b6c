"""The estimated costs that the workbench shows."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from helpers.models import object_schema
from oxen_codegen.normalize import normalize
from oxen_codegen.workbench.schemas import build_schema
from oxen_models import schema
from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate, estimate_cost

from .conftest import Workbench
from .samples import choose_values

ESTIMATE = """(model, values, count) => {
    const estimate = estimates.estimate(model, values, count);
    return [estimate, estimates.describe(estimate)];
}"""
COUNTS = (1, 1, 2, 7, 1000)
FILM = object_schema(
    duration={"type": ["integer", "string"], "default": 5, "minimum": 3, "maximum": 15},
    resolution={"type": "string", "default": "720p", "enum": ["480p", "720p", "1080p", "1440p", "2k", "4K"]},
    generate_audio={"type": "boolean", "default": True},
    draft={"type": "boolean", "default": False},
    draft_task_id={"type": "string"},
    fast={"type": "boolean", "default": False, "description": "Costs twice as much."},
    mode={"type": "string", "default": "calm", "description": "Each costs the same price."},
)
AUTOMATIC = object_schema(
    duration={"type": "integer", "enum": [-1, 4, 10], "default": -1},
    resolution={"type": "string", "enum": ["auto", "720p", "1080p", "2160p"], "default": "auto"},
    generate_audio={"type": "boolean"},
)
IMAGE = object_schema(
    num_images={"type": ["integer", "null"], "minimum": 1, "maximum": 4},
    quality={"type": "string", "enum": ["auto", "low", "high"], "default": "auto"},
    size={"type": "string", "enum": ["1k", "2048", "auto"]},
    upscale={"type": "boolean", "description": "It is billed separately."},
)
PARTS = object_schema(
    num_images={"type": "integer", "maximum": 4, "default": None},
    parts={
        "type": "array",
        "items": {"type": "string"},
        "default": ["a"],
        "description": "Each has a price.",
    },
)
CHOICES = object_schema(
    duration={"anyOf": [{"enum": ["auto", -1, "30s"]}, {"type": "integer", "minimum": 4, "maximum": 15}]},
    num_images={"type": "integer", "enum": [2, 4]},
    resolution={"oneOf": [{"const": "720p"}, {"const": "1080p"}, {"type": "null"}]},
)
UNREADABLE = object_schema(duration={"enum": [5, "long", 10]}, num_images={"enum": [1, "many"]})
SINGLE = object_schema(duration={"const": 8}, num_images={"anyOf": [{"enum": [3]}, {"type": "null"}]})
ODD_VALUES = (
    None,
    0,
    -1,
    1.5,
    2.50001,
    True,
    "5s",
    "7.50 s",
    "0s",
    " 2 ",
    "2.5",
    "1_0",
    "1e1",
    "AUTO",
    "x",
    "",
)
SECOND = {"method": "per_video_output_second"}
RATES = {"480p": "0.10300", "720P": 0.231, "1080p": 0.569, "2k": 1, "4k": 2e-7}
TIES = {"low": {"1K": 0.01, "2K": 0.01}, "high": {"1K": 0.5, "2K": 0.5}}
PRICES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({**SECOND, "cost_per_second": 0.0374}, FILM),
    ({**SECOND, "cost_per_second": 0.0374, "cost_per_second_high_res": 0.1494}, FILM),
    ({**SECOND, "cost_per_second": 0.0374, "cost_per_second_high_res": 0.1494}, AUTOMATIC),
    ({**SECOND, "cost_per_second": 0.05, "cost_per_second_with_audio": 0.1}, AUTOMATIC),
    ({**SECOND, "cost_per_second_by_resolution": RATES}, FILM),
    ({**SECOND, "cost_per_second_by_resolution": RATES, "cost_per_second_with_audio": 0.4}, FILM),
    ({**SECOND, "cost_per_second_by_resolution": RATES}, AUTOMATIC),
    ({**SECOND, "cost_per_second": "free"}, FILM),
    ({"method": "per_audio_output_second", "cost_per_second": 0.003125}, FILM),
    ({"method": "per_image", "cost_per_image": 0.04}, IMAGE),
    ({"method": "per_image", "cost_per_image_grid": {"low": {"1K": 0.01, "2K": 0.02}, "high": 0.5}}, IMAGE),
    ({"method": "per_image", "cost_per_image_grid": TIES}, IMAGE),
    ({"method": "per_image", "cost_per_image_grid": {"low": {"1K": -1}}}, IMAGE),
    ({"method": "per_image", "cost_per_image": "1.50"}, PARTS),
    *(
        (price, schema)
        for schema in (CHOICES, UNREADABLE, SINGLE)
        for price in (
            {**SECOND, "cost_per_second": 0.1, "cost_per_second_high_res": 0.2},
            {"method": "per_image", "cost_per_image": 0.04},
        )
    ),
    ({"method": "token", "input_cost_per_token": 1e-6}, IMAGE),
    ({"method": "time", "cost_per_second": 0.01}, IMAGE),
    ({"method": "it's new"}, IMAGE),
    ({}, IMAGE),
]
VALUES_PER_PRICE = 60
VALUES_PER_MODEL = 100


def describe(estimate: Estimate | NoEstimate) -> list[Any]:
    """Return an estimate as the workbench returns it, and as the command line prints it."""
    if not estimate:
        return [{"reason": estimate.reason}, str(estimate)]
    low, high = f"{estimate.low:f}", f"{estimate.high:f}"
    values = {"low": low, "high": high, "currency": estimate.currency, "basis": estimate.basis}
    return [values, f"{estimate} ({estimate.basis})"]


def compare(workbench: Workbench, cases: list[tuple[dict[str, Any], Any, dict[str, Any], int]]) -> None:
    """Compare the estimates of a model, which has a schema of the API, for values and a count."""
    calls = [(model, values, count) for model, _, values, count in cases]
    results = workbench.call_each(ESTIMATE, calls)
    for (model, raw, values, count), found in zip(cases, results, strict=True):
        expected = describe(estimate_cost(model["pricing"], raw, values, count))
        assert found == expected, (model["pricing"], values, count)


def change(values: dict[str, Any], random: Random) -> dict[str, Any]:
    """Replace a value by one that the schema may reject, in some cases."""
    names = [name for name in values if name not in ("fast", "parts")]  # 0 is False in Python
    if names and random.random() < 0.4:
        values[random.choice(names)] = random.choice(ODD_VALUES)
    return values


@pytest.mark.slow
def test_estimates_equal_those_of_python(workbench: Workbench) -> None:
    """For prices of each form and generated values, amounts and words are those of the package."""
    random = Random(1)
    cases: list[tuple[dict[str, Any], Any, dict[str, Any], int]] = []
    for pricing, raw in PRICES:
        model = {"pricing": pricing, "schema": build_schema(normalize(raw), raw)}
        cases += [
            (model, raw, change(choose_values(model["schema"], random), random), random.choice(COUNTS))
            for _ in range(VALUES_PER_PRICE)
        ]
    compare(workbench, cases)


@pytest.mark.slow
def test_estimates_of_models_equal_those_of_python(workbench: Workbench) -> None:
    """For each recorded model with a price, amounts and words are those of the package."""
    random = Random(2)
    models = [model for model in workbench.data["models"] if model["pricing"] is not None]
    assert len(models) > 10
    for model in models:
        raw = schema(model["id"])
        values = [change(choose_values(model["schema"], random), random) for _ in range(VALUES_PER_MODEL)]
        compare(workbench, [(model, raw, item, random.choice(COUNTS)) for item in [{}, *values]])
