"""The parameters of a page: names, types, limits and what the prompt can cite."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..accepted_values import Node
from ..describe import (
    Constraint,
    describe_unsupported,
    is_billed_without_result,
    list_constraints,
    to_sentence,
)
from ..names import parameter_names
from ..normalize import find_listed_media, normalize
from ..operations import COMMON

# The mark of the first medium, such as `@Image1` or `@Image 1`, and a phrase with marks.
_CITATION = re.compile(r"(@[A-Za-z]{1,20} ?)1\b")
_PHRASE_OF_CITATION = re.compile(r"[^.;]*@[^.;]*")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a model."""

    name: str
    """Its name in the bindings."""
    wire_name: str
    """Its name in the body of a request."""
    type: str
    is_required: bool
    is_hidden: bool
    """Whether the API hides it from the form of its website."""
    default: tuple[Any, ...]
    """The value that the API uses if the parameter is omitted; () if there is none, or it is not known."""
    constraints: tuple[Constraint, ...]
    """Options, ranges and lengths."""
    unsupported: str
    """A sentence that names keywords that only the server validates; "" if there are none."""
    meaning: str
    """Its description by the API; "" if there is none."""
    is_billed_without_result: bool
    """Whether it counts results that are all billed, of which only the first is returned."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Media that the prompt can cite by position."""

    mark: str
    """How they are cited, without the number, such as `@Image`."""
    parameters: tuple[str, ...]
    """The wire names of the parameters with the media."""

    @property
    def first(self) -> str:
        """The citation of the first of them, such as `@Image1`."""
        return f"{self.mark}1"

    @property
    def second(self) -> str:
        """The citation of the second of them."""
        return f"{self.mark}2"


def list_parameters(node: Node) -> tuple[Parameter, ...]:
    """Return the parameters of a model with a normalized schema: required, optional, then hidden ones."""
    properties = node["properties"]
    names = parameter_names([*properties, *(name for name in COMMON if name not in properties)])
    parameters = [_build_parameter(names[wire_name], wire_name, node) for wire_name in properties]
    return tuple(sorted(parameters, key=lambda parameter: (not parameter.is_required, parameter.is_hidden)))


def list_citations(node: Node) -> tuple[Citation, ...]:
    """Return the media that the prompt of a model can cite, by the marks and the words of the schema."""
    marked: dict[str, list[str]] = {}
    for described in node["annotations"].values():
        for name, kind in described.get("references", {}).items():
            if name in node["properties"]:
                marked.setdefault(f"@{kind.capitalize()}", []).append(name)
    words = {name: annotations.get("description", "") for name, annotations in node["annotations"].items()}
    for mark in dict.fromkeys(mark for text in words.values() for mark in _CITATION.findall(text)):
        if mark.strip() not in marked and (names := _find_cited(mark, node, words)):
            marked[mark] = names
    return tuple(Citation(mark, tuple(dict.fromkeys(names))) for mark, names in marked.items())


def _find_cited(mark: str, node: Node, words: Mapping[str, str]) -> list[str]:
    """Return the parameters that a mark cites.

    They are those whose description has the mark, else those that the description of the prompt names beside
    a mark, else all lists of such media.
    """
    kind = mark.strip("@ ").lower()
    names = [name for name in node["properties"] if name != "prompt"]
    cited = [name for name in names if f"{mark}1" in words.get(name, "")]
    lists = [name for name in names if kind in find_listed_media(node["properties"][name])]
    phrases = " ".join(_PHRASE_OF_CITATION.findall(words.get("prompt", "")))
    named = [name for name in lists if re.search(rf"\b{re.escape(name)}\b", phrases)]
    return cited or named or lists


def _build_parameter(name: str, wire_name: str, node: Node) -> Parameter:
    value = node["properties"][wire_name]
    annotations = node["annotations"].get(wire_name, {})
    is_required = wire_name in node["required"]
    return Parameter(
        name=name,
        wire_name=wire_name,
        type=describe_type(value),
        is_required=is_required,
        is_hidden="hidden" in annotations,
        # Of a required parameter, the API documents an example in this place.
        default=(annotations["default"],) if "default" in annotations and not is_required else (),
        constraints=tuple(list_constraints(value)),
        unsupported=describe_unsupported(value),
        meaning=to_sentence(annotations.get("description", "")),
        is_billed_without_result=is_billed_without_result(annotations),
    )


def describe_type(node: Node) -> str:
    """Return the type of a parameter in words, such as "list of image URLs"."""
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(map(describe_type, node["anyOf"])))
    if "enum" in node:
        return " or ".join(dict.fromkeys(_name_type(value) for value in node["enum"]))
    match node.get("type"):
        case "array":
            return f"list of {_pluralize(describe_type(node['items']))}"
        case "string" if "media" in node:
            return f"{node['media']} URL"
        case str() as name:
            return name
        case _:
            return "any"


def _pluralize(name: str) -> str:
    return "any values" if name == "any" else f"{name}s" if " or " not in name else f"({name})"


def _name_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "number"
        case list():
            return "list"
        case _:
            return "object"


COMMON_PARAMETERS = list_parameters(normalize({"properties": dict(COMMON)}))
"""The parameters of every call that a model's schema does not have."""
