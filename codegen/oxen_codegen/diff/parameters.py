"""Compare two parameter schemas from the caller's point of view.

The normalized schemas are compared, because the bindings are generated from them. The schemas as received
are used for documentation only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..accepted_values import Node, accept_defaults
from ..json_types import is_object, json_equal
from ..keywords import find_alternative
from ..names import parameter_names
from ..operations import COMMON
from .changes import KINDS
from .constraints import (
    ParameterChange,
    compare_enums,
    compare_media,
    compare_numbers,
    compare_single_values,
    compare_sizes,
    compare_types,
    describe_types,
)
from .nodes import (
    Schema,
    accepted_types,
    accepts_media,
    describe_type,
    find_classes,
    join_path,
    media_kinds,
)
from .unsupported import unsupported_constraints, unsupported_root_constraints

_FORMAT = ("format", "contentMediaType", "contentEncoding")
# Annotations that the documentation of the bindings shows. Others, such as `x-order`, lay out a form.
_ANNOTATIONS = ("x-hidden", "x-media-references", "x-workbench-default")


def root_schema(node: Node, raw: object) -> Schema:
    """Return the schema of all parameters of a model, with those of every call and with accepted defaults."""
    node = accept_defaults(node)
    common = {name: schema for name, schema in COMMON.items() if name not in node["properties"]}
    properties = {**node["properties"], **common}
    return Schema({**node, "properties": properties}, raw if is_object(raw) else {})


def compare_parameters(old: Schema, new: Schema) -> Iterator[ParameterChange]:
    """Yield every change between the parameters of one model."""
    old_constraints, new_constraints = unsupported_root_constraints(old), unsupported_root_constraints(new)
    if not json_equal(old_constraints, new_constraints):
        yield None, "server-validation-changed", old_constraints, new_constraints
    yield from _compare_descriptions(None, old, new)
    yield from _compare_properties("", old, new)
    yield from _compare_acceptance(None, old, new)


def common_objects(path: str, old: Schema, new: Schema) -> Iterator[tuple[str, Schema, Schema]]:
    """Yield the path and both schemas of each object that the two schemas have in common."""
    # Most schemas contain no object.
    if "anyOf" not in old.node and old.node.get("type") not in ("array", "object"):
        return
    old_types, new_types = accepted_types(old.node), accepted_types(new.node)
    if old_types is None or new_types is None:
        return
    for name in sorted({"array", "object"} & old_types.nodes.keys() & new_types.nodes.keys()):
        a, b = old.alternative(name, old_types.nodes[name]), new.alternative(name, new_types.nodes[name])
        if name == "array":
            yield from common_objects(f"{path}[]", a.items(), b.items())
        else:
            yield path, a, b
            for wire_name in a.node["properties"].keys() & b.node["properties"].keys():
                inner = join_path(path, wire_name)
                yield from common_objects(inner, a.property(wire_name), b.property(wire_name))


def _compare_properties(path: str, old: Schema, new: Schema) -> Iterator[ParameterChange]:
    old_properties, new_properties = old.node["properties"], new.node["properties"]
    for name in old_properties.keys() - new_properties.keys():
        yield join_path(path, name), "parameter-removed", describe_type(old_properties[name]), None
    for name in new_properties.keys() - old_properties.keys():
        is_required = name in new.node["required"]
        kind = "required-parameter-added" if is_required else "parameter-added"
        yield join_path(path, name), kind, None, describe_type(new_properties[name])
        if old.node["additionalProperties"]:
            # The old schema accepted this name as an additional property.
            for change in _compare_values(
                join_path(path, name), old.additional_properties(), new.property(name)
            ):
                if KINDS[change[1]] == "breaking":
                    yield change
    old_names, new_names = parameter_names(old_properties), parameter_names(new_properties)
    for name in old_properties.keys() & new_properties.keys():
        inner = join_path(path, name)
        if old_names[name] != new_names[name]:
            yield inner, "python-name-changed", old_names[name], new_names[name]
        was_required, is_required = name in old.node["required"], name in new.node["required"]
        if was_required != is_required:
            yield inner, "became-required" if is_required else "became-optional", was_required, is_required
        defaults = [schema.node["annotations"].get(name, {}) for schema in (old, new)]
        yield from _compare_defaults(inner, *defaults, is_required=was_required and is_required)
        yield from _compare_schemas(inner, old.property(name), new.property(name))


def _compare_defaults(path: str, old: Node, new: Node, *, is_required: bool) -> Iterator[ParameterChange]:
    a, b = ({"default": node["default"]} if "default" in node else {} for node in (old, new))
    if json_equal(a, b):
        return
    if is_required:  # the default is an example then
        yield path, "annotation-changed", a, b
    elif not a:
        yield path, "default-added", None, new["default"]
    elif not b:
        yield path, "default-removed", old["default"], None
    else:
        yield path, "default-changed", old["default"], new["default"]


def _compare_schemas(path: str, old: Schema, new: Schema) -> Iterator[ParameterChange]:
    yield from _compare_descriptions(path, old, new)
    old_title, new_title = (_text(schema.raw.get("title")) for schema in (old, new))
    if (old_title or "").casefold() != (new_title or "").casefold():
        yield path, "title-changed", old_title, new_title
    changes = list(_compare_values(path, old, new))
    yield from changes
    a, b = _format(old), _format(new)
    if a != b and not any(
        changed == path and kind in ("media-narrowed", "became-media") for changed, kind, *_ in changes
    ):
        yield path, "format-changed", a, b
    a, b = _select(old.raw, _ANNOTATIONS), _select(new.raw, _ANNOTATIONS)
    if not json_equal(a, b):
        changed = [key for key in _ANNOTATIONS if not json_equal(a.get(key), b.get(key))]
        yield path, "annotation-changed", _select(a, changed), _select(b, changed)


def _compare_descriptions(path: str | None, old: Schema, new: Schema) -> Iterator[ParameterChange]:
    old_text, new_text = (_text(schema.raw.get("description")) for schema in (old, new))
    if old_text != new_text:
        yield path, "description-changed", old_text, new_text
    was_deprecated, is_deprecated = (schema.raw.get("deprecated") is True for schema in (old, new))
    if was_deprecated != is_deprecated:
        yield path, "deprecation-changed", was_deprecated, is_deprecated


def _text(value: object) -> str | None:
    """Return a text with its white space collapsed; None if it is empty."""
    return (" ".join(value.split()) or None) if isinstance(value, str) else None


def _format(schema: Schema) -> Node:
    """Return the format of a string, with the media that it accepts."""
    members = schema.node.get("anyOf", [schema.node])
    media = [member["media"] for member in members if "media" in member]
    raw = find_alternative(schema.raw, "string")
    return {**_select(raw, _FORMAT), **({"media": media[0]} if media else {})}


def _select(raw: Mapping[str, Any], keys: Iterable[str]) -> Node:
    return {key: raw[key] for key in keys if raw.get(key) is not None}


def _compare_values(path: str, old: Schema, new: Schema) -> Iterator[ParameterChange]:
    """Yield the differences between the values that two schemas accept."""
    old_types, new_types = accepted_types(old.node), accepted_types(new.node)
    if old_types is None and new_types is None:
        old_constraints, new_constraints = unsupported_constraints(old), unsupported_constraints(new)
        if not json_equal(old_constraints, new_constraints):
            yield path, "server-validation-changed", old_constraints, new_constraints
    elif old_types is None:
        yield path, "type-narrowed", *describe_types(old.node, new.node)
    elif new_types is None:
        yield path, "type-widened", *describe_types(old.node, new.node)
        # JSON values include neither files nor instances of classes.
        if accepts_media(old.node):
            yield path, "media-narrowed", *describe_types(old.node, new.node)
        if any(find_classes(old.node)):
            yield path, "class-removed", *describe_types(old.node, new.node)
    elif "enum" in old.node and "enum" in new.node:
        yield from compare_enums(path, old.node, new.node, old.node["enum"], new.node["enum"])
    else:
        yield from compare_types(path, old.node, new.node, old_types, new_types)
        yield from compare_single_values(path, old.node, new.node, old_types, new_types)
        yield from compare_media(path, old.node, new.node, old_types, new_types)
        for name in old_types.nodes.keys() & new_types.nodes.keys() & _COMPARE.keys():
            a, b = old.alternative(name, old_types.nodes[name]), new.alternative(name, new_types.nodes[name])
            yield from _COMPARE[name](path, a, b)


def _compare_strings(path: str, old: Schema, new: Schema) -> Iterator[ParameterChange]:
    yield from compare_sizes(path, "length", old.node, new.node, "minLength", "maxLength")
    if media_kinds(old.node) - media_kinds(new.node):
        yield path, "media-narrowed", *describe_types(old.node, new.node)


def _compare_arrays(path: str, old: Schema, new: Schema) -> Iterator[ParameterChange]:
    yield from compare_sizes(path, "count", old.node, new.node, "minItems", "maxItems")
    yield from _compare_schemas(f"{path}[]", old.items(), new.items())


def _compare_objects(path: str, old: Schema, new: Schema) -> Iterator[ParameterChange]:
    yield from _compare_properties(path, old, new)
    yield from _compare_acceptance(path, old, new)
    if False not in (old.node["additionalProperties"], new.node["additionalProperties"]):
        yield from _compare_values(f"{path}.*", old.additional_properties(), new.additional_properties())


def _compare_acceptance(path: str | None, old: Schema, new: Schema) -> Iterator[ParameterChange]:
    """Yield a change of whether an object may have additional properties."""
    a, b = old.node["additionalProperties"], new.node["additionalProperties"]
    if a is not False and b is False:
        yield path, "additional-properties-rejected", describe_type(a), None
    elif a is False and b is not False:
        yield path, "additional-properties-accepted", None, describe_type(b)


_COMPARE: Mapping[str, Callable[[str, Schema, Schema], Iterator[ParameterChange]]] = {
    "string": _compare_strings,
    "number": compare_numbers,
    "array": _compare_arrays,
    "object": _compare_objects,
}
