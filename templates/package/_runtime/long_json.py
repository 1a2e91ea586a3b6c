"""Parsing of JSON with long strings, such as files in base64.

`json.loads` reads a string in one step, in which no other thread runs, and thus no event loop. Here long
base64 strings are cut out of the JSON and copied in pieces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

from .values import map_scalars

MIN_LONG_SIZE = 2**20
"""Minimum size in bytes of JSON that is parsed this way, which should be done in a thread."""
_CHUNK_SIZE = 2**18
# Between two strings is a character that base64 does not have, and before a quote in a string a backslash.
_START = re.compile(rb'(?<!\\)"(?:data:[\w/+.;=-]{1,100},)?[A-Za-z0-9+/=]{4096}')
_BASE64 = re.compile(rb"[A-Za-z0-9+/=]*")


def parse_json(content: bytes) -> Any:
    """Return the value of JSON.

    Raises:
        ValueError: It is not valid.
        RecursionError: It is nested too deeply.
    """
    if len(content) < MIN_LONG_SIZE:
        return json.loads(content)
    prefix = token_hex(16)  # not in the JSON
    strings: dict[object, str] = {}
    pieces: list[bytes] = []
    end = 0
    for start, stop in _find_long_strings(content):
        placeholder = f"{prefix}{len(strings)}"
        strings[placeholder] = _decode(content, start, stop)
        pieces += [content[end:start], placeholder.encode()]
        end = stop
    value = json.loads(b"".join([*pieces, content[end:]]) if strings else content)
    return map_scalars(value, lambda scalar, _: strings.get(scalar, scalar)) if strings else value


def _find_long_strings(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each long base64 string, without its quotes, unless it is a key."""
    position = 0
    while match := _START.search(content, position):
        position = match.end()
        while (run := _BASE64.match(content, position, position + _CHUNK_SIZE)) and run.end() > position:
            position = run.end()
        rest = content[position : position + 20]
        if rest.startswith(b'"') and not rest[1:].lstrip().startswith(b":"):
            yield match.start() + 1, position


def _decode(content: bytes, start: int, stop: int) -> str:
    text = ""
    for index in range(start, stop, _CHUNK_SIZE):
        # CPython appends in place, because nothing else refers to the text.
        text += content[index : min(index + _CHUNK_SIZE, stop)].decode("ascii")
    return text
