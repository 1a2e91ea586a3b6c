"""Calls that give the hub's own answer, too: one class per verb, with the call's own signature."""

from __future__ import annotations

from typing import Generic, ParamSpec, Self, TypeVar

from ..raw import RawResponse, capturing
from .effects import Method

P = ParamSpec("P")
R = TypeVar("R")


class AsyncRaw(Generic[P, R]):
    """A call of a model; as an attribute of its class, it is bound like a method."""

    def __init__(self, call: Method[P, R], stub: object = None) -> None:
        self._call = call
        self._stub = stub

    def __get__(self, stub: object, owner: object = None) -> Self:
        return type(self)(self._call, stub)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._stub!r}>"

    async def _captured(self, *args: P.args, **kwargs: P.kwargs) -> RawResponse[R]:
        with capturing() as captured:
            result = await self._call(self._stub, *args, **kwargs)
        return captured.beside(result)


class AsyncRawEdit(AsyncRaw[P, R]):
    """The call `edit`, with status, headers and content of the answer."""

    async def edit(self, *args: P.args, **kwargs: P.kwargs) -> RawResponse[R]:
        """As `edit` of the model; `parse()` gives its result."""
        return await self._captured(*args, **kwargs)


class AsyncRawGenerate(AsyncRaw[P, R]):
    """The call `generate`, with status, headers and content of the answer."""

    async def generate(self, *args: P.args, **kwargs: P.kwargs) -> RawResponse[R]:
        """As `generate` of the model; `parse()` gives its result."""
        return await self._captured(*args, **kwargs)


class AsyncRawSpeak(AsyncRaw[P, R]):
    """The call `speak`, with status, headers and content of the answer."""

    async def speak(self, *args: P.args, **kwargs: P.kwargs) -> RawResponse[R]:
        """As `speak` of the model; `parse()` gives its result."""
        return await self._captured(*args, **kwargs)
