"""A runner that makes one test cover both clients: it awaits each step that returns an awaitable."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import pickle
from collections.abc import Callable, Iterator
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
        copied = pickle.loads(pickle.dumps(error))
        assert (type(copied), str(copied), vars(copied)) == (type(error), str(error), vars(error))
        return error

    def make_http_client(self, **options: Any) -> Any:
        """Return an httpx client that this kind of client sends with."""
        return httpx.AsyncClient(**options) if self.asynchronous else httpx.Client(**options)

    def get_class(self, name: str) -> Any:
        """Return the public class of that name for this kind of client."""
        return getattr(oxen_models, f"Async{name}" if self.asynchronous else name)


def reachable_objects(error: BaseException) -> Iterator[object]:
    """Yield all that a debugger or a crash reporter reaches from an error, except code and its variables."""
    seen: dict[int, object] = {}
    pending: list[object] = [error]
    while pending:
        value = pending.pop()
        if id(value) in seen or isinstance(
            value, TracebackType | FrameType | FunctionType | ModuleType | type
        ):
            continue
        seen[id(value)] = value
        yield value
        pending += gc.get_referents(value)
