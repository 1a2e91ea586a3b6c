"""Tests of the costs of generations."""

from typing import Any

import httpx
import pytest
from helpers.hub_api import enqueue, wait_for_end
from helpers.models import make_model, object_schema
from oxen_models.testing import Hub

GENERATIONS = "/api/ai/generations"
GRID = {"high": {"1K": 0.13, "2K": 0.29}, "low": {"1K": 0.004, "2K": 0.009}}
QUALITY = {
    "quality": {"enum": ["low", "high"], "default": "high"},
    "resolution": {"enum": ["1K", "2K"], "default": "2K"},
}
PER_IMAGE = {"method": "per_image", "cost_per_image": None, "cost_per_image_grid": GRID}
ONE_ROW = {"method": "per_image", "cost_per_image": 0.0624, "cost_per_image_grid": {"high": {"1k": 0.05}}}
PER_SECOND = {"method": "per_video_output_second", "cost_per_second": "0.1"}
BY_RESOLUTION = {**PER_SECOND, "cost_per_second_by_resolution": {"480p": 0.2, "720p": 0.3, "1080p": 0.4}}
DURATION = {"duration": {"type": "integer", "default": -1, "maximum": 15}}
DRAFT_MODEL = "bytedance-seedance-2-5-x"


@pytest.mark.parametrize(
    ("media", "pricing", "properties", "parameters", "cost"),
    [
        ("image", None, {}, {}, None),
        ("image", {"method": "unheard of"}, {}, {}, None),
        ("image", {"method": "per_image", "cost_per_image": 0.04}, {}, {}, "0.04"),
        ("image", PER_IMAGE, QUALITY, {}, "0.29"),
        ("image", PER_IMAGE, QUALITY, {"quality": "low", "resolution": "1K"}, "0.004"),
        ("image", PER_IMAGE, {}, {}, None),
        ("image", ONE_ROW, {}, {"resolution": "1K"}, "0.05"),
        ("image", ONE_ROW, {}, {"resolution": "2k"}, "0.0624"),
        ("image", {"method": "per_provider_credit", "cost_per_credit": 0.08}, {}, {}, "0.08"),
        ("video", PER_SECOND, {}, {"duration": 7}, "0.7"),
        ("video", PER_SECOND, {}, {"duration": "10s"}, "1.0"),
        ("video", PER_SECOND, DURATION, {}, "1.5"),
        ("video", PER_SECOND, {}, {}, "0.5"),
        ("video", BY_RESOLUTION, {}, {"resolution": "720P", "duration": 5}, "1.5"),
        ("video", BY_RESOLUTION, {}, {"resolution": "4k", "duration": 5}, "0.5"),
        ("video", BY_RESOLUTION, {}, {"draft": True, "duration": 5}, "1.0"),
        ("video", {**PER_SECOND, "cost_per_second_high_res": 0.2}, {}, {"resolution": "4k"}, "1.0"),
        ("video", {**PER_SECOND, "cost_per_second_with_audio": 0.3}, {}, {"generate_audio": True}, "1.5"),
        ("audio", {"method": "per_audio_output_second", "cost_per_second": 0.003125}, {}, {}, "0.0015625"),
    ],
)
def test_cost(
    hub: Hub,
    api: httpx.Client,
    media: str,
    pricing: Any,
    properties: dict[str, Any],
    parameters: dict[str, Any],
    cost: str | None,
) -> None:
    """The cost of a job follows from the pricing of its model and from its parameters."""
    schema = object_schema(**properties)
    hub.add_model(make_model(DRAFT_MODEL, schema, capabilities={"output": [media]}, pricing=pricing))
    [id] = enqueue(api, {"model": DRAFT_MODEL, **parameters})
    wait_for_end(api, id)
    detail = api.get(f"{GENERATIONS}/{id}").json()
    assert (detail["status"], detail["status_message"]) == ("success", "resource_found")
    assert (detail["generation"]["generation_id"], detail["generation"]["cost"]) == (id, cost)


@pytest.mark.slow
def test_final_costs_the_rate_of_1080p(hub: Hub, api: httpx.Client) -> None:
    """The final of a draft is billed at 1080p."""
    model = make_model(DRAFT_MODEL, capabilities={"output": ["video"]}, pricing=BY_RESOLUTION)
    hub.add_model(model)
    draft = wait_for_end(api, enqueue(api, {"model": DRAFT_MODEL, "prompt": "x", "draft": True})[0])
    body = {"model": DRAFT_MODEL, "draft_task_id": draft["videos"][0]["draft_task_id"]}
    [id] = enqueue(api, body)
    wait_for_end(api, id)
    assert api.get(f"{GENERATIONS}/{id}").json()["generation"]["cost"] == "2.0"


@pytest.mark.slow
def test_history_has_pages_and_costs(hub: Hub, api: httpx.Client) -> None:
    """The history has pages, newest job first, and a total cost; failed jobs cost nothing."""
    hub.add_model(make_model("paid", pricing={"method": "per_image", "cost_per_image": 0.04}))
    paid = [enqueue(api, {"model": "paid", "prompt": str(number)})[0] for number in range(3)]
    [failed] = enqueue(api, {"model": "paid", "prompt": 5})
    for id in (*paid, failed):
        wait_for_end(api, id)
    page = api.get(GENERATIONS, params={"page": 2, "page_size": 2}).json()
    rows = page.pop("generations")
    assert [row["generation_id"] for row in rows] == [paid[1], paid[0]]
    assert [(row["cost"], row["username"]) for row in rows] == [("0.04", "standin")] * 2
    assert page == {
        "count": 2,
        "page_number": 2,
        "page_size": 2,
        "total_pages": 2,
        "total_entries": 4,
        "total_cost": "0.12",
    }
    [newest, _] = api.get(GENERATIONS, params={"page_size": 2}).json()["generations"]
    assert (newest["generation_id"], newest["cost"]) == (failed, None)
    assert api.get(GENERATIONS, params={"page": 9}).json()["generations"] == []


@pytest.mark.slow
def test_history_without_costs(api: httpx.Client) -> None:
    """The total cost is null if nothing was charged."""
    assert api.get(GENERATIONS).json()["total_cost"] is None
    wait_for_end(api, enqueue(api)[0])
    page = api.get(GENERATIONS).json()
    assert (page["total_cost"], page["generations"][0]["cost"]) == (None, None)


@pytest.mark.parametrize("query", [{"page_size": 1001}, {"page": 0}, {"page": "x"}])
def test_history_refuses_unusable_pages(api: httpx.Client, query: dict[str, Any]) -> None:
    """A page or page size that is out of range or not a number receives 400."""
    assert api.get(GENERATIONS, params=query).status_code == 400
