"""What the generated calls of a model share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ..request import Request, encoded
from .results import AsyncResult
from .session import AsyncSession

R = TypeVar("R", bound=AsyncResult[Any])


class AsyncStub:
    """The calls of one model."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def _run(
        self,
        request: Request,
        result: type[R],
        extra_body: Mapping[str, object] | None,
        timeout: float | None,
    ) -> R:
        body = encoded(request, extra_body)
        answer = await self._session.post(request.endpoint, body, timeout)
        return result.from_answer(answer, self._session)
