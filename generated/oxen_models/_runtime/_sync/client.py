"""What a client is, apart from its models."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from ..settings import settings
from .session import Session


class Client:
    """A client without models; the generated one has them."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | None = None,
        http_client: httpx.Client | None = None,
    ) -> None:
        self._session = Session(settings(api_key, base_url, timeout), http_client)

    def close(self) -> None:
        """End the connections; an `http_client` that was passed in stays open."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.settings.base_url}>"
