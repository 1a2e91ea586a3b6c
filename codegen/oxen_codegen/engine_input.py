"""Convert a normalized schema to the schema that datamodel-code-generator parses.

It contains no string of the API except enum values: properties are numbered, and classes are named here. What
the engine cannot express (media, enums of floats, of booleans or of objects) is replaced by a reference to a
placeholder definition.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .accepted_values import Node
from .names import EMITTED_NAMES, MAX_NAME_LENGTH, pascal, snake, split_words
from .spec import EnumType, Limit, ListType, NamedType, Type, UnionType

_DEFINITIONS = "#/$defs/"
_RANGE = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}
_MEDIA_TYPES = {"image": "ImageInput", "video": "VideoInput", "audio": "AudioInput", "file": "FileInput"}
_NONE = NamedType("None")


def name_classes(node: Node, prefix: str) -> list[tuple[str, Node]]:
    """Return the names and the nodes of the nested classes of an object node, outer classes first."""
    source = EngineInput(prefix)
    source.add_object(f"{prefix}Request", node, ())
    return list(source.classes.items())[1:]


@dataclass
class EngineInput:
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
        return self._add_placeholder(build_union([type_, *([_NONE] if None in values else [])]))

    def _add_placeholder(self, type_: Type) -> Node:
        number = len(self.placeholders)
        while (name := f"Placeholder{number}") in self.classes:
            number += 1
        self.placeholders[name] = type_
        self.definitions[name] = {"type": "string"}
        return {"$ref": _DEFINITIONS + name}


def _length_limits(node: Node) -> tuple[Limit, ...]:
    names = {"minLength": "min_length", "maxLength": "max_length"}
    return tuple(Limit(names[key], node[key]) for key in names if key in node)


def build_union(members: list[Type]) -> Type:
    """Return the union of types, each of them once and None last.

    Media follow other types, because a value of an enum is no path, although a file may have that name.
    """
    distinct: list[Type] = []
    for member in members:
        if member not in distinct:
            distinct.append(member)
    distinct.sort(key=lambda member: (member == _NONE, _holds_media(member)))
    return distinct[0] if len(distinct) == 1 else UnionType(tuple(distinct))


def _holds_media(type_: Type) -> bool:
    if isinstance(type_, ListType):
        return _holds_media(type_.item)
    return isinstance(type_, NamedType) and type_.name in _MEDIA_TYPES.values()


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
