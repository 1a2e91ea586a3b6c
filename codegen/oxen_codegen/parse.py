"""Convert a normalized schema to types with datamodel-code-generator.

The engine is given parsed data that contains no string of the API except enum values: properties are
numbered, and classes are named here. What it cannot express (media, enums of floats, of booleans or of
objects) is replaced by a reference to a placeholder definition, and put back when the types are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from datamodel_code_generator.enums import DataModelType
from datamodel_code_generator.format import PythonVersion
from datamodel_code_generator.model import DataModel, get_data_model_types
from datamodel_code_generator.parser import LiteralType
from datamodel_code_generator.parser.jsonschema import JsonSchemaParser
from datamodel_code_generator.types import DataType

from .accepted_values import Node
from .json_types import is_object
from .names import EMITTED_NAMES, MAX_NAME_LENGTH, pascal, snake, split_words
from .spec import ClassType, EnumType, Limit, ListType, MappingType, NamedType, Type, UnionType

_ENGINE = get_data_model_types(DataModelType.PydanticV2BaseModel, target_python_version=PythonVersion.PY_311)
_DEFINITIONS = "#/$defs/"
_LIMITS = {"ge", "gt", "le", "lt", "min_length", "max_length"}
_RANGE = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}
_CONSTRAINED_TYPES = {"conint": "int", "confloat": "float", "constr": "str"}
_TYPE_NAMES = {"Any": "Json"}
_MEDIA_TYPES = {"image": "ImageInput", "video": "VideoInput", "audio": "AudioInput", "file": "FileInput"}
_NONE = NamedType("None")


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
    source = _EngineInput(prefix)
    root = source.add_object(class_name, node, ())
    parser = JsonSchemaParser(
        source={**root, "$defs": source.definitions},  # type: ignore[arg-type]  # its annotation omits mappings
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
    parser.parse_raw()
    models = {model.class_name: model for model in parser.results}
    return [
        ParsedClass(
            name,
            node,
            _property_types(models[name], node, source),
            _additional_property_type(models[name], node, source),
        )
        for name, node in source.classes.items()
    ]


def name_classes(node: Node, prefix: str) -> list[tuple[str, Node]]:
    """Return the names and the nodes of the nested classes that `parse` returns."""
    source = _EngineInput(prefix)
    source.add_object(f"{prefix}Request", node, ())
    return list(source.classes.items())[1:]


@dataclass
class _EngineInput:
    """The schema that the engine parses, and the types that it cannot express."""

    prefix: str
    definitions: dict[str, Node] = field(default_factory=dict[str, Node])
    classes: dict[str, Node] = field(default_factory=dict[str, Node])
    placeholders: dict[str, Type] = field(default_factory=dict[str, Type])
    counters: Counter[str] = field(default_factory=Counter[str])

    def add_object(self, class_name: str, node: Node, path: tuple[str, ...]) -> Node:
        """Return the engine's schema of an object, and register its class."""
        self.classes[class_name] = node
        required = set(node["required"])
        extra = node["additionalProperties"]
        return {
            "type": "object",
            "properties": {
                f"p{number}": self._convert(value, (*path, wire_name))
                for number, (wire_name, value) in enumerate(node["properties"].items())
            },
            "required": [f"p{number}" for number, name in enumerate(node["properties"]) if name in required],
            "additionalProperties": False if extra is False else self._convert(extra, (*path, "value")),
        }

    def _convert(self, node: Node, path: tuple[str, ...]) -> Node:
        if "anyOf" in node:
            return {"anyOf": [self._convert(member, path) for member in node["anyOf"]]}
        if "enum" in node:
            return self._convert_enum(node["enum"])
        if "media" in node:
            return self._add_placeholder(NamedType(_MEDIA_TYPES[node["media"]], _length_limits(node)))
        match node.get("type"):
            case "integer" | "number" as name if any(abs(node.get(key, 0)) >= 2**53 for key in _RANGE):
                # The engine converts some bounds to floats.
                limits = tuple(Limit(_RANGE[key], node[key]) for key in _RANGE if key in node)
                is_float = name == "number"
                return self._add_placeholder(NamedType("float" if is_float else "int", limits, is_float))
            case None:
                return {}
            case "object":
                return self._convert_object(node, path)
            case "array":
                return {**node, "items": self._convert(node["items"], (*path, "item"))}
            case _:
                return node

    def _convert_object(self, node: Node, path: tuple[str, ...]) -> Node:
        if not node["properties"] and node["additionalProperties"] is not False:
            values = self._convert(node["additionalProperties"], (*path, "value"))
            return {"type": "object", "additionalProperties": values}
        name = self._choose_class_name(snake(split_words(" ".join(path))))
        self.classes[name] = node
        self.definitions[name] = self.add_object(name, node, path)
        return {"$ref": _DEFINITIONS + name}

    def _choose_class_name(self, words: str) -> str:
        plain = name = self.prefix + pascal(words[:MAX_NAME_LENGTH] or "part")
        reserved = EMITTED_NAMES | {self.prefix, f"Async{self.prefix}"}
        while name in reserved or name in self.classes or name in self.placeholders:
            self.counters[plain] += 1
            name = f"{plain}{self.counters[plain] + 1}"
        return name

    def _convert_enum(self, values: list[Any]) -> Node:
        if values == [None]:
            return {"type": "null"}
        options = [value for value in values if value is not None]
        if all(isinstance(value, str) or (type(value) is int and abs(value) < 2**63) for value in options):
            return {"enum": values}
        type_ = EnumType(tuple(options), _static_type(options))
        return self._add_placeholder(_build_union([type_, *([_NONE] if None in values else [])]))

    def _add_placeholder(self, type_: Type) -> Node:
        number = len(self.placeholders)
        while (name := f"Placeholder{number}") in self.classes:
            number += 1
        self.placeholders[name] = type_
        self.definitions[name] = {"type": "string"}
        return {"$ref": _DEFINITIONS + name}


def _property_types(model: DataModel, node: Node, source: _EngineInput) -> dict[str, Type]:
    wire_names = list(node["properties"])
    if not wire_names:  # the engine does not have fields then, but may have a value
        return {}
    types = {
        wire_names[int(str(parsed.original_name)[1:])]: _add_limits(
            _convert_type(parsed.data_type, source), _convert_limits(parsed.constraints)
        )
        for parsed in model.fields
        if parsed.original_name != "__pydantic_extra__"
    }
    return {wire_name: types[wire_name] for wire_name in wire_names}


def _additional_property_type(model: DataModel, node: Node, source: _EngineInput) -> Type | None:
    if node["additionalProperties"] is False:
        return None
    for parsed in model.fields:
        if parsed.original_name == "__pydantic_extra__":
            values = _convert_type(parsed.data_type, source)
            return values.value if isinstance(values, MappingType) else NamedType("Json")
    return NamedType("Json")


def _convert_type(data_type: DataType, source: _EngineInput) -> Type:
    return _build_union(list(_list_members(data_type, source)))


def _list_members(data_type: DataType, source: _EngineInput) -> Iterator[Type]:
    """Yield the members of a type of the engine, which may be a union."""
    if data_type.is_list or data_type.is_dict:
        inner = [member for part in data_type.data_types for member in _list_members(part, source)]
        value = _build_union(inner)
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


def _resolve_reference(model: object, name: str, source: _EngineInput) -> Iterator[Type]:
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


def _length_limits(node: Node) -> tuple[Limit, ...]:
    names = {"minLength": "min_length", "maxLength": "max_length"}
    return tuple(Limit(names[key], node[key]) for key in names if key in node)


def _split_union(type_: Type) -> tuple[Type, ...]:
    return type_.members if isinstance(type_, UnionType) else (type_,)


def _build_union(members: list[Type]) -> Type:
    distinct: list[Type] = []
    for member in members:
        if member not in distinct:
            distinct.append(member)
    distinct.sort(key=lambda member: member == _NONE)
    return distinct[0] if len(distinct) == 1 else UnionType(tuple(distinct))


def _static_type(values: list[Any]) -> str:
    """Return the static type of an enum that `Literal` cannot express."""
    names: dict[type[Any], str] = {bool: "bool", str: "str", int: "int", float: "float"}
    types: list[type[Any]] = list(map(type, values))
    found = [names.get(type_, "Json") for type_ in types]
    if "Json" in found:
        return "Json"
    if "float" in found:
        found = [name for name in found if name != "int"]
    return " | ".join(dict.fromkeys(found))
