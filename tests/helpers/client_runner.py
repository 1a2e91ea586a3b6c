"""One test for both clients: a runner that awaits what has to be awaited."""

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

    def __call__(self, *steps: Callable[[Any], Any], api_key: str | None = KEY, **arguments: Any) -> Any:
        """What the last step gives. The first is called with the client, each other with what the one
        before it gave; what is to be awaited is awaited."""
        if self.asynchronous:
            return asyncio.run(self._awaited(steps, api_key, arguments))
        with Oxen(api_key, **arguments) as client:
            return functools.reduce(lambda value, step: step(value), steps, client)

    async def _awaited(
        self, steps: tuple[Callable[[Any], Any], ...], api_key: str | None, arguments: dict[str, Any]
    ) -> Any:
        async with AsyncOxen(api_key, **arguments) as client:
            value: Any = client
            for step in steps:
                value = step(value)
                if inspect.isawaitable(value):
                    value = await value
            return value

    def failure(self, kind: Any, *steps: Callable[[Any], Any], **arguments: Any) -> Any:
        """The error of a call; whatever it is, it tells nobody the key and can go to another process."""
        with pytest.raises(kind) as caught:
            self(*steps, **arguments)
        error = caught.value
        assert isinstance(error, oxen_models.OxenError)
        leaks = [
            each
            for each in reachable_objects(error)
            if isinstance(each, str | bytes) and self.KEY in str(each)
        ]
        assert leaks == []
        copied = pickle.loads(pickle.dumps(error))
        assert (type(copied), str(copied), vars(copied)) == (type(error), str(error), vars(error))
        return error

    def http_client(self, **arguments: Any) -> Any:
        """An httpx client that this kind of client sends with."""
        return httpx.AsyncClient(**arguments) if self.asynchronous else httpx.Client(**arguments)

    def public(self, name: str) -> Any:
        """The class of that name for this kind of client."""
        return getattr(oxen_models, f"Async{name}" if self.asynchronous else name)


def reachable_objects(error: BaseException) -> Iterator[object]:
    """All that a debugger or a crash reporter reaches from an error, apart from code and its variables."""
    seen: dict[int, object] = {}
    todo: list[object] = [error]
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, TracebackType | FrameType | FunctionType | ModuleType | type):
            continue
        seen[id(each)] = each
        yield each
        todo += gc.get_referents(each)
