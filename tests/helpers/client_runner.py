"""A runner that makes one test cover both clients: it awaits each step that returns an awaitable."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import walk_tb
from types import FrameType, FunctionType, ModuleType, TracebackType
from typing import Any

import httpx
import oxen_models
import pytest
from oxen_models import AsyncOxen, Oxen


class ClientRunner:
    """Calls a client of either kind the same way, so that one test covers both."""

    KEY = "k3y-of-the-caller"

    def __init__(self, asynchronous: bool) -> None:
        self.asynchronous = asynchronous

    def __call__(self, *steps: Callable[[Any], Any], api_key: str | None = KEY, **options: Any) -> Any:
        """Return the result of the last step.

        The first step is called with a client made with `options`, every other one with the previous result.
        """
        if self.asynchronous:
            return asyncio.run(self._run_async(steps, api_key, options))
        with Oxen(api_key, **options) as client:
            return functools.reduce(lambda value, step: step(value), steps, client)

    async def _run_async(
        self, steps: tuple[Callable[[Any], Any], ...], api_key: str | None, options: dict[str, Any]
    ) -> Any:
        async with AsyncOxen(api_key, **options) as client:
            value: Any = client
            for step in steps:
                value = step(value)
                if inspect.isawaitable(value):
                    value = await value
            return value

    def expect_error(self, kind: Any, *steps: Callable[[Any], Any], **options: Any) -> Any:
        """Return the error of a call, and check that it holds no API key and can be pickled."""
        with pytest.raises(kind) as caught:
            self(*steps, **options)
        error = caught.value
        assert isinstance(error, oxen_models.OxenError)
        leaks = [
            value
            for value in reachable_objects(error)
            if isinstance(value, str | bytes) and self.KEY in str(value)
        ]
        assert leaks == []
        assert find_in_variables(error, self.KEY) == []
        copied = pickle.loads(pickle.dumps(error))
        assert (type(copied), str(copied), vars(copied)) == (type(error), str(error), vars(error))
        return error

    def make_http_client(self, **options: Any) -> Any:
        """Return an httpx client that this kind of client sends with."""
        return httpx.AsyncClient(**options) if self.asynchronous else httpx.Client(**options)

    def get_class(self, name: str) -> Any:
        """Return the public class of that name for this kind of client."""
        return getattr(oxen_models, f"Async{name}" if self.asynchronous else name)


_TESTS = str(Path(__file__).parents[1]) + os.sep


def find_in_variables(error: BaseException, text: str) -> list[str]:
    """Return the variables in the tracebacks of an error, outside of the tests, whose `repr` has a text."""
    errors, found, seen = [error], list[str](), set[int]()
    for current in errors:
        causes = (current.__cause__, current.__context__)
        errors += [cause for cause in causes if cause is not None and cause not in errors]
        for frame, line in walk_tb(current.__traceback__):
            found += find_in_frame(frame, line, text, seen)
    return found


def find_in_frame(frame: FrameType, line: int, text: str, seen: set[int]) -> list[str]:
    """Return the variables of a frame, unless it is of the tests, whose `repr` or attributes have a text.

    Args:
        frame: The frame, which keeps its variables alive.
        line: Its line, for the result.
        text: What to search for.
        seen: The `id` of each value that was searched in another frame, which is skipped; values are added.
    """
    file = frame.f_code.co_filename
    if file.startswith(_TESTS):
        return []
    shown = {name: value for name, value in frame.f_locals.items() if id(value) not in seen}
    seen.update(map(id, shown.values()))
    return [f"{file}:{line}: {name}" for name, value in shown.items() if _contains(value, text)]


def _contains(value: object, text: str) -> bool:
    if isinstance(value, str):
        return text in value
    if isinstance(value, bytes):  # of large media, whose `repr` would take most of a test's time
        return text.encode() in value
    return text in _safe_repr([value, getattr(value, "__dict__", None)])


def _safe_repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # of a client whose creation failed, or of a value of the test
        return ""


_CODE = (TracebackType, FrameType, FunctionType, ModuleType, type)


def reachable_objects(root: object) -> Iterator[object]:
    """Yield all that a debugger or a crash reporter reaches from an object, except code and its variables."""
    seen: dict[int, object] = {}
    pending = [root]
    while pending:
        value = pending.pop()
        if id(value) in seen or isinstance(value, _CODE):
            continue
        seen[id(value)] = value
        yield value
        pending += gc.get_referents(value)
