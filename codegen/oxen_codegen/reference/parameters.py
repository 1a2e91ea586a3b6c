"""The parameters of a page: names, types, limits and what the prompt can cite."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..accepted_values import Node
from ..describe import describe_unsupported, is_billed_without_result, to_sentence
from ..json_types import is_object
from ..names import parameter_names
from ..normalize import find_media
from ..operations import COMMON

# The mark of the first medium, such as `@Image1` or `@Image 1`, and what a prompt says about it.
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
    options: tuple[Any, ...]
    """All accepted values; () unless they are listed."""
    limits: tuple[str, ...]
    """Ranges and lengths in words."""
    meaning: str
    """What the API says about it; "" if it says nothing."""
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


COMMON_PARAMETERS = (
    Parameter(
        name="response_format",
        wire_name="response_format",
        type="string",
        is_required=False,
        is_hidden=False,
        default=("url",),
        options=tuple(COMMON["response_format"]["enum"]),
        limits=(),
        meaning="Whether results are returned as URLs or as base64 data.",
        is_billed_without_result=False,
    ),
    Parameter(
        name="target_namespace",
        wire_name="target_namespace",
        type="string",
        is_required=False,
        is_hidden=False,
        default=(),
        options=(),
        limits=(),
        meaning="Namespace that is billed and that keeps the results. Default: the owner of the API key.",
        is_billed_without_result=False,
    ),
)
"""The parameters of every call that a model's schema does not have."""


def list_parameters(node: Node, schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return the parameters of a model: required, optional, then hidden ones.

    Args:
        node: The normalized schema.
        schema: The schema as the API returns it.
    """
    properties = node["properties"]
    names = parameter_names([*properties, *(name for name in COMMON if name not in properties)])
    parameters = [_build_parameter(names[wire_name], wire_name, node, schema) for wire_name in properties]
    return tuple(sorted(parameters, key=lambda parameter: (not parameter.is_required, parameter.is_hidden)))


def list_citations(node: Node) -> tuple[Citation, ...]:
    """Return the media that the prompt of a model can cite, by the marks and the words of the schema."""
    marked: dict[str, list[str]] = {}
    for notes in node["annotations"].values():
        for name, kind in notes.get("references", {}).items():
            if name in node["properties"]:
                marked.setdefault(f"@{kind.capitalize()}", []).append(name)
    words = {name: notes.get("description", "") for name, notes in node["annotations"].items()}
    for mark in dict.fromkeys(mark for text in words.values() for mark in _CITATION.findall(text)):
        if mark.strip() not in marked and (names := _find_cited(mark, node, words)):
            marked[mark] = names
    return tuple(Citation(mark, tuple(dict.fromkeys(names))) for mark, names in marked.items())


def _find_cited(mark: str, node: Node, words: Mapping[str, str]) -> list[str]:
    """Return the parameters that a mark cites: those that say so, or that the prompt names, or all lists."""
    kind = mark.strip("@ ").lower()
    names = [name for name in node["properties"] if name != "prompt"]
    cited = [name for name in names if f"{mark}1" in words.get(name, "")]
    lists = [name for name in names if _lists_media(node["properties"][name], kind)]
    phrases = " ".join(_PHRASE_OF_CITATION.findall(words.get("prompt", "")))
    named = [name for name in lists if re.search(rf"\b{re.escape(name)}\b", phrases)]
    return cited or named or lists


def _lists_media(node: Node, kind: str) -> bool:
    members = (node, *node.get("anyOf", ()))
    return any(kind in find_media(member) for member in members if "items" in member)


def _build_parameter(name: str, wire_name: str, node: Node, schema: Mapping[str, Any]) -> Parameter:
    value = node["properties"][wire_name]
    annotations = node["annotations"].get(wire_name, {})
    raw = schema.get("properties", {}).get(wire_name)
    is_required = wire_name in node["required"]
    unsupported = describe_unsupported(value).rstrip(".")
    return Parameter(
        name=name,
        wire_name=wire_name,
        type=describe_type(value),
        is_required=is_required,
        is_hidden=is_object(raw) and raw.get("x-hidden") is True,
        # Of a required parameter, the API documents an example in this place.
        default=(annotations["default"],) if "default" in annotations and not is_required else (),
        options=tuple(_list_options(value)),
        limits=(
            *_list_limits(value),
            *([f"{unsupported[0].lower()}{unsupported[1:]}"] if unsupported else []),
        ),
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


def _list_options(node: Node) -> Iterator[Any]:
    yield from node.get("enum", ())
    for member in node.get("anyOf", ()):
        yield from _list_options(member)


def _list_limits(node: Node, subject: str = "") -> Iterator[str]:
    for member in node.get("anyOf", ()):
        yield from _list_limits(member, subject)
    match node.get("type"):
        case "string":
            yield from _describe_count(node, "minLength", "maxLength", "character", subject)
        case "array":
            yield from _describe_count(node, "minItems", "maxItems", "item", subject)
            yield from _list_limits(node["items"], "each: ")
            if options := list(_list_options(node["items"])):
                yield f"each one of {', '.join(map(str, options))}"
        case "integer" | "number":
            yield from _describe_range(node, subject)
        case _:
            pass


def _describe_count(node: Node, low_key: str, high_key: str, unit: str, subject: str) -> Iterator[str]:
    low, high = node.get(low_key) or None, node.get(high_key)
    units = unit if (high if high is not None else low) == 1 else f"{unit}s"
    match low, high:
        case None, None:
            return
        case None, _:
            yield f"{subject}at most {high} {units}"
        case _, None:
            yield f"{subject}at least {low} {units}"
        case _:
            yield f"{subject}{low} {units}" if low == high else f"{subject}{low} to {high} {units}"


def _describe_range(node: Node, subject: str) -> Iterator[str]:
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "greater than",
        "exclusiveMaximum": "less than",
    }
    found = [f"{text} {node[key]}" for key, text in words.items() if key in node]
    if {"minimum", "maximum"} <= node.keys():
        found[:2] = [f"{node['minimum']} to {node['maximum']}"]
    if found:
        yield subject + ", ".join(found)
