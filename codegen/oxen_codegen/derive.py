"""Synchronous code from asynchronous code, by token.

Strings, docstrings and comments are not tokens of the language and stay as they are.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter

from .diagnostics import CodegenError

REPLACED = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "aiter_sse": "iter_sse",
    "aclosing": "closing",
}
_DROPPED = frozenset({"async", "await"})
_PREFIX = "Async"


class Derivation:
    """Derives sync from async and counts what fired, so that a rule that matches nothing is found."""

    def __init__(self) -> None:
        self._fired: Counter[str] = Counter()

    def sync(self, source: str) -> str:
        """The synchronous twin of a module or a class.

        Raises:
            SyntaxError: `source` is not Python.
        """
        try:
            return self._sync(source)
        except tokenize.TokenError:
            ast.parse(source)  # says more, and where
            raise

    def _sync(self, source: str) -> str:
        lines = source.splitlines(keepends=True)
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line))
        derived: list[str] = []
        end = 0
        strings = 0  # that the token is in: from Python 3.12 on, an f-string is many tokens
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            kind = tokenize.tok_name[token.type]
            strings += (kind == "FSTRING_START") - (kind == "FSTRING_END")
            if kind != "NAME" or strings:
                continue
            name = self._name(token.string)
            if name == token.string:
                continue
            start = starts[token.start[0] - 1] + token.start[1]
            derived.append(source[end:start] + name)
            end = start + len(token.string)
            if not name:
                end += 1  # the space behind a dropped keyword
        return "".join([*derived, source[end:]])

    def check_all_fired(self) -> None:
        """Raises: CodegenError: A rule matched nothing in all that was derived."""
        silent = sorted({*REPLACED, *_DROPPED, _PREFIX} - self._fired.keys())
        if silent:
            raise CodegenError(
                f"derive: no source has {', '.join(silent)}: drop the rule or mend the template"
            )

    def _name(self, name: str) -> str:
        if name in _DROPPED:
            self._fired[name] += 1
            return ""
        if name in REPLACED:
            self._fired[name] += 1
            return REPLACED[name]
        bare = name.lstrip("_")
        if bare.startswith(_PREFIX) and bare != _PREFIX:
            self._fired[_PREFIX] += 1
            return name.replace(_PREFIX, "", 1)
        return name
