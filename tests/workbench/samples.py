"""Random values for the schemas of the workbench."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

TEXTS = (
    "An ox", "", " ", "-", "--help", "-1", "5", "1e3", "null", "true", "[]", "[1]", "{}", '"', "'", "'\"",
    "\\", "@Image1 with a hat", "@@a", "a@b", "$(touch hacked)", "`touch hacked`", "$HOME", "!!",
    "'; touch hacked; '", "'''", '"""', "{x}", "%s", "\n", "a\nb", "\r", "\t", "EOF\n", "JSON\n", "# a", "~",
    "*", "=ls", "a=b", "\\\n", "é", "日本", "\u2028", "\u2029", "\u200b", "\u202e", "\ufeff", "\xad", "\x85",
    "\x1b[31m", "\x035", "\x7f",
    "«model»", "«arguments:4»", "$&", "$1", "</script>", "<!--",
)  # fmt: skip
"""Texts with a meaning in Python, in JSON, in a shell, in a terminal or in the templates."""
URL = "https://example.com/a.png"
_NUMBERS = (0, 1, -1, 2.5, 0.1, 1e-4, 1.25e-5, -1e-7, 1e-300, 123456.789, 1e16, 1.5e17, 1e21, -2.5e300, 42)


def choose_values(schema: Mapping[str, Any], random: Random, share: float = 0.5) -> dict[str, Any]:
    """Return values of an object that its schema accepts in most cases.

    Args:
        schema: The schema.
        random: The source of randomness.
        share: The share of the optional properties that have a value.
    """
    return {
        name: choose_value(node, random)
        for name, node in schema["properties"].items()
        if name in schema["required"] or random.random() < share
    }


def choose_value(node: Mapping[str, Any], random: Random) -> Any:
    """Return a value that a schema accepts in most cases."""
    if node.get("nullable") and random.random() < 0.2:
        return None
    if "default" in node and random.random() < 0.2:
        return node["default"]
    if "enum" in node:
        return random.choice(node["enum"])
    if "anyOf" in node:
        return choose_value(random.choice(node["anyOf"]), random)
    match node.get("type"):
        case "string":
            return (
                random.choice([URL, "data:image/png;base64,AAAA"]) if "media" in node else choose_text(random)
            )
        case "integer":
            low, high = node.get("minimum", -5), node.get("maximum", 10**6)
            return random.choice([low, high, random.randint(low, high)])
        case "number":
            low, high = node.get("minimum", -5), node.get("maximum", 100)
            return random.choice([low, high, round(random.uniform(low, high), 3)])
        case "boolean":
            return random.random() < 0.5
        case "array":
            low, high = node.get("minItems", 0), node.get("maxItems", 3)
            return [
                choose_value(node["items"], random) for _ in range(random.randint(low, min(high, low + 3)))
            ]
        case "object":
            return choose_values(node, random)
        case _:
            return choose_json(random)


def choose_text(random: Random) -> str:
    return "".join(random.choice(TEXTS) for _ in range(random.choice([1, 1, 2, 3])))


def choose_json(random: Random, depth: int = 3) -> Any:
    """Return any JSON value."""
    match random.randrange(6 if depth else 4):
        case 0:
            return random.choice([None, True, False])
        case 1:
            return random.choice(_NUMBERS)
        case 2 | 3:
            return choose_text(random)
        case 4:
            return [choose_json(random, depth - 1) for _ in range(random.randrange(4))]
        case _:
            return {choose_text(random): choose_json(random, depth - 1) for _ in range(random.randrange(4))}
