"""Random answers of a hub, mostly valid, and what has to hold of the bindings that each becomes."""

from __future__ import annotations

import inspect
import json
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
    bodies,
    compare,
    containers,
    leaves,
    names,
    oracle,
    schema,
    schemas,
)
from helpers.compile import compile_module
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError
from oxen_codegen.build import PackageBuilder
from oxen_codegen.config import Config, find_template_dir
from oxen_codegen.diagnostics import ModelError
from oxen_codegen.injection import equal_except_literals
from oxen_codegen.json_types import is_list, is_object
from oxen_codegen.normalize import normalize
from oxen_codegen.records import from_response
from oxen_models import Request
from oxen_models._runtime.model import Model

STRINGS: dict[str, str] = json.loads(
    (Path(__file__).parent.parent / "codegen" / "hostile" / "strings.json").read_text(encoding="utf-8")
)
VALUES_PER_SCHEMA = 10
# Every so many examples the whole package is built: that takes a hundred times as long as one module.
PACKAGE_EVERY = 100
_OWN = {"self", "options"}

# What is no Unicode is no record; tests/codegen/hostile sees to that.
texts = st.sampled_from(sorted(STRINGS.values())) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=30
)
wires = names | texts
anything: Strategy = st.recursive(
    st.sampled_from(JUNK) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
said = st.fixed_dictionaries(
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


def merged(one: Strategy, other: Strategy) -> Strategy:
    return st.tuples(one, other).map(lambda pair: {**pair[1], **pair[0]})


def mostly(one: Strategy, *others: Strategy) -> Strategy:
    # one_of() takes what it is given twice for given once.
    return st.integers(0, 9).flatmap(lambda number: st.one_of(others) if number == 9 else one)


def odd(node: Strategy) -> Strategy:
    """`node`; said more about, asked more of, or broken now and then."""
    return st.one_of(
        node, merged(node, said), merged(node, said), merged(merged(node, said), unknown), broken
    )


def is_given(value: object) -> bool:
    return value is not None


def root(properties: dict[str, Any], required: int, rest: dict[str, Any]) -> dict[str, Any]:
    needed = [*list(properties)[:required], *(["another"] if required == 2 else [])]
    return {"type": "object", "properties": properties, "required": needed, **rest}


nodes = odd(st.recursive(odd(hostile_leaves), lambda inner: odd(containers(inner)), max_leaves=5))
roots = st.builds(
    root,
    st.dictionaries(wires, mostly(nodes, anything), max_size=5),
    st.integers(0, 3),
    mostly(
        schema({}, {"additionalProperties": mostly(nodes, anything), "title": texts, "x-a": anything}),
        merged(unknown, broken),
    ),
)
answers = st.fixed_dictionaries(
    {
        "id": texts.filter(str.strip),
        # A model without one is only listed.
        "json_request_schema": mostly(
            roots, schemas, broken, anything.filter(lambda value: value is not None)
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
    """What was done, in figures."""

    def __init__(self) -> None:
        self.answers = self.rejected = self.values = self.packages = 0


def check(answer: dict[str, Any], random: Random, count: Count) -> None:
    """Fails where the bindings of `answer` are not what they should be."""
    count.answers += 1
    if count.answers % PACKAGE_EVERY == 0:
        check_package(answer)
        count.packages += 1
    facts = dict(answer)
    parameters = facts.pop("json_request_schema")
    model_id = facts.pop("id")
    try:
        module = compile_module(parameters, model_id, "/images/generate", **facts)
    except ModelError as error:
        if "fails" in error.message:  # the engine's failure is one of ours
            raise
        count.rejected += 1
        return
    try:
        request = request_of(module)
        assert request.model_id == model_id
        check_signature(module, request)
        count.values += check_values(request, parameters, random)
    finally:
        del sys.modules[module.__name__]


def request_of(module: ModuleType) -> type[Request]:
    (found,) = (each for each in classes(module) if issubclass(each, Request))
    return found


def classes(module: ModuleType) -> Iterator[type]:
    return (
        each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__
    )


def check_signature(module: ModuleType, request: type[Request]) -> None:
    """The calls take what the request has, in its order, and ask for what it asks for."""
    fields = {name: field.is_required() for name, field in request.model_fields.items()}
    [model] = (each for each in classes(module) if issubclass(each, Model))
    for name in ("generate" if hasattr(model, "generate") else "edit", "submit"):
        taken: Any = inspect.signature(getattr(model, name)).parameters
        given = {name: each.default is each.empty for name, each in taken.items() if name not in _OWN}
        assert list(given.items()) == list(fields.items())


def check_values(request: type[Request], parameters: dict[str, Any], random: Random) -> int:
    """The request takes what jsonschema takes; where some is left to the hub, at least that."""
    text = json.dumps(parameters)
    try:
        Draft202012Validator.check_schema(parameters)
    except SchemaError:
        return 0
    if '"$ref"' in text:  # this validator would fetch it
        return 0
    if is_strict(normalize(parameters)):
        return compare(request, parameters, random, VALUES_PER_SCHEMA)
    is_valid = oracle(parameters)
    compared = 0
    try:
        drawn = list(bodies(parameters, random, VALUES_PER_SCHEMA))
        allowed = [body for body in drawn if is_valid(body)]
    except Exception:  # of a schema that the validator or the drawing cannot use
        return 0
    for body in allowed:
        compared += 1
        assert accepts(request, body), f"jsonschema accepts what the request does not: {json.dumps(body)}"
    return compared


def is_strict(node: object) -> bool:
    """Whether nothing in a node is left to the hub."""
    if is_list(node):
        return all(map(is_strict, node))
    if is_object(node):
        return "unsupported" not in node and all(
            is_strict(value) for key, value in node.items() if key != "annotations"
        )
    return True


def check_package(answer: dict[str, Any]) -> None:
    """Every file of a whole package is Python, and its template but for literals."""
    try:
        record = from_response({**answer, "endpoint": "/images/generate"})
    except ModelError:
        return
    builder = PackageBuilder(Config(Path()), find_template_dir())
    try:
        model = builder.bind_model(record)
    except ModelError:
        return
    package = builder.build_package({record.id: model}, {record.id: record})
    for file, render in package.placeholder_files.items():
        assert equal_except_literals(package.files[file], render()), file
    for file, text in package.files.items():
        if file.endswith(".py"):
            compile(text, file, "exec")
