"""Join and shorten the scripts of the page: no comments, no indentation, no spaces around signs.

The libraries that do this for Python do not know template literals inside each other. Line breaks stay, so
that no statement needs another semicolon.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

_STRICT = '"use strict";\n'
_REGEX = r"[ ]*/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[])+/\w*"
# A slash begins a regular expression unless a value is before it.
_TOKEN = re.compile(
    rf"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    |(?P<regex>(?:(?<=[(,=:\[!&|?{{}};>\n])|(?<=\breturn)){_REGEX})
    |(?P<space>\s+)
    |(?P<word>[\w$]+)
    |(?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TEMPLATE_PART = re.compile(r"(?:\\.|\$(?!\{)|[^`\\$])*(?:`|\$\{)", re.DOTALL)
_NEEDS_SPACE = re.compile(r"[\w$]{2}|\+\+|--")


def join_scripts(scripts: Iterable[str]) -> str:
    """Return strict scripts as a single short one."""
    return _STRICT + "".join(shorten_script(script).removeprefix(_STRICT) for script in scripts)


@cache
def shorten_script(script: str) -> str:
    """Return a short script that does the same."""
    short: list[str] = []
    space = ""
    for kind, token in _list_tokens(script):
        if kind == "space":
            space = "\n" if "\n" in token + space else " "
        elif kind != "comment":
            neighbours = short[-1][-1] + token[0] if short else ""
            is_needed = space == "\n" or (space and _NEEDS_SPACE.match(neighbours))
            short += [space, token] if is_needed else [token]
            space = ""
    return "".join(short).strip() + "\n"


def _list_tokens(script: str) -> Iterator[tuple[str, str]]:
    """Yield the kinds and the texts of tokens; a template literal is one for each part."""
    braces: list[int] = []  # for each open template literal, the number of open braces in its value
    position = 0
    while token := _TOKEN.match(script, position):
        kind, text = str(token.lastgroup), token[0].strip(" ") or " "
        position = token.end()
        if text == "`" or (text == "}" and braces and not braces[-1]):
            if text == "}":
                braces.pop()
            part = _TEMPLATE_PART.match(script, position)
            assert part is not None
            position = part.end()
            text += part[0]
            if text.endswith("${"):
                braces.append(0)
        elif braces and text in ("{", "}"):
            braces[-1] += 1 if text == "{" else -1
        yield kind, text
