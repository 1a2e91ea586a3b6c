"""Derive synchronous code from asynchronous code, name by name.

Strings, docstrings and comments are kept as they are.
"""

from __future__ import annotations

import re
from functools import cache

from .diagnostics import CodegenError

REPLACEMENTS = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "StopAsyncIteration": "StopIteration",
    "aclose": "close",
    "aiter_raw": "iter_raw",
    "anext": "next",
    "aclosing": "closing",
}
_DROPPED = frozenset({"async", "await"})
_PREFIX = "Async"
# About five times as fast as `tokenize`.
_STRING_COMMENT_OR_NAME = re.compile(
    r"""
    \"{3} (?: \\. | [^\\] )*? \"{3}
    | '{3} (?: \\. | [^\\] )*? '{3}
    | " (?: \\. | [^"\\\n] )* "
    | ' (?: \\. | [^'\\\n] )* '
    | \# [^\n]*
    | (?P<name> [^\W\d] \w* ) [ ]?
    """,
    re.DOTALL | re.VERBOSE,
)


class Unasync:
    """Derives synchronous modules, and records which rules applied, to find rules without effect."""

    def __init__(self) -> None:
        self._applied: set[str] = set()

    def convert(self, source: str) -> str:
        """Return the synchronous form of a valid module."""
        converted, applied = _convert(source)
        self._applied |= applied
        return converted

    def check_all_applied(self) -> None:
        """Raise if a rule did not apply to any of the converted modules.

        Raises:
            CodegenError: A rule had no effect.
        """
        unused = sorted({*REPLACEMENTS, *_DROPPED, _PREFIX} - self._applied)
        if unused:
            raise CodegenError(f"unasync: no module contains {', '.join(unused)}; remove the rule")


@cache  # a process that builds several packages converts the same modules for each
def _convert(source: str) -> tuple[str, frozenset[str]]:
    """Return the synchronous form of a module, and the rules that applied."""
    applied: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        rule, new = _convert_name(name) if name else (None, "")
        if rule is None:
            return match[0]
        applied.add(rule)
        return new and new + match[0].removeprefix(name)  # a keyword is dropped with the space after it

    return _STRING_COMMENT_OR_NAME.sub(replace, source), frozenset(applied)


def _convert_name(name: str) -> tuple[str | None, str]:
    """Return the rule that applies to a name, if there is one, and the name that it makes."""
    if name in _DROPPED:
        return name, ""
    if name in REPLACEMENTS:
        return name, REPLACEMENTS[name]
    bare = name.lstrip("_")
    if bare.startswith(_PREFIX) and bare != _PREFIX:
        return _PREFIX, name.replace(_PREFIX, "", 1)
    return None, name
