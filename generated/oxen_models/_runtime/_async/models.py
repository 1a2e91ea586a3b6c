# Copied by oxen-codegen from templates/package/_runtime/_async/models.py. Do not edit.
"""The models that the API lists now."""

from __future__ import annotations

from typing import TypeAlias

from ..hub_models import HubModel, parse_model, parse_models
from ..urls import model_path
from .session import AsyncSessionBound

# The class below has a method named `list`.
_Models: TypeAlias = list[HubModel]


class AsyncModels(AsyncSessionBound):
    """The list of models. Every method raises an `OxenError` if the server returns an error or cannot be
    reached, and a `ConfigurationError` for an id that is not a string, is blank or consists of dots.
    """

    async def list(self, *, developer: str | None = None) -> _Models:
        """Return all models, or those of one developer."""
        query = {} if developer is None else {"developer_name": developer}
        return parse_models(await self._session.get("/models", query))

    async def search(self, text: str) -> _Models:
        """Return the models whose name matches a text."""
        return parse_models(await self._session.get("/models/search", {"search": text}))

    async def get(self, id: str) -> HubModel:
        """Return one model by its id or UUID, with its parameter schema.

        Raises:
            NotFoundError: There is no such model.
        """
        return parse_model(await self._session.get(model_path(id)))

    async def activate(self, id: str) -> HubModel:
        """Start the deployment of a custom model, which is billed from then on."""
        return parse_model(await self._session.post(f"{model_path(id)}/activate", b"{}", None))

    async def deactivate(self, id: str) -> HubModel:
        """Stop the deployment of a custom model."""
        return parse_model(await self._session.post(f"{model_path(id)}/deactivate", b"{}", None))
