"""Schemas of which no recorded model has one: calls and `oxen.model` send the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from helpers.compile import compile_module
from helpers.media_inputs import PNG, make_data_uri
from helpers.models import make_model, object_schema
from oxen_models import InvalidRequestError, Request
from oxen_models._runtime.dynamic import DynamicSchema
from oxen_models._runtime.hub_models import parse_model_record
from oxen_models._runtime.options import RequestOptions
from oxen_models._runtime.request import build_request

Call = Callable[[Any, Any], Any]
IMAGE = {"type": "string", "format": "uri", "renderType": "image-url"}
IMAGES = {"type": "array", "items": IMAGE}
URL = "https://example.com/a.png"


class BodySender:
    """Returns the body of a request instead of sending it."""

    base_url = "https://example.com"

    def send(self, build: partial[Request], options: RequestOptions) -> Any:
        return build_request(build).body()

    def to_queue(self) -> BodySender:
        return self


@cache
def load_model(schema: str) -> Any:
    """Return the class of a model with the parameter `a`, which is compiled once."""
    module: Any = compile_module(object_schema("a", a=json.loads(schema)), "m", "/videos/generate")
    return module.M


def call_typed(schema: Any, value: Any) -> Any:
    """Return what a call sends of the parameter `a`."""
    return load_model(json.dumps(schema))(BodySender()).generate(a=value)["a"]


def call_untyped(schema: Any, value: Any) -> Any:
    """Return what `oxen.model` sends of the parameter `a`."""
    record = make_model("m", object_schema("a", a=schema), endpoint="/videos/generate")
    return DynamicSchema("m", parse_model_record(record)).build_request({"a": value}).body()["a"]


both = pytest.mark.parametrize("call", [call_typed, call_untyped], ids=["typed", "untyped"])


@both
@pytest.mark.parametrize(
    ("schema", "default"),
    [(IMAGE, "none"), (IMAGE, ""), (IMAGES, [""]), ({**IMAGE, "nullable": True}, "auto")],
    ids="text empty list nullable".split(),
)
def test_default_of_media_is_sent(call: Call, schema: dict[str, Any], default: Any) -> None:
    """A default that is not a URL is accepted, because the server accepts it; other values still are."""
    schema = {**schema, "default": default}
    assert call(schema, default) == default
    other = [URL] if isinstance(default, list) else URL
    assert call(schema, other) == other
    with pytest.raises(InvalidRequestError):
        call(schema, "no-such-file.png")


DEFAULTS: list[tuple[dict[str, Any], Any]] = [
    ({**IMAGE, "default": "auto"}, "auto"),
    ({**IMAGE, "default": "auto", "nullable": True}, "auto"),
    ({**IMAGES, "default": ["auto"]}, ["auto"]),
    (object_schema(image={**IMAGE, "default": "auto"}), {"image": "auto"}),
]


@both
@pytest.mark.parametrize(("schema", "default"), DEFAULTS, ids="text nullable list nested".split())
def test_default_of_media_is_not_read(
    call: Call, schema: dict[str, Any], default: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A default that is not a URL is sent although there is a file of that name; other names are read."""
    monkeypatch.chdir(tmp_path)
    for name in ("auto", "automatic"):
        Path(name).write_bytes(PNG)
    assert call(schema, default) == default
    sent = json.dumps(call(schema, json.loads(json.dumps(default).replace('"auto"', '"automatic"'))))
    assert make_data_uri(PNG) in sent


@both
def test_unmatched_default_is_one_of_several(call: Call) -> None:
    """The message for a wrong value names the type beside a default of another type."""
    with pytest.raises(InvalidRequestError, match="must be a valid integer, or must be 'auto'"):
        call({"type": "integer", "default": "auto"}, "x")


@both
def test_length_of_url_is_in_characters(call: Call) -> None:
    """The length of a URL that is too long is stated in characters."""
    with pytest.raises(InvalidRequestError, match="at most 20 characters"):
        call({**IMAGE, "maxLength": 20}, URL)


NAMED_IMAGE = object_schema(image=IMAGE, name={"type": "string"}, rest={})


PLACES: list[tuple[dict[str, Any], Callable[[Any], Any]]] = [
    (IMAGE, lambda image: image),
    (IMAGES, lambda image: [image]),
    ({"type": "array", "items": IMAGES}, lambda image: [[], [image]]),
    (NAMED_IMAGE, lambda image: {"image": image, "name": "a.png", "rest": {"image": "a.png"}}),
    ({"type": "array", "items": NAMED_IMAGE}, lambda image: [{"image": image}, {"name": "a.png"}]),
    (object_schema(images=IMAGES), lambda image: {"images": (URL, image)}),
    ({"type": "object", "additionalProperties": IMAGE}, lambda image: {"a.png": image}),
    ({**NAMED_IMAGE, "type": ["object", "string"]}, lambda image: {"image": image}),
]


@both
@pytest.mark.parametrize(
    ("schema", "wrap"),
    PLACES,
    ids="value list lists object objects list-in-object additional union".split(),
)
def test_path_is_read_wherever_media_are_declared(
    call: Call,
    schema: dict[str, Any],
    wrap: Callable[[Any], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A path is read at each place where the schema declares a medium, and other strings are kept."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.png"
    file.write_bytes(PNG)
    for path in (str(file), file):
        assert call(schema, wrap(path)) == json.loads(json.dumps(wrap(make_data_uri(PNG))))
    file.unlink()
    with pytest.raises(InvalidRequestError, match="No such file"):
        call(schema, wrap(str(file)))
