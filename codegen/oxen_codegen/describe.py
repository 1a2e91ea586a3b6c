"""Documentation of parameters: the description of the API, and the meaning of the schema.

Editors show only the first line of a parameter's documentation, so meaning, default and options stand in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .accepted_values import Node

UNDESCRIBED = "The API does not describe this parameter."
NO_BREAK = "\u00a0"
"""A space at which documentation is not wrapped."""
MAX_OPTIONS = 40
MAX_KEYWORDS = 8
MAX_TEXT_LENGTH = 2_000
MAX_LEADING_LENGTH = 200
MAX_LITERAL_LENGTH = 200
_MAX_UNBROKEN_LITERAL_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Constraint:
    """A restriction of the values of a parameter, or of the items in its lists."""

    noun: str
    """constant, options, other values, length or range."""
    text: str
    """A length or a range in words; "" for others."""
    options: tuple[Any, ...]
    """The accepted values; () for a length or a range."""
    depth: int
    """0 for the value of the parameter, 1 for the items of a list, 2 for the items of these."""

    def describe(self, write: Callable[[Any], str]) -> str:
        """Return the restriction without its noun; `write` writes an option."""
        return self.text or list_options(self.options, write)


def describe_parameter(node: Node, annotations: Node, *, alias: str | None, required: bool) -> str:
    """Return the documentation of a parameter.

    Its first line, which is not wrapped, has meaning, default and options or range. An example, the wire name
    and constraints that only the server validates follow.
    """
    meaning = to_sentence(annotations.get("description", ""))
    facts: list[str] = []
    rest: list[str] = []
    if references := annotations.get("references"):
        rest += _describe_references(references, meaning)
    if "example" in annotations:
        rest.append(_add_stop(f"Example: {_format_literal(annotations['example'])}"))
    if "default" in annotations:
        default = _format_literal(annotations["default"])
        if not required and node.get("enum") != [annotations["default"]]:
            facts.append(_add_stop(f"Default: {default}"))
        elif required and "example" not in annotations:
            rest.append(_add_stop(f"Example: {default}"))
    facts += [
        f"{fact[0].upper()}{fact[1:]}"
        for fact in dict.fromkeys(
            f"{'item ' * constraint.depth}{constraint.noun}: {constraint.describe(_format_literal)}."
            for constraint in list_constraints(node, annotations.get("default"))
        )
    ]
    if len(meaning) > MAX_LEADING_LENGTH:
        rest.insert(0, meaning)
    else:
        facts.insert(0, meaning)
    if alias is not None:
        rest.append(_add_stop(f"Wire name: {_format_literal(alias)}"))
    if unsupported := describe_unsupported(node):
        rest.append(unsupported)
    leading = " ".join(filter(None, facts)).replace(" ", NO_BREAK)
    return " ".join(filter(None, [leading, *rest])) or UNDESCRIBED


def is_billed_without_result(annotations: Node) -> bool:
    """Return whether a parameter counts results that are all billed, of which only the first is returned."""
    description = annotations.get("description", "")
    return "billed" in description and "only the first" in description.lower()


def _describe_references(references: Mapping[str, str], meaning: str) -> Iterator[str]:
    for name, kind in references.items():
        citation = f"@{kind.capitalize()}1"
        if citation not in meaning:
            yield f"Cite the {kind}s of `{name}` by position, as {citation}."


def to_sentence(text: str) -> str:
    """Return a text of the API on one line, with a full stop at its end."""
    text = " ".join(text.split())
    if len(text) > MAX_TEXT_LENGTH:
        return f"{text[: MAX_TEXT_LENGTH - 1]}…"
    return text if not text or text[-1] in ".!?…" else f"{text}."


def _add_stop(text: str) -> str:
    return text if text.endswith("…") else f"{text}."


def describe_unsupported(node: Node, *, is_root: bool = False) -> str:
    """Return a sentence that names keywords that only the server validates, each with its place; "" if none.

    Args:
        node: The schema of a parameter, or that of all parameters.
        is_root: Whether only the keywords of the node itself are named, and not those in it.
    """
    inner = [("", "", node)] if is_root else find_places(node)
    named = [
        f"{keyword:.60} in `{place}`" if place else f"{keyword:.60}"
        for place, _, part in inner
        for keyword in part.get("unsupported", ())
    ]
    named = list(dict.fromkeys(named))
    if not named:
        return ""
    more = f" and {len(named) - MAX_KEYWORDS} more" if len(named) > MAX_KEYWORDS else ""
    return f"Validated by the server only: {', '.join(named[:MAX_KEYWORDS])}{more}."


def find_places(node: Node, place: str = "", description: str = "") -> Iterator[tuple[str, str, Node]]:
    """Yield the place and the node of a schema and of each schema in it, such as `loras[].scale`.

    The second item is the description of the property that the node is the value of, or is a part of.
    """
    yield place, description, node
    for member in node.get("anyOf", ()):
        yield from find_places(member, place, description)
    if "items" in node:
        yield from find_places(node["items"], f"{place}[]", description)
    for wire_name, value in node.get("properties", {}).items():
        meaning = node["annotations"].get(wire_name, {}).get("description", "")
        yield from find_places(value, _join_place(place, wire_name), meaning)
    if node.get("additionalProperties"):
        yield from find_places(node["additionalProperties"], f"{place}.*".lstrip("."), description)


def find_unsupported(node: Node, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield the JSON Pointer and the keywords of every constraint that the bindings do not validate."""
    if "unsupported" in node:
        yield path, node["unsupported"]
    for member in node.get("anyOf", ()):
        yield from find_unsupported(member, path)
    if "items" in node:
        yield from find_unsupported(node["items"], f"{path}/items")
    for wire_name, value in node.get("properties", {}).items():
        pointer = wire_name.replace("~", "~0").replace("/", "~1")
        yield from find_unsupported(value, f"{path}/properties/{pointer}")
    if node.get("additionalProperties"):
        yield from find_unsupported(node["additionalProperties"], f"{path}/additionalProperties")


def list_constraints(node: Node, default: object = None, depth: int = 0) -> Iterator[Constraint]:
    """Yield options, ranges and lengths of a parameter.

    Args:
        node: Its schema.
        default: Its default; an alternative that accepts nothing else is omitted.
        depth: The number of lists around the values that the schema describes.
    """
    if "enum" in node:
        yield Constraint("constant" if len(node["enum"]) == 1 else "options", "", tuple(node["enum"]), depth)
    for member in node.get("anyOf", ()):
        if "enum" not in member:
            yield from list_constraints(member, default, depth)
        elif member["enum"] != [default]:
            yield Constraint("other values", "", tuple(member["enum"]), depth)
    match node.get("type"):
        case "string":
            yield from _describe_length(node, "minLength", "maxLength", "character", depth)
        case "array":
            yield from _describe_length(node, "minItems", "maxItems", "item", depth)
            yield from list_constraints(node["items"], depth=depth + 1)
        case "integer" | "number":
            yield from _describe_range(node, depth)
        case _:
            pass


def list_options(options: Sequence[Any], write: Callable[[Any], str]) -> str:
    """Return the first options, each written by `write`, and the number of the others."""
    more = len(options) - MAX_OPTIONS
    return f"{', '.join(map(write, options[:MAX_OPTIONS]))}{f' and {more} more' if more > 0 else ''}"


def _describe_length(
    node: Node, minimum_key: str, maximum_key: str, unit: str, depth: int
) -> Iterator[Constraint]:
    minimum, maximum = node.get(minimum_key) or None, node.get(maximum_key)
    units = unit if (minimum if maximum is None else maximum) == 1 else f"{unit}s"
    match minimum, maximum:
        case None, None:
            return
        case None, _:
            text = f"at most {maximum} {units}"
        case _, None:
            text = f"at least {minimum} {units}"
        case _:
            text = f"{minimum} {units}" if minimum == maximum else f"{minimum} to {maximum} {units}"
    yield Constraint("length", text, (), depth)


def _describe_range(node: Node, depth: int) -> Iterator[Constraint]:
    limits = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "greater than",
        "exclusiveMaximum": "less than",
    }
    found = [f"{words} {node[key]}" for key, words in limits.items() if key in node]
    if {"minimum", "maximum"} <= node.keys():
        found[:2] = [f"{node['minimum']} to {node['maximum']}"]
    if found:
        yield Constraint("range", ", ".join(found), (), depth)


def _join_place(place: str, wire_name: str) -> str:
    """Return the place of a property, such as `camera.zoom` or `camera['look-at']`."""
    if wire_name.isidentifier():
        return f"{place}.{wire_name}" if place else wire_name
    name = _format_literal(wire_name)
    return f"{place}[{name}]" if place else name


def _format_literal(value: Any) -> str:
    """Return a value as Python writes it, truncated if it is long and unbroken if it is short."""
    text = repr(value)
    if len(text) <= _MAX_UNBROKEN_LITERAL_LENGTH:
        return text.replace(" ", NO_BREAK)
    return text if len(text) <= MAX_LITERAL_LENGTH else f"{text[: MAX_LITERAL_LENGTH - 1]}…"
