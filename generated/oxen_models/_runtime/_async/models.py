"""The hub's models as they are now."""

from __future__ import annotations

from typing import TypeAlias

from ..hub_models import HubModel, hub_model, hub_models
from ..ids import model_path
from .session import AsyncPart

# A method below is called `list`.
_Models: TypeAlias = list[HubModel]


class AsyncModels(AsyncPart):
    """The hub's list of models. Every call raises an `OxenError` if the hub refuses or fails, and a
    `ConfigurationError` for an id that is not a string, is empty or consists of dots.
    """

    async def list(self, *, developer: str | None = None) -> _Models:
        """All models, or those of one developer."""
        query = {} if developer is None else {"developer_name": developer}
        return hub_models((await self._session.get("/models", query)).json)

    async def search(self, text: str) -> _Models:
        """Models by their name."""
        return hub_models((await self._session.get("/models/search", {"search": text})).json)

    async def get(self, id: str) -> HubModel:
        """One model by its id or UUID, with its parameter schema.

        Raises:
            NotFoundError: The hub has no such model.
        """
        return hub_model((await self._session.get(model_path(id))).json)

    async def activate(self, id: str) -> HubModel:
        """Start the deployment of a custom model, which costs money from then on."""
        return hub_model((await self._session.post(f"{model_path(id)}/activate", b"{}", None)).json)

    async def deactivate(self, id: str) -> HubModel:
        """Stop the deployment of a custom model."""
        return hub_model((await self._session.post(f"{model_path(id)}/deactivate", b"{}", None)).json)
