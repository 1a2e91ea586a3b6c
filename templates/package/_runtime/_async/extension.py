"""What a package of further models stands on, made by `oxen-codegen` in somebody's own project."""

from __future__ import annotations

from ..errors import ConfigurationError
from .client import AsyncClient


class AsyncExtension:
    """Further models, called through a client that is there: one set of connections, one of settings."""

    def __init__(self, client: AsyncClient) -> None:
        # A client of the other kind would fail much later, and without a word that helps.
        if not isinstance(client, AsyncClient):  # pyright: ignore[reportUnnecessaryIsInstance]
            name = type(self).__name__
            kind = "an AsyncOxen" if name.startswith("Async") else "an Oxen"
            raise ConfigurationError(f"{name} takes {kind}, not a value of type {type(client).__name__}")
        self._session = client._session  # pyright: ignore[reportPrivateUsage]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.settings.base_url}>"
