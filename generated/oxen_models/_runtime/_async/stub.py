"""The base of the generated calls of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from ..advice import advise
from ..errors import OxenError
from ..media import is_read
from ..request import SomeRequest, checked, class_of, encoded, queued
from .effects import run_blocking
from .job import AsyncJob, enqueue
from .results import AsyncResult, result_of
from .session import AsyncPart

P = ParamSpec("P")
Q = TypeVar("Q")
R = TypeVar("R", bound=AsyncResult[Any])


class AsyncStub(AsyncPart):
    """The calls of one model."""

    async def _checked(self, request: Callable[P, Q], *args: P.args, **parameters: P.kwargs) -> Q:
        if any(map(is_read, parameters.values())):
            return await run_blocking(lambda: checked(request, *args, **parameters))
        return checked(request, *args, **parameters)

    async def _run(
        self,
        request: SomeRequest,
        result: type[R],
        extra_body: Mapping[str, object] | None,
        extra_headers: Mapping[str, str] | None,
        timeout: float | None,
    ) -> R:
        body = encoded(request, extra_body)
        try:
            response = await self._session.post(request.endpoint, body, timeout, extra_headers)
        except OxenError as error:
            advise(error, class_of(request))
            raise
        return result_of(result, response.json, self._session)

    async def _submit(
        self,
        request: SomeRequest,
        result: type[R],
        target_repo: str | None,
        target_directory: str | None,
        extra_body: Mapping[str, object] | None,
        extra_headers: Mapping[str, str] | None,
        num_generations: int = 1,
    ) -> list[AsyncJob[R]]:
        body = queued(request, num_generations, target_repo, target_directory, extra_body)
        return await enqueue(self._session, body, result, extra_headers, class_of(request))
