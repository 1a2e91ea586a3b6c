"""The official JSON-Schema-Test-Suite: each schema as that of a parameter, and as that of all parameters.

The suite is not part of this project: it is read from the source distribution of `jsonschema`.
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from codegen.test_agreement import (
    accepts,
    accepts_by_id,
    accepts_keywords,
    is_strict,
    make_validator,
    to_standard_schema,
    without_media,
)
from fuzz.responses import find_request
from helpers.compile import compile_module
from oxen_codegen.json_types import is_list, is_object
from oxen_codegen.normalize import normalize
from oxen_models._runtime.dynamic import DynamicSchema
from oxen_models._runtime.hub_models import parse_model_record

ALL_TYPES = ["array", "boolean", "null", "number", "object", "string"]
# Keywords with schemas in them: one, several, or several by name.
_ONE = frozenset("additionalProperties contains else if items not propertyNames then".split())
_LISTS = frozenset("allOf anyOf oneOf prefixItems".split())
_MAPS = frozenset("$defs definitions dependentSchemas patternProperties properties".split())
# References with these have other targets after a schema has become part of another one.
_ANCHORS = ('"$id"', '"$anchor"', '"$dynamicAnchor"', '"$dynamicRef"', '"$vocabulary"')


class Count:
    """The number of checks."""

    def __init__(self) -> None:
        self.schemas = self.skipped = self.values = self.strict = 0
        self.is_cut_off = False


def read_suite(archive: Path) -> Iterator[dict[str, Any]]:
    """Yield the groups of tests of draft 2020-12, each with its schema."""
    with tarfile.open(archive) as opened:
        for member in opened:
            folder, _, name = member.name.partition("/json/tests/draft2020-12/")
            if folder and name.endswith(".json") and "/" not in name:
                file = opened.extractfile(member)
                assert file is not None
                for group in json.load(file):
                    if is_object(group["schema"]):
                        group["schema"].pop("$schema", None)
                    yield {**group, "file": name}


def check_suite(archive: Path, count: Count, is_over: Callable[[], bool]) -> None:
    """Fail if a request accepts or rejects a value of the suite wrongly; end when the time is over."""
    for group in read_suite(archive):
        if is_over():
            count.is_cut_off = True
            return
        named = name_all_types(group["schema"])
        for variant in [group["schema"], *([named] if named != group["schema"] else [])]:
            parameter = {"type": "object", "properties": {"p": embed(variant)}, "required": ["p"]}
            check_group(group, parameter, [{"p": test["data"]} for test in group["tests"]], count)
            if is_object(variant) and variant.get("type", "object") == "object":
                bodies = [test["data"] for test in group["tests"] if is_object(test["data"])]
                check_group(group, {**variant, "type": "object"}, bodies, count)


def name_all_types(schema: Any) -> Any:
    """Return a schema that names all types wherever it names none."""
    if not is_object(schema) or "$ref" in schema or "enum" in schema or "const" in schema:
        return schema
    return _map_schemas(schema, name_all_types) | ({} if "type" in schema else {"type": ALL_TYPES})


def embed(schema: Any) -> Any:
    """Return a schema whose references work where it is the schema of a property."""
    if is_list(schema):
        return [embed(item) for item in schema]
    if not is_object(schema):
        return schema
    embedded = {key: embed(value) for key, value in schema.items()}
    if isinstance(reference := schema.get("$ref"), str) and reference.startswith("#"):
        embedded["$ref"] = f"#/properties/p{reference[1:]}"
    return embedded


def _map_schemas(schema: dict[str, Any], change: Any) -> dict[str, Any]:
    changed = dict(schema)
    for key, value in schema.items():
        if key in _ONE:
            changed[key] = change(value)
        elif key in _LISTS and is_list(value):
            changed[key] = [change(item) for item in value]
        elif key in _MAPS and is_object(value):
            changed[key] = {name: change(item) for name, item in value.items()}
    return changed


def check_group(
    group: dict[str, Any], schema: dict[str, Any], bodies: list[dict[str, Any]], count: Count
) -> None:
    """Fail if a request with that schema accepts or rejects one of the bodies wrongly."""
    schema = without_media(schema)
    text = json.dumps(schema)
    if any(anchor in text for anchor in _ANCHORS) or '"$ref": "http' in text:
        count.skipped += 1
        return
    count.schemas += 1
    is_valid = make_validator(to_standard_schema(schema))
    strict, known = is_strict(normalize(schema)), set(find_names(schema))
    module = compile_module(schema)
    try:
        request = find_request(module)
        answer = {"id": "any", "endpoint": "/images/generate", "json_request_schema": schema}
        described = DynamicSchema("any", parse_model_record(answer))
        for body in bodies:
            allowed = is_valid(body)
            # A closed request rejects unknown parameters, which a schema may allow.
            if "model" in body or (allowed and not body.keys() <= known and None not in known):
                continue
            count.values += 1
            count.strict += strict
            found = [accepts(request, body), accepts_by_id(described, body), accepts_keywords(request, body)]
            assert all(result == allowed or not (allowed or strict) for result in found), (
                f"{group['file']}, {group['description']}: jsonschema {'accepts' if allowed else 'rejects'} "
                f"{json.dumps(body)} under {text}: {found}"
            )
    finally:
        del sys.modules[module.__name__]


def find_names(schema: Any) -> Iterator[str | None]:
    """Yield all names of properties in a schema; None if a keyword describes names that are not listed."""
    for item in schema if is_list(schema) else schema.values() if is_object(schema) else ():
        yield from find_names(item)
    if is_object(schema):
        yield from (*schema.get("properties", ()), *schema.get("required", ()))
        if schema.keys() & {"patternProperties", "$ref"}:
            yield None
