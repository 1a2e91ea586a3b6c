"""The values of the examples, each accepted by the schema of its model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..accepted_values import Node, accepts, simplify_number
from ..json_types import count_values, is_list
from ..normalize import find_listed_media
from ..operations import Operation

MEDIA_URLS = {
    "image": (
        "https://hub.oxen.ai/api/repos/ox/Oxen-Character-Simple-Vector-Graphic/file/main/images/reference/"
        "bloxy_white_bg.png"
    ),
    "video": "https://example.com/clip.mp4",
    "audio": "https://example.com/voice.mp3",
    "file": "https://example.com/file",
}
_MASK_URL = "https://example.com/mask.png"
_PROMPTS = {
    "edit": "Add a funny hat",
    "images": "An ox with a funny hat in a field of flowers",
    "videos": "The ox walks through a field of flowers",
    "audio": "A calm voice says: Welcome to the farm.",
}
_STRINGS = {"negative_prompt": "blurry, low quality"}
_NUMBERS = {"seed": 42, "duration": 5}
_EXCLUDES = re.compile(r"\bexcludes ([^.;]*)", re.IGNORECASE)
_IS_EXCLUDED = re.compile(r"(\w+) is excluded", re.IGNORECASE)
_ALL_REFERENCES = "references of every type"
MAX_VALUES = 1_000
"""JSON values in the example of one parameter; a schema may require any number of items."""
MAX_TEXT_LENGTH = 1_000
_ABSENT = object()


@dataclass(slots=True)
class ExampleValues:
    """The parameters of the examples of one model, by wire name."""

    minimal: dict[str, Any]
    """The required parameters."""
    basic: dict[str, Any]
    """And those that the form of the API's website shows first."""
    complete: dict[str, Any]
    """And all others."""
    omitted: dict[str, str | None] = field(default_factory=dict[str, str | None])
    """The parameters that no example has, each with one that it excludes; None if no value of it is known."""

    def list_levels(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the levels that differ from each other, by name."""
        levels = [("Minimal", self.minimal)]
        if self.basic not in (self.minimal, self.complete):
            levels.append(("Basic", self.basic))
        if self.complete != self.minimal:
            levels.append(("All parameters", self.complete))
        return levels


def choose_values(node: Node, basic: object, operation: Operation) -> ExampleValues | None:
    """Return the values of the examples of a model; None if a required parameter has no known value.

    Args:
        node: The normalized schema.
        basic: The names of the parameters that a form shows first, as the API returns them.
        operation: The call of the model.
    """
    exclusions = _find_exclusions(node)
    chosen: dict[str, Any] = {}
    omitted: dict[str, str | None] = {}
    # The shown parameters first, because another that excludes one of them is omitted.
    first: set[str] = set(node["required"])
    if is_list(basic):
        first.update(name for name in basic if isinstance(name, str))
    for name in sorted(node["properties"], key=lambda name: name not in first):
        if name not in node["required"] and (
            rival := next((r for r in chosen if r in exclusions[name]), None)
        ):
            omitted[name] = rival
            continue
        value = _choose_value(name, node, operation)
        if value is not _ABSENT:
            chosen[name] = simplify_number(value)
        elif name in node["required"]:
            return None
        else:
            omitted[name] = None
    ordered = {name: chosen[name] for name in node["properties"] if name in chosen}
    return ExampleValues(
        minimal={name: value for name, value in ordered.items() if name in node["required"]},
        basic={name: value for name, value in ordered.items() if name in first},
        complete=ordered,
        omitted=omitted,
    )


def _choose_value(name: str, node: Node, operation: Operation) -> Any:
    """Return the first value that the schema accepts, of the API's examples and then of our own."""
    value, annotations = node["properties"][name], node["annotations"].get(name, {})
    found = [annotations[key] for key in ("example", "default") if key in annotations]
    # An empty value would not show anything.
    candidates = [
        *(item for item in found if item not in (None, "", [], {})),
        *_suggest(name, value, operation),
    ]
    if not _has_unknown_form(value):
        candidates += found
    return next((item for item in candidates if _is_short(item) and accepts(value, item)), _ABSENT)


def _is_short(value: object) -> bool:
    """Return whether a value is one that an example can show."""
    return value is not None and count_values(value, MAX_VALUES) <= MAX_VALUES


def _suggest(name: str, node: Node, operation: Operation) -> Iterator[Any]:
    """Yield values of the types that a parameter accepts."""
    yield from node.get("enum", ())
    for member in node.get("anyOf", ()):
        yield from _suggest(name, member, operation)
    match node.get("type"):
        case "string":
            yield _fit_text(_suggest_text(name, node, operation), node)
        case "integer" | "number":
            yield from _suggest_numbers(name, node)
        case "boolean":
            yield False
        case "array":
            count = max(node.get("minItems", 1), 1)
            if count <= MAX_VALUES:
                yield from ([item] * count for item in _suggest(name, node["items"], operation))
        case "object" if node["properties"]:
            parts = {
                key: next(iter(_suggest(key, part, operation)), None)
                for key, part in node["properties"].items()
            }
            yield {key: part for key, part in parts.items() if part is not None}
            yield {key: part for key, part in parts.items() if key in node["required"]}
        case _:
            pass


def _suggest_text(name: str, node: Node, operation: Operation) -> str:
    if "media" in node:
        return _MASK_URL if "mask" in name.lower() else MEDIA_URLS[node["media"]]
    if name in _STRINGS:
        return _STRINGS[name]
    if name == "prompt":
        return _PROMPTS["edit" if operation.verb == "edit" else operation.family]
    return "text"


def _suggest_numbers(name: str, node: Node) -> Iterator[int | float]:
    yield from (number for known, number in _NUMBERS.items() if known == name)
    yield 1
    for key, step in (("minimum", 0), ("exclusiveMinimum", 1), ("maximum", 0), ("exclusiveMaximum", -1)):
        if key in node:
            yield node[key] + step
    if {"exclusiveMinimum", "exclusiveMaximum"} <= node.keys():
        yield (node["exclusiveMinimum"] + node["exclusiveMaximum"]) / 2


def _fit_text(text: str, node: Node) -> str:
    minimum, maximum = node.get("minLength", 0), node.get("maxLength")
    return text.ljust(min(minimum, MAX_TEXT_LENGTH), ".")[:maximum]


def _has_unknown_form(node: Node) -> bool:
    """Return whether a schema accepts objects without naming their properties."""
    members = (*node.get("anyOf", ()), *([node["items"]] if "items" in node else []))
    return (node.get("type") == "object" and not node["properties"]) or any(map(_has_unknown_form, members))


def _find_exclusions(node: Node) -> Mapping[str, set[str]]:
    """Return which parameters exclude each other, which only the descriptions of the API state."""
    exclusions: dict[str, set[str]] = {name: set() for name in node["properties"]}
    phrases: dict[str, str] = {}
    for name, described in node["annotations"].items():
        description = described.get("description", "")
        found = [*_EXCLUDES.findall(description), *_IS_EXCLUDED.findall(description)]
        if found:
            phrases[name] = "\n".join(found)
    if not phrases:
        return exclusions
    for other, part in node["properties"].items():
        pattern = re.compile(rf"(?<!\w){re.escape(other)}(?!\w)")
        is_reference = any(find_listed_media(part))
        for name, text in phrases.items():
            is_named = other in text and pattern.search(text)  # the first test is much faster
            if name != other and (is_named or (is_reference and _ALL_REFERENCES in text)):
                exclusions[name].add(other)
                exclusions[other].add(name)
    return exclusions
