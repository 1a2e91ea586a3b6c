"""Prose for docstrings: what the hub says of a parameter, and what its schema means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .normalize import Node

_MOST_CHOICES = 20
_MOST_KEYWORDS = 8
_LONGEST_TEXT = 2_000


def parameter_doc(node: Node, said: Node, *, alias: str | None, required: bool) -> str | None:
    """Meaning, choices, range, default and wire name of a parameter, in that order."""
    sentences = [sentence(said.get("description", "")), *_values(node, said.get("default"))]
    if "default" in said:
        default = _literal(said["default"])
        sentences.append(f"For example {default}." if required else f"Left out, the hub takes {default}.")
    if alias is not None:
        sentences.append(f"Wire name {_literal(alias)}.")
    if keywords := list(find_unsupported(node)):
        sentences.append(describe_unsupported([keyword for _, names in keywords for keyword in names]))
    return " ".join(filter(None, sentences)) or None


def sentence(text: str) -> str:
    """A text of the hub on one line, closed by a full stop."""
    text = " ".join(text.split())
    if len(text) > _LONGEST_TEXT:
        return f"{text[: _LONGEST_TEXT - 1]}…"
    return text if not text or text[-1] in ".!?" else f"{text}."


def describe_unsupported(keywords: list[str]) -> str:
    named = ", ".join(f"{name:.60}" for name in dict.fromkeys(keywords[:_MOST_KEYWORDS]))
    more = f" and {len(keywords) - _MOST_KEYWORDS} more" if len(keywords) > _MOST_KEYWORDS else ""
    return f"Checked by the hub only: {named}{more}."


def find_unsupported(node: Node, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Where below `node` the hub asks for what the bindings do not check: pointers and keywords."""
    if "unsupported" in node:
        yield path, node["unsupported"]
    for member in node.get("anyOf", ()):
        yield from find_unsupported(member, path)
    if "items" in node:
        yield from find_unsupported(node["items"], f"{path}/items")
    for wire, value in node.get("properties", {}).items():
        pointer = wire.replace("~", "~0").replace("/", "~1")
        yield from find_unsupported(value, f"{path}/properties/{pointer}")
    if node.get("additionalProperties"):
        yield from find_unsupported(node["additionalProperties"], f"{path}/additionalProperties")


def _values(node: Node, default: object = None) -> Iterator[str]:
    if "enum" in node:
        choices = [_literal(value) for value in node["enum"][:_MOST_CHOICES]]
        left = len(node["enum"]) - len(choices)
        yield f"One of {', '.join(choices)}{f' and {left} more' if left else ''}."
    for member in node.get("anyOf", ()):
        if member.get("enum") != [default]:  # the default is a sentence of its own
            yield from _values(member, default)
    match node.get("type"):
        case "string":
            yield from _count(node.get("minLength"), node.get("maxLength"), "character")
        case "array":
            yield from _count(node.get("minItems"), node.get("maxItems"), "item")
            yield from (f"Each {text[0].lower()}{text[1:]}" for text in _values(node["items"]))
        case "integer" | "number":
            yield from _range(node)
        case _:
            pass


def _count(least: int | None, most: int | None, unit: str) -> Iterator[str]:
    units = f"{unit}s" if (most if most is not None else least) != 1 else unit
    if least and most is not None:
        yield f"{least} to {most} {units}." if least != most else f"Exactly {least} {units}."
    elif least:
        yield f"At least {least} {units}."
    elif most is not None:
        yield f"At most {most} {units}."


def _range(node: Node) -> Iterator[str]:
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None and most is not None:
        yield f"From {least} to {most}."
    elif least is not None:
        yield f"At least {least}."
    elif most is not None:
        yield f"At most {most}."
    if "exclusiveMinimum" in node:
        yield f"Above {node['exclusiveMinimum']}."
    if "exclusiveMaximum" in node:
        yield f"Below {node['exclusiveMaximum']}."


def _literal(value: Any) -> str:
    """A value as Python writes it, shortened; a short one does not wrap."""
    text = repr(value)
    if len(text) <= 40:
        return text.replace(" ", "\u00a0")
    return text if len(text) <= 200 else f"{text[:199]}…"
