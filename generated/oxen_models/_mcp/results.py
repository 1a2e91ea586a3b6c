# Copied by oxen-codegen from templates/package/_mcp/results.py. Do not edit.
"""Results of tools: JSON in a limited size, whose strings are data without control characters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

import mcp_types as types
from oxen_models._runtime.json_schema.json_types import is_object
from oxen_models._runtime.printable import escape_invisible

MAX_TEXT_SIZE = 24_000
"""Bytes of UTF-8 of the JSON of a result: at most 12,000 tokens, because a token has about two bytes or more.
The rest of the limit of 25,000 tokens is for previews and links.
"""
_MAX_NAMED = 40
_MAX_NAME_LENGTH = 60


@dataclass(slots=True)
class _Shortener:
    """Copies a JSON value within limits, and records what it omits."""

    max_string: int
    """Characters of a string."""
    max_entries: int
    """Entries of a list or an object."""
    max_depth: int
    omitted: list[str] = field(default_factory=list[str])

    def copy(self, value: object, name: str = "", depth: int = 0) -> Any:
        """Return a copy of a value with this name."""
        if isinstance(value, str):
            if len(value) > self.max_string:
                self.omitted.append(f"{name}: {len(value) - self.max_string} of {len(value)} characters")
                value = f"{value[: self.max_string]}…"
            return escape_invisible(value)
        if not (is_object(value) or isinstance(value, list | tuple)):
            return value
        entries = cast("Sequence[object] | dict[str, object]", value)
        if entries and depth == self.max_depth:
            self.omitted.append(f"{name}: {len(entries)} entries")
            return "…"
        if len(entries) > self.max_entries:
            rest = len(entries) - self.max_entries
            text = f"{name}: {rest} of {len(entries)} entries"
            if isinstance(entries, dict):
                names = islice(entries, self.max_entries, self.max_entries + _MAX_NAMED)
                text += f": {', '.join(key[:_MAX_NAME_LENGTH] for key in names)}"
            self.omitted.append(escape_invisible(text))
        if isinstance(entries, dict):
            pairs = islice(entries.items(), self.max_entries)
            return {self._copy_name(key): self.copy(item, _join(name, key), depth + 1) for key, item in pairs}
        items = islice(entries, self.max_entries)
        return [self.copy(item, f"{name}[{index}]", depth + 1) for index, item in enumerate(items)]

    def _copy_name(self, name: str) -> str:
        if len(name) > _MAX_NAME_LENGTH:
            self.omitted.append(escape_invisible(f"the end of the name {name[:_MAX_NAME_LENGTH]}"))
        return escape_invisible(name[:_MAX_NAME_LENGTH])


# Each keeps less than the one before.
_LIMITS = ((2000, 200, 12), (500, 100, 10), (200, 60, 8), (100, 30, 6), (60, 4, 3))


def write_limited(value: Mapping[str, Any], hint: str) -> str:
    """Return an object as JSON of at most `MAX_TEXT_SIZE` bytes.

    Its property `omitted` states what the text does not have, and how to get it.

    Args:
        value: The object. Its strings may be text of a server.
        hint: How to get what is omitted.
    """
    for limits in _LIMITS:
        shortener = _Shortener(*limits)
        copied = shortener.copy(value)
        if shortener.omitted:
            named = shortener.omitted[:_MAX_NAMED]
            more = len(shortener.omitted) - len(named)
            copied["omitted"] = [*named, *([f"{more} other values"] if more else []), hint]
        text = _dump(copied)
        if len(text.encode()) <= MAX_TEXT_SIZE:
            return text
    return _dump({"omitted": ["all values, because they are too large", hint]})


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def create_text(text: str) -> types.TextContent:
    """Return text as content of a result."""
    return types.TextContent(type="text", text=text)


def create_error(message: str) -> types.CallToolResult:
    """Return the result of a call that failed, with the message in a limited size."""
    text = escape_invisible(message[: MAX_TEXT_SIZE // 10])  # an escaped character has at most ten bytes
    return types.CallToolResult(content=[create_text(text)], is_error=True)


def _join(name: str, key: str) -> str:
    key = key[:_MAX_NAME_LENGTH]
    return f"{name}.{key}" if name else key
