"""Convert a normalized schema to types with datamodel-code-generator.

The engine is given the schema of `engine_input`. What it cannot express is a placeholder in that schema, and
put back when the types are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from datamodel_code_generator.enums import DataModelType
from datamodel_code_generator.format import PythonVersion
from datamodel_code_generator.model import DataModel, get_data_model_types
from datamodel_code_generator.parser import LiteralType
from datamodel_code_generator.parser.jsonschema import JsonSchemaParser
from datamodel_code_generator.types import DataType

from .accepted_values import Node
from .engine_input import EngineInput, build_union
from .json_types import is_object
from .spec import ClassType, EnumType, Limit, ListType, MappingType, NamedType, Type, UnionType

_ENGINE = get_data_model_types(DataModelType.PydanticV2BaseModel, target_python_version=PythonVersion.PY_311)
_LIMITS = {"ge", "gt", "le", "lt", "min_length", "max_length"}
_CONSTRAINED_TYPES = {"conint": "int", "confloat": "float", "constr": "str"}
_TYPE_NAMES = {"Any": "Json"}
_parsed: dict[str, Type] = {}
"""Types by the engine's schema, of properties without references, which many models have in common.

The engine takes most of the time of a command. The type of a property does not depend on other properties.
"""


@dataclass(frozen=True, slots=True)
class ParsedClass:
    """A class to emit: its name, its node, and the types of its properties."""

    name: str
    node: Node
    types: Mapping[str, Type]
    """Types by wire name."""
    extra: Type | None
    """The type of additional properties; None if there may be none."""


def parse(node: Node, class_name: str, prefix: str) -> list[ParsedClass]:
    """Return the class of an object node, followed by the classes of nested objects.

    Args:
        node: A normalized schema.
        class_name: The name of the outermost class.
        prefix: The prefix of the names of nested classes.
    """
    source = EngineInput(prefix)
    root = source.add_object(class_name, node, ())
    texts = {name: json.dumps(schema) for name, schema in root["properties"].items()}
    known = {name: _parsed[text] for name, text in texts.items() if text in _parsed}
    if known.keys() < texts.keys():  # the engine makes no class of an object without properties
        root["properties"] = {name: root["properties"][name] for name in texts if name not in known}
        root["required"] = [name for name in root["required"] if name not in known]
    parser = _create_parser({**root, "$defs": source.definitions}, class_name)
    parser.parse_raw()
    models = {model.class_name: model for model in parser.results}
    types = {name: _property_types(models[name], source) for name in source.classes}
    types[class_name] |= known
    _parsed.update((text, types[class_name][name]) for name, text in texts.items() if '"$ref"' not in text)
    classes = [
        ParsedClass(
            name,
            node,
            {wire_name: types[name][f"p{number}"] for number, wire_name in enumerate(node["properties"])},
            _additional_property_type(models[name], node, source),
        )
        for name, node in source.classes.items()
    ]
    parser.dispose()  # frees its models, which refer to each other, without the garbage collector
    return classes


def _create_parser(schema: Node, class_name: str) -> JsonSchemaParser:
    return JsonSchemaParser(
        source=schema,  # type: ignore[arg-type]  # its annotation omits mappings
        class_name=class_name,
        data_model_type=_ENGINE.data_model,
        data_model_root_type=_ENGINE.root_model,
        data_model_field_type=_ENGINE.field_model,
        data_type_manager_type=_ENGINE.data_type_manager,
        enum_field_as_literal=LiteralType.All,
        field_constraints=True,
        use_annotated=True,
        allow_remote_refs=False,
    )


def _property_types(model: DataModel, source: EngineInput) -> dict[str, Type]:
    """Return the types of the properties of a class, by their names in the engine's schema."""
    return {
        str(parsed.original_name): _add_limits(
            _convert_type(parsed.data_type, source), _convert_limits(parsed.constraints)
        )
        for parsed in model.fields
    }


def _additional_property_type(model: DataModel, node: Node, source: EngineInput) -> Type | None:
    if node["additionalProperties"] is False:
        return None
    for parsed in model.fields:
        if parsed.original_name == "__pydantic_extra__":
            values = _convert_type(parsed.data_type, source)
            return values.value if isinstance(values, MappingType) else NamedType("Json")
    return NamedType("Json")


def _convert_type(data_type: DataType, source: EngineInput) -> Type:
    return build_union(list(_list_members(data_type, source)))


def _list_members(data_type: DataType, source: EngineInput) -> Iterator[Type]:
    """Yield the members of a type of the engine, which may be a union."""
    if data_type.is_list or data_type.is_dict:
        inner = [member for part in data_type.data_types for member in _list_members(part, source)]
        value = build_union(inner)
        if data_type.is_list:
            yield ListType(value)
        else:
            yield NamedType("JsonObject") if value == NamedType("Json") else MappingType(value)
    elif data_type.reference is not None:
        yield from _resolve_reference(data_type.reference.source, data_type.reference.short_name, source)
    elif data_type.literals:
        values = tuple(data_type.literals)
        has_0_or_1 = any(type(value) is int and value in (0, 1) for value in values)
        yield EnumType(values, None, rejects_bool=has_0_or_1)
    elif data_type.type in _CONSTRAINED_TYPES:
        yield NamedType(_CONSTRAINED_TYPES[data_type.type], _convert_limits(data_type.kwargs))
    elif data_type.type is not None:
        yield NamedType(_TYPE_NAMES.get(data_type.type, data_type.type))
    else:
        for part in data_type.data_types:
            yield from _list_members(part, source)


def _resolve_reference(model: object, name: str, source: EngineInput) -> Iterator[Type]:
    if name in source.placeholders:
        yield from _split_union(source.placeholders[name])
    elif name in source.classes:
        yield ClassType(name)
    elif isinstance(model, DataModel):  # a constrained item or alternative, which the engine named
        (only,) = model.fields
        type_ = _convert_type(only.data_type, source)
        yield from _split_union(_add_limits(type_, _convert_limits(only.constraints)))


def _add_limits(type_: Type, limits: tuple[Limit, ...]) -> Type:
    """Return `type_` with limits that the engine holds separately."""
    if not limits:
        return type_
    match type_:
        case NamedType(name) if name != "None":
            return NamedType(name, limits)
        case ListType(item):
            return ListType(item, limits)
        case UnionType(members):
            return UnionType(tuple(_add_limits(member, limits) for member in members))
        case _:
            return type_


def _convert_limits(constraints: Any) -> tuple[Limit, ...]:
    """Return limits from either form that the engine holds them in: a dict of arguments, or a model."""
    items: Iterable[tuple[str, Any]] = constraints.items() if is_object(constraints) else constraints or ()
    return tuple(
        Limit(name, getattr(value, "value", value))
        for name, value in items
        if value is not None and name in _LIMITS
    )


def _split_union(type_: Type) -> tuple[Type, ...]:
    return type_.members if isinstance(type_, UnionType) else (type_,)
