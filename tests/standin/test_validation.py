"""Tests of refused and accepted requests, and of error responses."""

import base64
import io
from typing import Any

import httpx
import pytest
from helpers.hub_api import DOG_URL, EDIT, EDIT_BODY, QUEUE, enqueue, get_job, open_client, wait_for_end
from helpers.models import make_model, object_schema
from oxen_models.testing import Dialect, Hub
from PIL import Image

GENERATE = "/api/ai/images/generate"
EMPTY_PROMPT = "Prompt cannot be empty"


def encode_data_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@pytest.mark.slow
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}])
def test_missing_key_is_refused(hub: Hub, headers: dict[str, str]) -> None:
    """A request without a bearer token receives 401, and a path that does not exist too."""
    for path in (QUEUE, "/api/ai/generations", "/api/authorize", "/api/nope"):
        response = httpx.get(hub.url + path, headers=headers)
        assert (response.status_code, response.json()["error"]["type"]) == (401, "unauthenticated")


def test_authorize_confirms_a_key(api: httpx.Client) -> None:
    """`GET /authorize` returns the user of the key."""
    assert api.get("/api/authorize").json()["user"].keys() == {"name", "email"}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"model": NaN}', b"\xff", b"[" * 100_000])
def test_body_that_is_no_json_object_is_refused(api: httpx.Client, content: bytes) -> None:
    """A body that is not a JSON object receives 400."""
    assert api.post(EDIT, content=content).status_code == 400


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"prompt": 5}, "prompt: 5 is not of type 'string'"),
        ({"prompt": None}, "prompt: None is not of type 'string'"),
        ({"prompt": " "}, EMPTY_PROMPT),
        ({"input_image": [DOG_URL, 5]}, "input_image[1]: 5 is not of type 'string'"),
        ({"input_image": "x" * 10_000}, "is not of type 'array'"),
        ({"aspect_ratio": "7:1"}, "aspect_ratio: '7:1' is not one of"),
        ({"response_format": "mp3"}, "response_format: 'mp3' is not one of"),
        ({"model": None}, "You must specify a model to call"),
        ({"model": 5}, "model: 5 is not of type 'string'"),
        ({"model": "bare"}, "model: bare has no parameter schema"),
        ({"model": "film"}, "model: film makes video, not image"),
        ({"model": "gpt-4o"}, "model: gpt-4o makes no media, not image"),
    ],
)
def test_refusal_names_the_parameter(
    hub: Hub, api: httpx.Client, change: dict[str, Any], detail: str
) -> None:
    """A refused parameter receives 400 with a short text that names it."""
    hub.add_model(make_model("bare", None))
    response = api.post(EDIT, json={**EDIT_BODY, **change})
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_params")
    assert detail in error["detail"]
    assert len(error["detail"]) < 300


@pytest.mark.parametrize("name", ["prompt", "input_image"])
def test_missing_parameter_is_refused(api: httpx.Client, name: str) -> None:
    """A request without a required parameter receives 400."""
    response = api.post(EDIT, json={key: value for key, value in EDIT_BODY.items() if key != name})
    assert response.status_code == 400
    expected = EMPTY_PROMPT if name == "prompt" else "'input_image' is a required property"
    assert response.json()["error"]["detail"] == expected


def test_unknown_model_is_not_found(api: httpx.Client) -> None:
    """An unknown model receives 404 with a message only."""
    for path in (EDIT, QUEUE):
        response = api.post(path, json={**EDIT_BODY, "model": "nope"})
        assert (response.status_code, response.json()) == (
            404,
            {"error": {"message": "Model not found: nope"}},
        )


@pytest.mark.slow
def test_null_is_accepted_where_nullable(hub: Hub, api: httpx.Client) -> None:
    """Null is accepted for nullable parameters, also inside objects, and for the targets."""
    item = object_schema(strength={"type": "number"}, url={"type": "string", "nullable": True})
    schema = object_schema(
        prompt={"type": "string"},
        seed={"type": "integer", "nullable": True},
        size={"enum": ["a", "b"], "nullable": True},
        styles={"type": "array", "items": item},
    )
    hub.add_model(make_model("m", schema))
    body = {"model": "m", "prompt": "x", "seed": None, "size": None, "styles": [{"url": None}]}
    assert api.post(GENERATE, json={**body, "target_namespace": None}).status_code == 200
    assert api.post(GENERATE, json={**body, "styles": [{"strength": None}]}).status_code == 400
    targets = dict.fromkeys(("target_namespace", "target_repo", "target_directory"))
    assert api.post(QUEUE, json={**body, **targets}).status_code == 200


@pytest.mark.slow
def test_default_outside_its_range_is_accepted(hub: Hub, api: httpx.Client) -> None:
    """A default is accepted although it is outside of its own range; other values are not."""
    duration = {"type": "integer", "minimum": 4, "maximum": 15, "default": -1}
    hub.add_model(make_model("m", object_schema(duration=duration)))
    statuses = [api.post(GENERATE, json={"model": "m", "duration": value}) for value in (-1, 4, -2, True)]
    assert [response.status_code for response in statuses] == [200, 200, 400, 400]


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule", ["type: nonsense", "minimum: a", "pattern: (", "$ref: #/no", "$ref: URL/x.json"]
)
def test_unusable_schema_has_no_effect(hub: Hub, api: httpx.Client, unused_server: str, rule: str) -> None:
    """A schema that no validator can use accepts everything, and a reference in it is not fetched."""
    key, value = rule.replace("URL", unused_server).split(": ")
    hub.add_model(make_model("m", {"properties": {"prompt": {key: value}}}))
    assert api.post(GENERATE, json={"model": "m", "prompt": "x"}).status_code == 200


@pytest.mark.slow
def test_broken_input_file_is_refused(api: httpx.Client) -> None:
    """A media file that is broken, too large or not a URL receives 400."""
    files = [
        ("without a comma", "data:image/png;base64"),
        ("not valid base64", "data:image/png;base64,@@@@"),
        ("not an image", "data:image/png;base64,AAAA"),
        ("not an image", encode_data_uri(Image.new("RGB", (100, 100), "red"))[:-60]),
        ("more than 50 megapixels", encode_data_uri(Image.new("1", (7100, 7100)))),
        ("larger than 25 MB", "data:image/png;base64," + "A" * (35 * 1024 * 1024)),
        ("must be an http(s) URL", "file:///etc/passwd"),
    ]
    for problem, uri in files:
        response = api.post(EDIT, json={**EDIT_BODY, "input_image": [DOG_URL, uri]})
        error = response.json()["error"]
        assert (response.status_code, error["type"]) == (400, "invalid_file_input"), problem
        assert error["detail"].startswith("input_image: ")
        assert problem in error["detail"]


@pytest.mark.slow
def test_dialect_refusal_status(hub: Hub, api: httpx.Client) -> None:
    """A refused parameter can receive 422 in place of 400; an unknown model receives 404 still."""
    with Hub(dialect=Dialect(refusal_status="422")) as other, open_client(other) as strict:
        for change, expected in (({"prompt": 5}, 422), ({"model": None}, 422), ({"model": "nope"}, 404)):
            assert strict.post(EDIT, json={**EDIT_BODY, **change}).status_code == expected
        assert strict.post(QUEUE, json={**EDIT_BODY, "num_generations": 5}).status_code == 422


@pytest.mark.slow
def test_dialect_unknown_parameters(api: httpx.Client) -> None:
    """Unknown parameters are ignored, unless the dialect refuses them."""
    body = {**EDIT_BODY, "colour": "red"}
    assert api.post(EDIT, json=body).status_code == 200
    with Hub(dialect=Dialect(unknown_parameters="refused")) as other, open_client(other) as strict:
        assert "'colour' was unexpected" in strict.post(EDIT, json=body).json()["error"]["detail"]


def test_path_or_method_that_does_not_exist(api: httpx.Client) -> None:
    """A path that does not exist receives 404, and another method of a path receives 405."""
    missing, wrong_method = api.get("/api/ai/nope"), api.get(EDIT)
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "resource_not_found")
    assert missing.json()["error"]["detail"] == "The requested resource could not be found"
    assert (wrong_method.status_code, wrong_method.json()["error"]["type"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (
            "full",
            {
                "error": {"type": "invalid_params", "title": "Invalid params", "detail": EMPTY_PROMPT},
                "status": "error",
                "status_message": "invalid_params",
            },
        ),
        ("message", {"error": {"message": EMPTY_PROMPT}}),
        (
            "provider",
            {
                "error": {
                    "code": 400,
                    "reason": "bad_input",
                    "type": "model_response_error",
                    "detail": EMPTY_PROMPT,
                    "provider": "Qwen",
                    "provider_code": "InvalidParameter",
                    "retryable": False,
                },
                "status": "error",
                "status_message": "model_response_error",
            },
        ),
        ("upstream", {"error": {"type": "upstream", "title": EMPTY_PROMPT}, "status": 400}),
        ("text", {"error": EMPTY_PROMPT}),
    ],
)
def test_dialect_errors(dialect: Any, body: dict[str, Any]) -> None:
    """A refused parameter has each documented form of an error."""
    with Hub(dialect=Dialect(errors=dialect)) as hub, open_client(hub) as api:
        response = api.post(EDIT, json={**EDIT_BODY, "prompt": " "})
    assert response.json() == body


def test_dialect_provider_error_of_a_job() -> None:
    """A job that the provider refuses has the provider's name and code; the hub's own errors have none."""
    dialect = Dialect(errors="provider")
    with Hub(dialect=dialect, generation_time=0) as hub, open_client(hub) as api:
        job = wait_for_end(api, enqueue(api, prompt=5)[0])
        assert (job["error_provider"], job["error_provider_code"]) == ("Qwen", "InvalidParameter")
        assert job["error_retryable"] is False
        job = wait_for_end(api, enqueue(api, input_image=["file:///etc/passwd"])[0])
        assert "error_provider" not in get_job(api, job["generation_id"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "existing", "missing"),
    [
        ("image_paths", "images/generate", "images/edit"),
        ("image_paths", "images/edit", "images/generate"),
        ("audio_paths", "audio/generate", "audio/speech"),
        ("audio_paths", "audio/speech", "audio/generate"),
    ],
)
def test_dialect_missing_path(kind: str, existing: str, missing: str) -> None:
    """One of two equivalent paths can be missing."""
    value: Any = existing.rpartition("/")[2]
    model = "qwen-image-edit-plus" if kind == "image_paths" else "bytedance-seed-audio-1-0"
    body = {**EDIT_BODY, "model": model}
    with Hub(dialect=Dialect(**{kind: value})) as hub, open_client(hub) as api:
        statuses = [api.post(f"/api/ai/{path}", json=body).status_code for path in (existing, missing)]
        assert api.get(f"/api/ai/{missing}").json()["error"]["type"] == "resource_not_found"
    assert statuses == [200, 404]
