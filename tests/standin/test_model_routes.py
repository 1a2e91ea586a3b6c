"""Tests of the lists, details and favorites of models."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import oxen_models
import pytest
from helpers.hub_api import AUTH_HEADERS, open_client, open_stream
from helpers.models import PROMPT_SCHEMA, make_model
from oxen_models.testing import Dialect, Hub

MODELS = "/api/ai/models"
OLD_LIST = "/api/evaluations/models"
SHIPPED = Path(str(oxen_models.__file__)).parent / "schemas"

FIELDS = (
    "object created owned_by display_name description summary model_type endpoint capabilities pricing "
    "fine_tuning deployments developer source_model image_url released_at context_length max_output_tokens"
).split()
"""The fields of every model beside its id and its schema."""


def get_json(hub: Hub, path: str) -> Any:
    with open_client(hub) as api:
        return api.get(path).json()


def list_model_ids(api: httpx.Client, path: str = MODELS, **query: str) -> list[str]:
    response = api.get(path, params=query).raise_for_status().json()
    assert response["object"] == "list"
    return [model["id"] for model in response["data"]]


def write_model(folder: Path, **fields: Any) -> Path:
    (folder / "m.json").write_text(json.dumps(make_model(**fields)))
    return folder


@pytest.mark.slow
def test_list_has_every_shipped_model(api: httpx.Client) -> None:
    """The list has every model that ships in the package, with the parameter schema."""
    response = api.get(MODELS)
    assert (response.headers["server"], response.json()["object"]) == ("models-standin", "list")
    models = {model["id"]: model for model in response.json()["data"]}
    records = [json.loads(file.read_bytes()) for file in SHIPPED.iterdir()]
    stored = {record["id"]: record for record in records}
    assert models.keys() - {"film"} == stored.keys()
    for id, record in stored.items():
        assert models[id]["request_schema"] == record["json_request_schema"]
        assert {*FIELDS} <= models[id].keys()
        assert not {"changed", "json_request_schema"} & models[id].keys()


def test_both_lists_are_in_the_vendors_form(tmp_path: Path) -> None:
    """Each list has the schema under its own key, and the older one has provider objects."""
    with Hub(write_model(tmp_path, developer={"name": "Ox", "logo": None})) as hub:
        [model] = get_json(hub, MODELS)["data"]
        [old] = get_json(hub, OLD_LIST)["models"]
    assert (model["request_schema"], "json_request_schema" in model) == (PROMPT_SCHEMA, False)
    assert (old["json_request_schema"], "request_schema" in old) == (PROMPT_SCHEMA, False)
    assert (old["name"], old.get("id"), old["provider"]) == ("m", None, {"name": "Ox"})
    assert (old["can_run_inference"], old["deprecated"]) == (True, False)


@pytest.mark.slow
def test_lists_and_details_need_no_key(hub: Hub) -> None:
    """Models can be read without a key unless the dialect requires one; favorites always require it."""
    paths = [MODELS, f"{MODELS}/search?search=x", f"{MODELS}/featured", f"{MODELS}/film", OLD_LIST]
    for path in paths:
        assert httpx.get(hub.url + path).status_code == 200
    assert httpx.get(f"{hub.url}{MODELS}/favorites").status_code == 401
    assert httpx.post(f"{hub.url}{MODELS}/film/favorite").status_code == 401
    with Hub(dialect=Dialect(list_access="key")) as strict:
        for path in paths:
            assert httpx.get(strict.url + path).status_code == 401


def test_list_filters(hub: Hub, api: httpx.Client) -> None:
    """The list can be filtered by developer, provider and fine-tuning action."""
    fine_tuning = {"actions": ["text_generation"]}
    hub.add_model(make_model("tunable", developer={"name": "Ox"}, fine_tuning=fine_tuning))
    hub.add_model(make_model("plain", developer="Ox"))
    assert list_model_ids(api, developer_name="Ox") == ["tunable", "plain"]
    assert list_model_ids(api, provider_name="Ox") == ["tunable", "plain"]
    assert list_model_ids(api, provider_name="Ox", action="text_generation") == ["tunable"]
    assert list_model_ids(api, developer_name="absent") == []


def test_search_ignores_case(api: httpx.Client) -> None:
    """The search matches ids and display names without regard to case, and requires a text."""
    found = list_model_ids(api, f"{MODELS}/search", search="QWEN-image-edit")
    assert "qwen-image-edit-plus" in found
    assert all("qwen" in id for id in found)
    assert api.get(f"{MODELS}/search").status_code == 400


@pytest.mark.slow
def test_favorites_are_added_and_removed(api: httpx.Client) -> None:
    """A model becomes a favorite by POST and stops being one by DELETE; both respond with the model."""
    for method, expected in (("POST", ["film"]), ("POST", ["film"]), ("DELETE", [])):
        response = api.request(method, f"{MODELS}/film/favorite")
        assert (response.status_code, response.json()["id"]) == (200, "film")
        assert list_model_ids(api, f"{MODELS}/favorites") == expected
    assert api.post(f"{MODELS}/nope/favorite").status_code == 404


def test_featured_models_are_the_newest(hub: Hub, api: httpx.Client) -> None:
    """The featured models are a few of the newest models."""
    hub.add_model(make_model("newest", created=4_000_000_000))
    featured = list_model_ids(api, f"{MODELS}/featured")
    assert ("newest" in featured, len(featured)) == (True, 6)


@pytest.mark.parametrize("id", ["qwen-image-edit-plus", "oxen:ox-abc", "team/model", "50% été?#"])
def test_model_with_any_id_is_added_and_removed(hub: Hub, api: httpx.Client, id: str) -> None:
    """A model with any id can be added and removed; later changes of the caller's object have no effect."""
    model = make_model(id, capabilities={"output": ["image"]})
    hub.add_model(model)
    model["capabilities"]["output"].append("changed afterwards")
    response = api.get(f"{MODELS}/{quote(id, safe='')}").json()
    assert (response["id"], response["capabilities"]) == (id, {"output": ["image"]})
    assert api.get(f"{MODELS}/{id}/").status_code == 404
    hub.remove_model(id)
    missing = api.get(f"{MODELS}/{quote(id, safe='')}")
    assert (missing.status_code, missing.json()) == (404, {"error": {"message": f"Model not found: {id}"}})


@pytest.mark.slow
def test_stored_models_are_returned_as_on_the_hub(tmp_path: Path) -> None:
    """Fields of records are removed, fields that are not recorded are null, prices are kept."""
    (tmp_path / "%4Fx%3A1.json").write_text(json.dumps(make_model("Ox:1", changed="2026-08-08")))
    prices = {"method": "token", "input_cost_per_token": 1.5e-7}
    live = make_model("live", pricing=prices, context_length=1_000, max_output_tokens=10)
    (tmp_path / "live.json").write_text(json.dumps({"data": live}))
    with Hub(tmp_path) as hub:
        recorded, priced = (get_json(hub, f"{MODELS}/{id}") for id in ("Ox%3A1", "live"))
    assert (recorded["pricing"], recorded["deployments"], "changed" in recorded) == (None, [], False)
    assert (priced["pricing"], priced["context_length"], priced["max_output_tokens"]) == (prices, 1_000, 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no model in this folder"),
        ("{", "b.json: "),
        ("{}", "b.json: a model must have an id"),
        ('{"id": "m"}', "duplicate id 'm', also in .*a.json"),
    ],
)
def test_unusable_folder_raises(tmp_path: Path, text: str | None, message: str) -> None:
    """A folder without models or with a file that is not a model raises an error that names it."""
    if text is not None:
        (tmp_path / "a.json").write_text(json.dumps(make_model()))
        (tmp_path / "b.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        Hub(tmp_path)


def test_missing_folder_raises() -> None:
    """A path with `~` and the name of no user is that of a missing folder, as in a shell."""
    with pytest.raises(FileNotFoundError, match="~no-such-user"):
        Hub("~no-such-user")


def test_custom_model_is_activated(hub: Hub, api: httpx.Client) -> None:
    """A custom model is activated and deactivated, and each change is an event."""
    hub.add_model(make_model("team/m"))
    with open_stream(hub) as stream:
        for action, status in (("activate", "active"), ("deactivate", "inactive")):
            response = api.post(f"{MODELS}/team%2Fm/{action}").json()
            assert (response["id"], response["deployments"]) == ("team/m", [{"status": status}])
            event = ("deployment_status_changed", {"model": "team/m", "status": status})
            assert stream.read_event() == event
    assert api.get(f"{MODELS}/team%2Fm").json()["deployments"] == [{"status": "inactive"}]
    assert api.post(f"{MODELS}/nope/activate").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("stored", ["/images/edit", "images/edit", "https://hub.oxen.ai/api/ai/images/edit"])
def test_dialect_endpoint(tmp_path: Path, stored: str) -> None:
    """The endpoint of a model is written in each documented form."""
    expected: dict[Any, str | None] = {
        "stored": stored,
        "generate": "/images/generate",
        "bare": "images/edit",
        "path": "/api/ai/images/edit",
        "url": "URL/api/ai/images/edit",
        "missing": None,
    }
    for form, endpoint in expected.items():
        with Hub(write_model(tmp_path, endpoint=stored), Dialect(endpoint=form)) as hub:
            model = get_json(hub, f"{MODELS}/m")
            assert model.get("endpoint") == (endpoint and endpoint.replace("URL", hub.url))


@pytest.mark.slow
def test_dialect_endpoint_of_videos(hub: Hub) -> None:
    """Only image models have the endpoint `/images/generate`."""
    with Hub(dialect=Dialect(endpoint="generate")) as other:
        models = get_json(other, MODELS)["data"]
    assert {"/images/generate", "/videos/generate"} <= {model["endpoint"] for model in models}
    assert "/images/edit" not in {model["endpoint"] for model in models}


def test_dialect_of_models(tmp_path: Path) -> None:
    """A model can have the older schema key, the developer as text and a wrapper around it."""
    dialect = Dialect(schema_key="json_request_schema", detail="wrapped", developer="text")
    with Hub(write_model(tmp_path, developer={"name": "Ox", "logo": None}), dialect) as hub:
        model = get_json(hub, f"{MODELS}/m")["data"]
        [old] = get_json(hub, OLD_LIST)["models"]
    assert (model["json_request_schema"], "request_schema" in model) == (PROMPT_SCHEMA, False)
    assert (model["developer"], old["provider"]) == ("Ox", {"name": "Ox"})


def test_dialect_old_hub_has_only_the_old_list(tmp_path: Path) -> None:
    """An older hub has only the older list, as an object or as a bare array."""
    old, bare = (Hub(write_model(tmp_path), Dialect(lists=lists)) for lists in ("old", "old-bare"))
    with old, bare:
        assert httpx.get(old.url + MODELS, headers=AUTH_HEADERS).status_code == 404
        [item] = get_json(old, OLD_LIST)["models"]
        assert get_json(bare, OLD_LIST) == [item]


def test_unknown_dialect_value_raises() -> None:
    """A value that a field does not accept raises an error that lists the accepted ones."""
    value: Any = "none"
    with pytest.raises(ValueError, match="lists must be one of both, old, old-bare, got 'none'"):
        Dialect(lists=value)
