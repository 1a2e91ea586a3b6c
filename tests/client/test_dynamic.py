"""Models that are known by their id only: parameters are validated at run time."""

from __future__ import annotations

import asyncio
import io
import pickle
import sys
import threading
from collections.abc import Callable
from operator import attrgetter, methodcaller
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import read_bodies
from helpers.media_inputs import ACCEPTED_MEDIA
from helpers.raw_server import RawServer, Response
from oxen_models import AsyncOxen, Oxen, UntypedRequest
from oxen_models._runtime.dynamic import DynamicSchema
from oxen_models._runtime.hub_models import parse_model_record
from oxen_models.testing import Hub
from PIL import Image

URL = "https://example.com/dog.png"
CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
HAT: dict[str, Any] = {"prompt": "Add a hat", "input_image": [URL]}
EDITOR = "qwen-image-edit-plus"
SOUND = "bytedance-seed-audio-1-0"
NEW: dict[str, Any] = {
    "id": "new/model",
    "endpoint": "/videos/generate",
    "capabilities": {"input": ["text"], "output": ["video"]},
    "json_request_schema": {
        "type": "object",
        "required": ["prompt"],
        "properties": {
            "prompt": {"type": "string", "minLength": 2, "maxLength": 9},
            "cfg-scale": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            "seed": {"type": ["integer", "null"]},
            "size": {"type": "object", "properties": {"x": {"type": "integer", "minimum": 1}}},
            "first": {"pattern": "^a"},
            "frames": {
                "type": "array", "minItems": 1, "renderType": "image-url", "items": {"type": "string"}
            },
            "picture": {
                "type": ["string", "array", "null"], "renderType": "image-url", "items": {"type": "string"}
            },
        },
    },
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"
DATA_URI = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture
def hub(own_hub: Hub) -> Hub:
    """A hub for each test, because some tests add models."""
    return own_hub


@pytest.fixture
def new(hub: Hub) -> Hub:
    """A hub with a model that is not in the package."""
    hub.add_model(NEW)
    return hub


def model(id: str, verb: str, **parameters: Any) -> Callable[[Any], Any]:
    return lambda oxen: getattr(oxen.model(id), verb)(**parameters)


def read_problems(run: ClientRunner, hub: Hub, id: str, **parameters: Any) -> list[str]:
    """Return the problems of parameters, and check that nothing was sent."""
    error = run.expect_error(ox.InvalidRequestError, model(id, "request", **parameters), base_url=hub.url)
    assert read_bodies(hub) == []
    assert (error.__cause__, error.__context__, error.model_id) == (None, None, id)
    return [str(problem) for problem in error.problems]


@pytest.mark.async_values
@pytest.mark.slow
@pytest.mark.parametrize(
    ("id", "verb", "parameters", "kind"),
    [
        (EDITOR, "edit", HAT, "ImageResult"),
        ("qwen-image", "generate", {"prompt": "x"}, "ImageResult"),
        ("new/model", "generate", {"prompt": "xx"}, "VideoResult"),
        (SOUND, "speak", {"prompt": "x"}, "AudioResult"),
    ],
)
def test_untyped_call_returns_the_typed_result(
    run: ClientRunner, new: Hub, id: str, verb: str, parameters: dict[str, Any], kind: str
) -> None:
    """A call by id returns the type of result that the typed call returns, and so does its job."""
    result = run(model(id, verb, **parameters), base_url=new.url)
    assert type(result) is run.get_class(kind)
    assert read_bodies(new) == [{"model": id, **parameters}]
    if verb != "speak":
        submitted = run(model(id, "submit", **parameters), methodcaller("result"), base_url=new.url)
        assert type(submitted) is run.get_class(kind)


@pytest.mark.slow
def test_untyped_submit_sends_options_and_targets(run: ClientRunner, new: Hub) -> None:
    """Options of the call and targets of the client are sent with a submission by id."""

    def submit(oxen: Any) -> Any:
        model = oxen.with_options(target_repo="me/hats", target_directory="new").model("new/model")
        return model.submit(prompt="xx", extra_body={"beta": 1}, extra_headers={"x-mark": "m"})

    run(submit, base_url=new.url)
    [sent] = [request for request in new.requests if request.method == "POST"]
    assert sent.headers["x-mark"] == "m"
    assert sent.body == {
        "model": "new/model", "prompt": "xx", "target_repo": "me/hats", "target_directory": "new", "beta": 1,
    }  # fmt: skip


@pytest.mark.slow
def test_untyped_call_takes_parameters_in_a_mapping(run: ClientRunner, new: Hub) -> None:
    """Names that are not identifiers, and those of options, are parameters when they stand in the mapping."""
    run(lambda oxen: oxen.model("new/model").generate({"cfg-scale": 0.5}, prompt="xx"), base_url=new.url)
    assert read_bodies(new)[-1] == {"model": "new/model", "prompt": "xx", "cfg-scale": 0.5}
    schema = {"type": "object", "required": ["timeout"], "properties": {"timeout": {"type": "integer"}}}
    new.add_model({**NEW, "json_request_schema": schema})
    run(lambda oxen: oxen.model("new/model").generate({"timeout": 5}, timeout=30), base_url=new.url)
    assert read_bodies(new)[-1] == {"model": "new/model", "timeout": 5}


def test_untyped_call_rejects_a_parameter_twice(run: ClientRunner, new: Hub) -> None:
    """A parameter in the mapping and as a keyword is an error, and so is a value in place of the mapping."""
    with pytest.raises(TypeError, match="multiple values for parameter 'prompt'"):
        run(lambda oxen: oxen.model("new/model").generate({"prompt": "xx"}, prompt="xx"), base_url=new.url)
    with pytest.raises(TypeError, match="must be a mapping of parameters, got 'xx'; pass parameters by name"):
        run(lambda oxen: oxen.model("new/model").generate("xx"), base_url=new.url)
    assert read_bodies(new) == []


def test_untyped_call_reports_every_problem(run: ClientRunner, hub: Hub) -> None:
    """All problems of a call are reported with suggestions, and nothing is sent."""
    assert read_problems(
        run, hub, EDITOR,
        input_image="dog.png", aspect_ratio="16:10", output_formt="png", response_format="b64_jsn", model="x",
    ) == [
        "input_image='dog.png': must be a valid list; wrap it in a list: input_image=['dog.png']",
        "aspect_ratio='16:10': must be '1:1', '16:9', '9:16', '4:3', '3:4', '3:2' or '2:3'; "
        "did you mean '16:9'?",
        "output_formt='png': is not a parameter of the model; did you mean 'output_format'?",
        "response_format='b64_jsn': must be 'url' or 'b64_json'; did you mean 'b64_json'?",
        "model='x': is not a parameter of the model",
        "prompt: is required",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("prompt", 5, "prompt=5: must be a valid string"),
        ("prompt", {1}, "prompt={1}: must be a valid string"),
        ("prompt", "x", "prompt='x': must have at least 2 characters"),
        ("prompt", "x" * 10, "prompt='xxxxxxxxxx': must have at most 9 characters"),
        ("prompt", "\ud83d ", "prompt='\\ud83d ': must be valid Unicode (no lone surrogates)"),
        ("cfg-scale", 0, "cfg-scale=0: must be greater than 0"),
        ("cfg-scale", 2, "cfg-scale=2: must be less than or equal to 1"),
        ("cfg-scale", True, "cfg-scale=True: must be a valid number"),
        ("cfg-scale", float("nan"), "cfg-scale=nan: must be a valid number"),
        ("cfg-scale", 1j, "cfg-scale=1j: must be a valid number"),
        ("seed", "5", "seed='5': must be a valid integer, or must be None"),
        ("seed", 0.5, "seed=0.5: must be a valid integer, or must be None"),
        ("size", {"x": 0}, "size['x']=0: must be greater than or equal to 1"),
        ("size", 5, "size=5: must be a valid dictionary"),
        ("first", {1}, "first={1}: must be a JSON value, got set"),
        ("first", float("nan"), "first=nan: must be a finite number"),
        ("first", {1: 2}, "first={1: 2}: must have strings as keys, got the key 1"),
        ("first", CIRCLE, "first=<list>: must be nested less deeply"),
        ("frames", [], "frames=[]: must have at least 1 item"),
        ("frames", [URL, 5], f"frames[1]=5: {ACCEPTED_MEDIA}"),
        ("frames", [URL, b"moo"], "frames[1]=<3 bytes>: must be an image file, got an unknown format"),
        ("picture", [5], f"picture[0]=5: {ACCEPTED_MEDIA}"),
        ("picture", 5, f"picture=5: {ACCEPTED_MEDIA}, or must be a valid list, or must be None"),
        ("picture", "no.png", "picture='no.png': the file cannot be read: No such file or directory"),
        ("colour", "red", "colour='red': is not a parameter of the model"),
    ],
)
def test_dynamic_schema_reports_a_problem(name: str, value: object, message: str) -> None:
    """Each kind of invalid value has its own message, in the words of typed requests."""
    schema = DynamicSchema("new/model", parse_model_record(NEW))
    with pytest.raises(ox.InvalidRequestError) as caught:
        schema.build_request({"prompt": "xx", name: value})
    [problem] = caught.value.problems
    assert str(problem).startswith(message)


@pytest.mark.slow
def test_untyped_request_converts_values_to_json(run: ClientRunner, new: Hub, tmp_path: Path) -> None:
    """Files become data: URIs, sequences lists, integral floats integers; OMIT is not sent."""
    (tmp_path / "dog.png").write_bytes(PNG)
    given = {
        "prompt": "xx", "seed": 5.0, "cfg-scale": ox.OMIT, "size": {"x": 2.0}, "first": ({"a": (1, PNG)},),
        "frames": (str(tmp_path / "dog.png"), tmp_path / "dog.png", PNG, io.BytesIO(PNG), URL),
        "picture": Image.new("RGB", (2, 2)),
    }  # fmt: skip
    request = run(model("new/model", "request", **given), base_url=new.url)
    body = request.body()
    assert body.pop("picture").startswith("data:image/png;base64,")
    assert body == {
        "model": "new/model", "prompt": "xx", "seed": 5, "size": {"x": 2}, "first": [{"a": [1, DATA_URI]}],
        "frames": [*[DATA_URI] * 4, URL],
    }  # fmt: skip
    assert type(body["seed"]) is int
    body["frames"].clear()
    assert len(request.body()["frames"]) == 5
    assert (request.model_id, request.endpoint) == ("new/model", "/videos/generate")
    assert pickle.loads(pickle.dumps(request)) == request


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("id", "verb", "message"),
    [
        (EDITOR, "generate", "qwen-image-edit-plus has no call generate(); call edit()"),
        ("qwen-image", "edit", "qwen-image has no call edit(); call generate()"),
        (EDITOR, "speak", "qwen-image-edit-plus has no call speak(); call edit()"),
        (SOUND, "generate", "bytedance-seed-audio-1-0 has no call generate(); call speak()"),
        (
            "gpt-4o",
            "generate",
            "gpt-4o cannot be called by model(): call oxen.chat.complete(), or make a ChatRequest",
        ),
        (
            "gpt-4o",
            "request",
            "gpt-4o cannot be called by model(): call oxen.chat.complete(), or make a ChatRequest",
        ),
        ("odd", "generate", "odd cannot be called: the kind of its result is unknown"),
    ],
)
def test_untyped_call_of_another_verb_raises(
    run: ClientRunner, hub: Hub, id: str, verb: str, message: str
) -> None:
    """A call that the model does not have raises and names the call that it has."""
    hub.add_model({"id": "odd", "endpoint": "/3d/generate"})
    error = run.expect_error(ox.ConfigurationError, model(id, verb, prompt="x"), base_url=hub.url)
    assert str(error).startswith(message)
    assert read_bodies(hub) == []


@pytest.mark.slow
def test_untyped_model_that_needs_an_image_edits(run: ClientRunner, hub: Hub) -> None:
    """A model that requires an image has the call `edit`, whatever its endpoint says."""
    schema = ox.schema(EDITOR)
    hub.add_model({"id": "listed-elsewhere", "endpoint": "/images/generate", "json_request_schema": schema})
    assert type(run(model("listed-elsewhere", "request", **HAT), base_url=hub.url)) is UntypedRequest
    error = run.expect_error(
        ox.ConfigurationError, model("listed-elsewhere", "generate", **HAT), base_url=hub.url
    )
    assert str(error).endswith("call edit()")


@pytest.mark.slow
def test_untyped_model_without_schema_accepts_json(
    run: ClientRunner, server: RawServer, tmp_path: Path
) -> None:
    """Without a schema any JSON value is sent; files become data: URIs, and strings are not opened."""
    (tmp_path / "dog.png").write_bytes(PNG)
    path = str(tmp_path / "dog.png")
    server.responses["/api/ai/models/bare"] = [
        Response(body={"data": {"id": "bare", "endpoint": "images/generate"}})
    ]
    given = {"prompt": path, "image": Path(path), "more": [PNG, {"a": 1.5}]}
    request = run(model("bare", "request", **given), base_url=server.url)
    assert request.parameters == {"prompt": path, "image": DATA_URI, "more": [DATA_URI, {"a": 1.5}]}
    for wrong in ({"model": "other"}, {"a": {1}}, {"response_format": "b64"}):
        run.expect_error(ox.InvalidRequestError, model("bare", "request", **wrong), base_url=server.url)


@pytest.mark.parametrize(("schema", "message"), [([], "got a list"), ({"type": "array"}, "got 'array'")])
def test_untyped_model_with_invalid_schema_raises(
    run: ClientRunner, server: RawServer, schema: object, message: str
) -> None:
    """A published schema that is not one of parameters is an unexpected response."""
    answer = {"id": "odd", "endpoint": "/images/generate", "json_request_schema": schema}
    server.responses["/api/ai/models/odd"] = [Response(body=answer)]
    error = run.expect_error(
        ox.UnexpectedResponseError, model("odd", "generate", prompt="x"), base_url=server.url
    )
    assert str(error).startswith("odd: its parameter schema is not usable: ")
    assert str(error).endswith(message)


def test_untyped_model_states_that_it_is_unchecked(run: ClientRunner, hub: Hub) -> None:
    """Its repr and its documentation state that calls are not checked statically."""

    def look(oxen: Any) -> tuple[str, str, object]:
        any_model = oxen.model(EDITOR)
        return repr(any_model), any_model.id, any_model.schema

    kind = run.get_class("AnyModel")
    assert run(look, base_url=hub.url) == (
        f"<{kind.__name__} {EDITOR}, not checked statically>", EDITOR, None
    )  # fmt: skip
    assert hub.requests == []
    assert "are not checked statically" in (kind.__doc__ or "")


def test_untyped_model_has_its_schema_after_load(hub: Hub) -> None:
    """After `load`, `schema` is a copy of the schema; a pickled model loads it again."""
    with Oxen("key", base_url=hub.url) as oxen:
        any_model = oxen.model(EDITOR)
        any_model.load()
        schema = any_model.schema
        assert schema is not None
        assert schema["required"] == ["prompt", "input_image"]
        schema["required"].clear()
        assert any_model.schema != schema
        copied = pickle.loads(pickle.dumps(any_model))
        assert (copied.id, copied.schema, type(copied)) == (EDITOR, None, type(any_model))


@pytest.mark.slow
def test_untyped_model_uses_the_recorded_schema(run: ClientRunner, hub: Hub) -> None:
    """A model of the package is validated with the recorded schema, without a request; `load` fetches it."""
    hub.add_model({**NEW, "id": "qwen-image"})
    found = run(model("qwen-image", "request", prompt="x", seed=5), base_url=hub.url)
    assert (found.model_id, found.endpoint, hub.requests) == ("qwen-image", "/images/generate", [])
    steps: list[Callable[[Any], Any]] = []

    def load(oxen: Any) -> Any:
        any_model = oxen.model("qwen-image")
        steps.append(lambda _: any_model.request({"cfg-scale": 0.5}, prompt="xx"))
        return any_model.load()

    found = run(load, lambda _: steps[-1](_), base_url=hub.url)
    assert (found.endpoint, hub.count("GET", "/api/ai/models/qwen-image")) == ("/videos/generate", 1)


@pytest.mark.slow
def test_untyped_model_fetches_its_schema_once(new: Hub) -> None:
    """Concurrent first calls share one request for the schema, in threads and in tasks."""
    path = "/api/ai/models/new/model"
    new.inject_fault("slow", 0.2)
    with Oxen("key", base_url=new.url) as oxen:
        any_model = oxen.model("new/model")
        threads = [threading.Thread(target=any_model.request, kwargs={"prompt": "xx"}) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert new.count("GET", path) == 1

    async def calls() -> None:
        async with AsyncOxen("key", base_url=new.url) as oxen:
            any_model = oxen.model("new/model")
            await asyncio.gather(*(any_model.request(prompt="xx") for _ in range(8)))

    asyncio.run(calls())
    assert new.count("GET", path) == 2


def test_untyped_model_retries_a_failed_fetch(run: ClientRunner, new: Hub) -> None:
    """A schema that could not be fetched is fetched by the next call."""
    new.respond_next(403)

    async def again_later(any_model: Any) -> Any:
        with pytest.raises(ox.PermissionDeniedError):
            await any_model.load()
        return await any_model.request(prompt="xx")

    def call_twice(any_model: Any) -> Any:
        if run.asynchronous:
            return again_later(any_model)
        with pytest.raises(ox.PermissionDeniedError):
            any_model.load()
        return any_model.request(prompt="xx")

    request = run(methodcaller("model", "new/model"), call_twice, base_url=new.url)
    assert request.parameters == {"prompt": "xx"}


def test_untyped_model_with_unknown_id_raises(run: ClientRunner, hub: Hub) -> None:
    """A call of a model that the API does not have raises `NotFoundError`."""
    run.expect_error(ox.NotFoundError, model("no-such-model", "generate", prompt="x"), base_url=hub.url)


def test_untyped_call_without_the_extra_raises(
    run: ClientRunner, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without jsonschema the error names the extra, and nothing is sent."""
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    monkeypatch.delitem(sys.modules, "oxen_models._runtime.dynamic", raising=False)
    error = run.expect_error(ox.ConfigurationError, model(EDITOR, "edit", **HAT), base_url=hub.url)
    assert "pip install '.[dynamic]'" in str(error)
    assert hub.requests == []


@pytest.mark.slow
def test_run_many_accepts_untyped_requests(run: ClientRunner, new: Hub, tmp_path: Path) -> None:
    """Requests by id can be part of a batch."""
    steps = [("new/model", {"prompt": "xx"}), (SOUND, {"prompt": "x"})]
    requests = [run(model(id, "request", **given), base_url=new.url) for id, given in steps]
    typed = ox.images.QwenImageRequest(prompt="x")

    async def gathered(oxen: Any) -> list[Any]:
        return [outcome async for outcome in oxen.run_many([*requests, typed], journal=tmp_path / "j")]

    def run_batch(oxen: Any) -> Any:
        if run.asynchronous:
            return gathered(oxen)
        return list(oxen.run_many([*requests, typed], journal=tmp_path / "j"))

    for sent in (3, 3):  # the second run has it all from the journal
        outcomes = sorted(run(run_batch, base_url=new.url), key=attrgetter("index"))
        assert [type(outcome.result) for outcome in outcomes] == [
            run.get_class("VideoResult"), run.get_class("AudioResult"), run.get_class("ImageResult"),
        ]  # fmt: skip
        assert [outcome.request for outcome in outcomes] == [*requests, typed]
        assert len(read_bodies(new)) == sent
