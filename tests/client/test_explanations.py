"""Every invalid value of a call is explained by an `InvalidRequestError`, quickly and in few words."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.compile import compile_request
from helpers.hub_api import DOG_URL
from helpers.models import edit_request
from oxen_models import OMIT, InvalidRequestError, Request, catalog
from oxen_models._runtime.dynamic import DynamicSchema
from oxen_models._runtime.hub_models import parse_model_record
from oxen_models._runtime.request import build_request
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.testing import Hub
from pydantic import ValidationError

HUGE = 10**400
# More digits than Python converts to text.
TOO_LONG = 10**5000
Explain = Callable[[dict[str, Any], Any], InvalidRequestError]


class Unprintable:
    """A value whose `repr` fails."""

    def __repr__(self) -> str:
        raise RuntimeError


def nest(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@cache
def compile_cached(schema: str) -> type[Request]:
    return compile_request(json.loads(schema))


def explain_typed(schema: dict[str, Any], value: Any) -> InvalidRequestError:
    """Return the error of a generated class with one parameter."""
    request_class: Any = compile_cached(json.dumps({"type": "object", "properties": {"a": schema}}))
    build: Any = partial(request_class, a=value)
    with pytest.raises(InvalidRequestError) as caught:
        build_request(build)
    return caught.value


def explain_untyped(schema: dict[str, Any], value: Any) -> InvalidRequestError:
    """Return the error of a model that is known by its id, with one parameter."""
    record = {
        "id": "m",
        "endpoint": "/images/generate",
        "json_request_schema": {"type": "object", "properties": {"a": schema}},
    }
    with pytest.raises(InvalidRequestError) as caught:
        DynamicSchema("m", parse_model_record(record)).build_request({"a": value})
    return caught.value


both = pytest.mark.parametrize("explain", [explain_typed, explain_untyped], ids=["typed", "untyped"])


SCHEMAS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "integer", "minimum": 1, "maximum": 5},
    {"type": "number", "minimum": 1, "maximum": 1.5},
    {"type": "integer", "enum": [1, 2]},
    {"type": "number", "enum": [1.5, 2.5]},
    {"enum": [10**300 + 1, 2.5, "a"]},
    {"type": "array", "items": {"type": "string"}},
]


@both
@pytest.mark.parametrize(
    "value",
    [
        HUGE, -HUGE, TOO_LONG, float("inf"), float("nan"), nest(800), nest(5000), [TOO_LONG], Unprintable(),
        {"x": Unprintable()}, b"x" * 10**7, memoryview(b"x" * 10**7), "\ud800", {3: 4}, object(),
    ],
    ids="huge -huge long inf nan deep deeper long-item bad bad-item bytes view surrogate key other".split(),
)  # fmt: skip
def test_unusual_value_is_explained(explain: Explain, value: Any) -> None:
    """A value that cannot be converted, compared, shown or traversed is explained in a short text."""
    for schema in SCHEMAS:
        error = explain(schema, value)
        assert error.problems[0].parameter.startswith("a"), schema
        assert len(str(error)) < 1200, schema


OBJECT = {
    "type": "object",
    "properties": {"zoom": {"type": "integer"}, "look-at": {"enum": ["left", "right"]}},
    "required": ["zoom"],
    "additionalProperties": False,
}
NESTED: dict[str, dict[str, Any]] = {
    "list": {"type": "array", "items": OBJECT},
    "map": {"type": "object", "additionalProperties": OBJECT},
    "union": {**OBJECT, "type": ["object", "boolean", "null"]},
}


@both
@pytest.mark.parametrize(
    ("schema", "value", "problems"),
    [
        (OBJECT, {"zoom": "x", "look-at": 1}, ["a['look-at']=1", "a['zoom']='x'"]),
        (OBJECT, {"look-at": "left"}, ["a['zoom']: is required"]),
        (OBJECT, {"zoom": 1, "zom": 2}, ["a['zom']=2: is not a property of the object"]),
        (NESTED["list"], [{"zoom": 1}, {"zoom": 1.5}], ["a[1]['zoom']=1.5"]),
        (NESTED["map"], {"x": {}, "y": {"zoom": "x"}}, ["a['x']['zoom']: is required", "a['y']['zoom']='x'"]),
    ],
    ids="values missing unknown list map".split(),
)
def test_problem_in_object_has_its_place(
    explain: Explain, schema: dict[str, Any], value: Any, problems: list[str]
) -> None:
    """Each value of an object that is wrong is one problem, which names its place."""
    found = sorted(str(problem) for problem in explain(schema, value).problems)
    assert len(found) == len(problems)
    assert all(text.startswith(start) for text, start in zip(found, problems, strict=True)), found


def test_problem_in_union_has_its_place() -> None:
    """The place of a value in an object does not contain the member of the union that accepts objects."""
    error = explain_typed(NESTED["union"], {"zoom": "x"})
    assert error.problems[0].parameter == "a['zoom']"


def test_problem_beside_a_python_name_has_its_place() -> None:
    """The place is found although an unknown parameter has the Python name of the one that is wrong."""
    request = compile_request({"type": "object", "properties": {"a-b": NESTED["map"]}})
    with pytest.raises(InvalidRequestError) as caught:
        build_request(partial(request, **{"a-b": {"x": {"zoom": "x"}}, "a_b": 1}))
    assert [problem.parameter for problem in caught.value.problems] == ["a_b['x']['zoom']", "a_b"]


def test_problem_in_mapping_has_its_place() -> None:
    """The place of a value in a mapping that is not a dict contains its key."""
    error = explain_typed(NESTED["map"], MappingProxyType({"x": {"zoom": "x"}}))
    assert error.problems[0].parameter == "a['x']['zoom']"


@pytest.mark.slow
def test_unusual_schema_is_explained() -> None:
    """A schema that is nested too deeply to be used is an `OxenError`."""
    schema = {"type": "object", "properties": {"a": {"const": nest(800)}}}
    record = {"id": "m", "endpoint": "/images/generate", "json_request_schema": schema}
    with pytest.raises(ox.UnexpectedResponseError, match="nested too deeply"):
        DynamicSchema("m", parse_model_record(record))


def test_unusual_number_is_not_sent(run: ClientRunner, hub: Hub) -> None:
    """A number of too many digits is an error about the request, and not about `extra_body`."""
    calls: list[Callable[[Any], Any]] = [
        lambda oxen: oxen.images.qwen_image.generate(prompt="x", seed=TOO_LONG),
        lambda oxen: oxen.model("qwen-image").generate(prompt="x", seed=TOO_LONG),
        lambda oxen: oxen.submit(edit_request(prompt=TOO_LONG)),
    ]
    for call in calls:
        error = run.expect_error(InvalidRequestError, call, base_url=hub.url)
        assert "extra_body" not in str(error)
    assert hub.count("POST", "/") == 0


OPTIONS = [f"option-{number:05}" for number in range(9000)]
MANY: dict[str, Any] = {"type": "string", "enum": OPTIONS}


def cpu_time(function: Callable[[], object]) -> float:
    started = time.process_time()
    function()
    return time.process_time() - started


@pytest.mark.slow
@both
@pytest.mark.parametrize("value", ["option-1234x", "x" * 110, "OPTION-08999 "])
def test_many_options_are_explained_quickly(explain: Explain, value: str) -> None:
    """One wrong value against 9,000 options takes little longer than the creation of the class."""
    explain({"type": "string", "enum": OPTIONS[:10]}, value)
    creation = cpu_time(lambda: explain(MANY, 3))  # has the same class, and nothing to compare
    errors: list[InvalidRequestError] = []
    duration = cpu_time(lambda: errors.append(explain(MANY, value)))
    [problem] = errors[0].problems
    assert problem.expected == f"must be one of 9,000 values, such as {str(OPTIONS[:3])[1:-1]}"
    assert len(str(errors[0])) < 400
    assert duration < 2 * creation + 0.2


@pytest.mark.slow
@both
def test_option_is_suggested_among_many(explain: Explain) -> None:
    """The nearest of 9,000 options is suggested."""
    assert explain(MANY, "Option-08990").problems[0].suggestion == "did you mean 'option-08990'?"
    numbers = {"type": "integer", "enum": [*range(0, 9000, 10)]}
    assert explain(numbers, 4449).problems[0].suggestion == "the nearest is 4450"


@both
@pytest.mark.parametrize("choices", [OPTIONS[:51], [number + 0.5 for number in range(51)]])
def test_many_options_with_null_name_none(explain: Explain, choices: list[Any]) -> None:
    """A message with examples of many options states that None is one of them, too."""
    [problem] = explain({"enum": [*choices, None]}, "x").problems
    assert problem.expected == f"must be one of 51 values, such as {str(choices[:3])[1:-1]}, or None"


@both
@pytest.mark.parametrize(
    "schema", [{"type": "string"}, {"type": "integer", "minimum": 1}, {"enum": ["a"]}, {"type": "array"}]
)
def test_none_names_omit(explain: Explain, schema: dict[str, Any]) -> None:
    """None for an optional parameter produces an error that names OMIT."""
    assert "leave the parameter out, or pass OMIT" in str(explain(schema, None))


@pytest.mark.slow
def test_omit_is_the_remedy_for_none(run: ClientRunner, hub: Hub) -> None:
    """OMIT is accepted where None is rejected, and None for a required parameter does not name it."""
    for value in (None, OMIT):
        call = partial(edit, aspect_ratio=value)
        if value is None:
            assert "OMIT" in str(run.expect_error(InvalidRequestError, call, base_url=hub.url))
        else:
            run(call, base_url=hub.url)
    error = run.expect_error(InvalidRequestError, partial(edit, prompt=None), base_url=hub.url)
    assert "OMIT" not in str(error)


def edit(oxen: Any, **parameters: Any) -> Any:
    return oxen.images.qwen_image_edit_plus.edit(**{"prompt": "x", "input_image": [DOG_URL], **parameters})


@pytest.mark.parametrize("path", ["dog.png", "~/dog.png", "C:\\dog.png", "ftp://x/dog.png", "", "dog" * 1000])
def test_request_class_rejects_a_path_as_text(path: str) -> None:
    """A text that is not a URL is rejected where a request expects media, and names `pathlib.Path`."""
    with pytest.raises(ValidationError) as caught:
        QwenImageEditPlusRequest(prompt="x", input_image=[path])
    assert "must be an http:, https: or data: URL; for a file, pass pathlib.Path(" in str(caught.value)
    with pytest.raises(ValidationError):
        QwenImageEditPlusRequest.from_body({"prompt": "x", "input_image": [path]})
    with pytest.raises(InvalidRequestError) as raised:
        build_request(partial(QwenImageEditPlusRequest, prompt="x", input_image=[path]))
    assert len(str(raised.value)) < 600


def test_request_class_accepts_urls_and_paths(tmp_path: Path) -> None:
    """URLs of each kind are sent unchanged, and a `Path` is read."""
    file = tmp_path / "dog.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    urls = [DOG_URL, "HTTP://x/y", "data:image/png;base64,AAAA"]
    request = QwenImageEditPlusRequest(prompt="x", input_image=[*urls, file])
    assert request.body()["input_image"][:3] == urls


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("model", "call the other model instead"),
        ("output_format", "pass it as a parameter: output_format='jpg'"),
        ("response_format", "pass it as a parameter: response_format='jpg'"),
    ],
)
def test_extra_body_rejects_known_names(run: ClientRunner, hub: Hub, name: str, remedy: str) -> None:
    """`extra_body` sets neither the model nor a parameter of the model; nothing is billed."""
    extra = {name: "jpg"}
    values: dict[str, Any] = {"prompt": "x", "input_image": [DOG_URL]}
    request = QwenImageEditPlusRequest(**values)
    untyped = ox.UntypedRequest(
        request.model_id, "/images/edit", {**values, name: "png"} if name != "model" else values
    )
    calls: list[Callable[[Any], Any]] = [
        lambda oxen: edit(oxen, extra_body=extra),
        lambda oxen: oxen.images.qwen_image_edit_plus.submit(**values, extra_body=extra),
        lambda oxen: oxen.run(request, extra_body=extra),
        lambda oxen: oxen.submit(request, num_generations=2, extra_body=extra),
        lambda oxen: oxen.run(untyped, extra_body=extra),
        lambda oxen: oxen.model(request.model_id).edit(**values, extra_body=extra),
        lambda oxen: oxen.model(request.model_id).submit(**values, extra_body=extra),
    ]
    for call in calls:
        error = run.expect_error(InvalidRequestError, call, base_url=hub.url)
        assert str(error) == f"{request.model_id}: extra_body['{name}']='jpg': cannot be set here; {remedy}"
    assert hub.count("POST", "/") == 0


def test_empty_wire_name_is_explained(run: ClientRunner, hub: Hub) -> None:
    """A parameter whose name in the API is empty is known by its Python name, in errors as well."""
    schema = {"properties": {"": {"type": "string", "format": "uri", "renderType": "image-url"}}}
    request_class: Any = compile_cached(json.dumps(schema))
    request = request_class(param=DOG_URL)
    assert request.endpoint == "/images/edit"
    build: Any = partial(request_class, param=5)
    with pytest.raises(InvalidRequestError, match="param=5: "):
        build_request(build)
    error = run.expect_error(
        InvalidRequestError, lambda oxen: oxen.run(request, extra_body={"": 1}), base_url=hub.url
    )
    assert str(error).endswith("extra_body['']=1: cannot be set here; pass it as a parameter: param=1")


@pytest.mark.slow
def test_unknown_model_is_suggested(run: ClientRunner, hub: Hub) -> None:
    """The catalogue and the server's 404 suggest the model with the nearest id."""
    with pytest.raises(KeyError, match="did you mean 'qwen-image-edit-plus'"):
        catalog.get("qwen-image-edit-plu")
    calls: list[Callable[[Any], Any]] = [
        lambda oxen: oxen.model("qwen-image-edit-plu").load(),
        lambda oxen: oxen.models.get("Qwen-Image-Edit-Plus"),
    ]
    for call in calls:
        error = run.expect_error(ox.NotFoundError, call, base_url=hub.url)
        assert error.hint == "did you mean 'qwen-image-edit-plus'?"
    error = run.expect_error(ox.NotFoundError, lambda oxen: oxen.models.get("\0"), base_url=hub.url)
    assert error.hint is None
