"""What a client is, apart from its models."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from ..settings import settings
from .session import AsyncSession


class AsyncClient:
    """A client without models; the generated one has them."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._session = AsyncSession(settings(api_key, base_url, timeout), http_client)

    async def aclose(self) -> None:
        """End the connections; an `http_client` that was passed in stays open."""
        await self._session.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.settings.base_url}>"
