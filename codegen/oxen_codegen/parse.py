"""From a normalized schema to types, through datamodel-code-generator.

The engine is handed parsed data that holds no string of the hub but enum values: properties go by
number, classes by names given here. What it cannot express (media, enums of floats, of booleans or
of objects) goes in as a reference to a stand-in definition and is put back when the types are read.
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

from .json_types import is_object
from .names import EMITTED_NAMES, MAX_NAME_LENGTH, pascal, snake
from .normalize import Node
from .shape import Bound, Choice, ListOf, MapOf, Nested, Plain, Type, Union

_ENGINE = get_data_model_types(DataModelType.PydanticV2BaseModel, target_python_version=PythonVersion.PY_311)
_DEFINITIONS = "#/$defs/"
_BOUNDS = {"ge", "gt", "le", "lt", "min_length", "max_length"}
_CONSTRAINED = {"conint": "int", "confloat": "float", "constr": "str"}
_VOCABULARY = {"Any": "Json"}
_MEDIA = {"image": "ImageInput", "video": "VideoInput", "audio": "AudioInput", "file": "FileInput"}


@dataclass(frozen=True, slots=True)
class Class:
    """A class to emit: its name, the node that it stands for, and the types of its properties."""

    name: str
    node: Node
    types: Mapping[str, Type]
    """By wire name."""
    extra: Type | None
    """What other properties may hold; None where there may be none."""


def parse(node: Node, class_name: str, prefix: str) -> list[Class]:
    """The classes of an object node: the one that `class_name` names, then the nested ones.

    Args:
        node: A normalized schema.
        class_name: The name of the outermost class.
        prefix: What the names of nested classes begin with.
    """
    source = _Source(prefix, EMITTED_NAMES | {prefix, f"Async{prefix}"})
    root = source.object(class_name, node, ())
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
        Class(name, node, _types(models[name], node, source), _extra(models[name], node, source))
        for name, node in source.classes.items()
    ]


@dataclass
class _Source:
    """What the engine reads, and what has to be put back into what it says."""

    prefix: str
    taken: frozenset[str]
    """Names that a nested class must not have."""
    definitions: dict[str, Node] = field(default_factory=dict[str, Node])
    classes: dict[str, Node] = field(default_factory=dict[str, Node])
    stand_ins: dict[str, Type] = field(default_factory=dict[str, Type])
    numbers: Counter[str] = field(default_factory=Counter[str])

    def object(self, class_name: str, node: Node, path: tuple[str, ...]) -> Node:
        self.classes[class_name] = node
        required = set(node["required"])
        extra = node["additionalProperties"]
        return {
            "type": "object",
            "properties": {
                f"p{number}": self.node(value, (*path, wire))
                for number, (wire, value) in enumerate(node["properties"].items())
            },
            "required": [f"p{number}" for number, wire in enumerate(node["properties"]) if wire in required],
            "additionalProperties": False if extra is False else self.node(extra, (*path, "value")),
        }

    def node(self, node: Node, path: tuple[str, ...]) -> Node:
        if "anyOf" in node:
            return {"anyOf": [self.node(member, path) for member in node["anyOf"]]}
        if "enum" in node:
            return self._enum(node["enum"])
        if "media" in node:
            return self._stand_in(Plain(_MEDIA[node["media"]], _lengths(node)))
        match node.get("type"):
            case None:
                return {}
            case "object":
                return self._object(node, path)
            case "array":
                return {**node, "items": self.node(node["items"], (*path, "item"))}
            case _:
                return node

    def _object(self, node: Node, path: tuple[str, ...]) -> Node:
        if not node["properties"] and node["additionalProperties"] is not False:
            return {
                "type": "object",
                "additionalProperties": self.node(node["additionalProperties"], (*path, "value")),
            }
        name = self._class_name(snake(" ".join(path)))
        self.classes[name] = node
        self.definitions[name] = self.object(name, node, path)
        return {"$ref": _DEFINITIONS + name}

    def _class_name(self, words: str) -> str:
        plain = name = self.prefix + pascal(words[:MAX_NAME_LENGTH] or "part")
        while name in self.taken or name in self.classes or name in self.stand_ins:
            self.numbers[plain] += 1
            name = f"{plain}{self.numbers[plain] + 1}"
        return name

    def _enum(self, values: list[Any]) -> Node:
        if values == [None]:
            return {"type": "null"}
        given = [value for value in values if value is not None]
        if all(isinstance(value, str) or (type(value) is int and abs(value) < 2**63) for value in given):
            return {"enum": values}
        return self._stand_in(
            _union([Choice(tuple(given), _base(given)), *([_NONE] if None in values else [])])
        )

    def _stand_in(self, type_: Type) -> Node:
        number = len(self.stand_ins)
        while (name := f"StandIn{number}") in self.classes:
            number += 1
        self.stand_ins[name] = type_
        self.definitions[name] = {"type": "string"}
        return {"$ref": _DEFINITIONS + name}


_NONE = Plain("None")


def _types(model: DataModel, node: Node, source: _Source) -> dict[str, Type]:
    wires = list(node["properties"])
    found = {
        wires[int(str(each.original_name)[1:])]: _bounded(
            _type(each.data_type, source), _bounds(each.constraints)
        )
        for each in model.fields
        if each.original_name != "__pydantic_extra__"
    }
    return {wire: found[wire] for wire in wires}


def _extra(model: DataModel, node: Node, source: _Source) -> Type | None:
    if node["additionalProperties"] is False:
        return None
    for each in model.fields:
        if each.original_name == "__pydantic_extra__":
            values = _type(each.data_type, source)
            return values.value if isinstance(values, MapOf) else Plain("Json")
    return Plain("Json")


def _type(data_type: DataType, source: _Source) -> Type:
    return _union(list(_members(data_type, source)))


def _members(data_type: DataType, source: _Source) -> Iterator[Type]:
    """The alternatives that a type of the engine's stands for."""
    if data_type.is_list:
        yield ListOf(_union([member for each in data_type.data_types for member in _members(each, source)]))
    elif data_type.is_dict:
        value = _union([member for each in data_type.data_types for member in _members(each, source)])
        yield Plain("JsonObject") if value == Plain("Json") else MapOf(value)
    elif data_type.reference is not None:
        yield from _referred(data_type.reference.source, data_type.reference.short_name, source)
    elif data_type.literals:
        values = tuple(data_type.literals)
        yield Choice(
            values, None, refuses_bool=any(type(value) is int and value in (0, 1) for value in values)
        )
    elif data_type.type in _CONSTRAINED:
        yield Plain(_CONSTRAINED[data_type.type], _bounds(data_type.kwargs))
    elif data_type.type is not None:
        yield Plain(_VOCABULARY.get(data_type.type, data_type.type))
    else:
        for each in data_type.data_types:
            yield from _members(each, source)


def _referred(model: object, name: str, source: _Source) -> Iterator[Type]:
    if name in source.stand_ins:
        yield from _alternatives(source.stand_ins[name])
    elif name in source.classes:
        yield Nested(name)
    elif isinstance(model, DataModel):  # a constrained item or alternative, which the engine named
        (only,) = model.fields
        yield from _alternatives(_bounded(_type(only.data_type, source), _bounds(only.constraints)))


def _bounded(type_: Type, bounds: tuple[Bound, ...]) -> Type:
    """`type_` with the bounds that the engine holds beside it."""
    if not bounds:
        return type_
    match type_:
        case Plain(name) if name != "None":
            return Plain(name, bounds)
        case ListOf(item):
            return ListOf(item, bounds)
        case Union(members):
            return Union(tuple(_bounded(member, bounds) for member in members))
        case _:
            return type_


def _bounds(constraints: Any) -> tuple[Bound, ...]:
    """Limits in either form that the engine holds them in: a dict of arguments, or a model."""
    items: Iterable[tuple[str, Any]] = constraints.items() if is_object(constraints) else constraints or ()
    return tuple(
        Bound(name, getattr(value, "value", value))
        for name, value in items
        if value is not None and name in _BOUNDS
    )


def _lengths(node: Node) -> tuple[Bound, ...]:
    names = {"minLength": "min_length", "maxLength": "max_length"}
    return tuple(Bound(names[key], node[key]) for key in names if key in node)


def _alternatives(type_: Type) -> tuple[Type, ...]:
    return type_.members if isinstance(type_, Union) else (type_,)


def _union(members: list[Type]) -> Type:
    distinct: list[Type] = []
    for member in members:
        if member not in distinct:
            distinct.append(member)
    distinct.sort(key=lambda member: member == _NONE)
    return distinct[0] if len(distinct) == 1 else Union(tuple(distinct))


def _base(values: list[Any]) -> str:
    """The static type of an enum that `Literal` cannot hold."""
    names: dict[type[Any], str] = {bool: "bool", str: "str", int: "int", float: "float"}
    kinds: list[type[Any]] = list(map(type, values))
    bases = [names.get(kind, "Json") for kind in kinds]
    if "Json" in bases:
        return "Json"
    if "float" in bases:
        bases = [base for base in bases if base != "int"]
    return " | ".join(dict.fromkeys(bases))
