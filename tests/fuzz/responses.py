"""Random model objects of a hub, mostly valid, and checks of the bindings that are generated from them."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from codegen.test_agreement import (
    JUNK,
    Strategy,
    accepts,
    combined_schemas,
    compare,
    generate_bodies,
    is_strict,
    leaves,
    make_containers,
    make_oracle,
    names,
    schema,
    schemas,
    with_urls,
)
from helpers.compile import compile_module
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError
from oxen_codegen.build import PackageBuilder
from oxen_codegen.config import Config, find_template_dir
from oxen_codegen.diagnostics import ModelError
from oxen_codegen.injection import equal_except_literals
from oxen_codegen.normalize import normalize
from oxen_codegen.records import from_response
from oxen_models import Request
from oxen_models._runtime.model import Model

STRINGS: dict[str, str] = json.loads(
    (Path(__file__).parent.parent / "codegen" / "hostile" / "strings.json").read_text(encoding="utf-8")
)
VALUES_PER_SCHEMA = 10
PACKAGE_INTERVAL = 100
"""The number of examples per build of a whole package, which takes a hundred times as long as a module."""
_OTHER_PARAMETERS = {"self", "options"}

# A text that is not valid Unicode is never recorded, see tests/codegen/hostile.
texts = st.sampled_from(sorted(STRINGS.values())) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=30
)
wire_names = names | texts
anything: Strategy = st.recursive(
    st.sampled_from(JUNK) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
annotation_keywords = st.fixed_dictionaries(
    {},
    optional={
        "description": texts,
        "title": texts,
        "default": anything,
        "examples": st.lists(anything, max_size=2),
        "format": texts | st.just("uri"),
        "renderType": texts | st.sampled_from(["image-url", "video-url", "audio-url"]),
        "x-order": anything,
        "x-python-type": texts,
        "deprecated": st.booleans(),
    },
)
unknown = st.fixed_dictionaries(
    {},
    optional={
        "pattern": texts,
        "anyOf": st.lists(anything, max_size=2),
        "$ref": st.sampled_from(["#", "#/properties/a", "file:///etc/passwd", "http://127.0.0.1:9/"]) | texts,
        "customTypePath": texts,
        "uniqueItems": st.booleans(),
        "if": anything,
    },
)
broken = st.fixed_dictionaries(
    {},
    optional={
        "type": anything | st.sampled_from(["string", "integer", "array", "object"]),
        "enum": anything,
        "const": anything,
        "minLength": anything,
        "maximum": anything,
        "items": anything,
        "properties": anything,
        "required": anything,
        "additionalProperties": anything,
        "nullable": anything,
    },
)
hostile_leaves = leaves | schema({"enum": st.lists(texts | anything, min_size=1, max_size=4)})


def merge(a: Strategy, b: Strategy) -> Strategy:
    """Draw an object with the keys of both; those of `a` take precedence."""
    return st.tuples(a, b).map(lambda pair: {**pair[1], **pair[0]})


def mostly(usual: Strategy, *unusual: Strategy) -> Strategy:
    """Draw the usual value nine times of ten."""
    # one_of() ignores duplicates.
    return st.integers(0, 9).flatmap(lambda number: st.one_of(unusual) if number == 9 else usual)


def vary(node: Strategy) -> Strategy:
    """Draw a node with annotations, with unknown keywords, or with invalid ones."""
    return st.one_of(
        node,
        merge(node, annotation_keywords),
        merge(node, annotation_keywords),
        merge(merge(node, annotation_keywords), unknown),
        broken,
    )


def make_root(properties: dict[str, Any], required: int, keywords: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object; with two required properties, a third one is not described."""
    names = [*list(properties)[:required], *(["another"] if required == 2 else [])]
    return {"type": "object", "properties": properties, "required": names, **keywords}


nodes = vary(st.recursive(vary(hostile_leaves), lambda inner: vary(make_containers(inner)), max_leaves=5))
roots = st.builds(
    make_root,
    st.dictionaries(wire_names, mostly(nodes, anything), max_size=5),
    st.integers(0, 3),
    mostly(
        schema({}, {"additionalProperties": mostly(nodes, anything), "title": texts, "x-a": anything}),
        merge(unknown, broken),
    ),
)
model_objects = st.fixed_dictionaries(
    {
        "id": texts.filter(str.strip),
        # A model without one is only listed.
        "json_request_schema": mostly(
            roots, schemas, combined_schemas, broken, anything.filter(lambda value: value is not None)
        ),
    },
    optional={
        "display_name": texts,
        "summary": texts,
        "description": texts,
        "developer": texts | st.fixed_dictionaries({"name": anything}),
        "capabilities": st.fixed_dictionaries({}, optional={"input": anything, "output": anything}),
        "changed": texts,
    },
)


class Count:
    """The number of checks."""

    def __init__(self) -> None:
        self.models = self.rejected = self.values = self.packages = 0


def check(model: dict[str, Any], random: Random, count: Count) -> None:
    """Fail if the bindings of a model are wrong."""
    count.models += 1
    if count.models % PACKAGE_INTERVAL == 0:
        check_package(model)
        count.packages += 1
    fields = dict(model)
    parameters = fields.pop("json_request_schema")
    model_id = fields.pop("id")
    try:
        module = compile_module(parameters, model_id, "/images/generate", **fields)
    except ModelError as error:
        if "fails" in error.message:  # a failure of the engine is an error of the generator
            raise
        count.rejected += 1
        return
    try:
        request = find_request(module)
        assert request.model_id == model_id
        check_signature(module, request)
        count.values += check_values(request, parameters, random)
    finally:
        del sys.modules[module.__name__]


def find_request(module: ModuleType) -> type[Request]:
    """Return the request class of a module."""
    [request] = (cls for cls in find_classes(module) if issubclass(cls, Request))
    return request


def find_classes(module: ModuleType) -> Iterator[type]:
    """Yield the classes that a module defines."""
    return (
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__
    )


def check_signature(module: ModuleType, request: type[Request]) -> None:
    """Check that the calls have the parameters of the request, in its order, and require the same ones."""
    fields = {name: field.is_required() for name, field in request.model_fields.items()}
    models: list[type] = [cls for cls in find_classes(module) if issubclass(cls, Model)]
    [model] = models
    for name in ("generate" if hasattr(model, "generate") else "edit", "submit"):
        parameters: Any = inspect.signature(getattr(model, name)).parameters
        required = {
            name: parameter.default is parameter.empty
            for name, parameter in parameters.items()
            if name not in _OTHER_PARAMETERS
        }
        assert list(required.items()) == list(fields.items())


def check_values(request: type[Request], parameters: dict[str, Any], random: Random) -> int:
    """Check that the request accepts what jsonschema accepts, and more only if keywords are unsupported."""
    text = json.dumps(parameters)
    try:
        Draft202012Validator.check_schema(parameters)
    except SchemaError:
        return 0
    if re.search(r'"\$ref": "(?!#/\$defs/r")', text):  # the validator would fetch it
        return 0
    node = normalize(parameters)
    if is_strict(node):
        return compare(request, parameters, random, VALUES_PER_SCHEMA)
    is_valid = make_oracle(parameters)
    compared = 0
    try:
        drawn = list(generate_bodies(parameters, random, VALUES_PER_SCHEMA))
        allowed = [body for value in drawn if is_valid(body := with_urls(node, value))]
    except Exception:  # the validator or the drawing does not support the schema
        return 0
    for body in allowed:
        compared += 1
        assert accepts(request, body), f"jsonschema accepts what the request does not: {json.dumps(body)}"
    return compared


def check_package(model: dict[str, Any]) -> None:
    """Check that every file of a package is Python, and equals its template apart from literals."""
    try:
        record = from_response({**model, "endpoint": "/images/generate"})
    except ModelError:
        return
    builder = PackageBuilder(Config(Path()), find_template_dir())
    try:
        bound = builder.bind_model(record)
    except ModelError:
        return
    package = builder.build_package({record.id: bound}, {record.id: record})
    for file, render in package.placeholder_files.items():
        assert equal_except_literals(package.files[file], render()), file
    for file, text in package.files.items():
        if file.endswith(".py"):
            compile(text, file, "exec")
