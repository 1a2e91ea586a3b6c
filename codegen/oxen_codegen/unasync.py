"""Derive synchronous code from asynchronous code, token by token.

Strings, docstrings and comments are kept as they are.
"""

from __future__ import annotations

import ast
import io
import tokenize
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


class Unasync:
    """Derives synchronous modules, and records which rules applied, to find rules without effect."""

    def __init__(self) -> None:
        self._applied: set[str] = set()

    def convert(self, source: str) -> str:
        """Return the synchronous form of a module.

        Raises:
            SyntaxError: `source` is not valid Python.
        """
        try:
            converted, applied = _convert(source)
        except tokenize.TokenError:
            ast.parse(source)  # raises a SyntaxError with the line
            raise
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
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    converted: list[str] = []
    applied: set[str] = set()
    end = 0
    depth = 0  # of f-strings, which are several tokens from Python 3.12 on
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        depth += (kind == "FSTRING_START") - (kind == "FSTRING_END")
        if kind != "NAME" or depth:
            continue
        rule, name = _convert_name(token.string)
        if rule is None:
            continue
        applied.add(rule)
        start = starts[token.start[0] - 1] + token.start[1]
        converted.append(source[end:start] + name)
        end = start + len(token.string)
        if not name:
            end += 1  # the space after a dropped keyword
    return "".join([*converted, source[end:]]), frozenset(applied)


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
