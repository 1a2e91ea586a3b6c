# Derived by oxen-codegen from _runtime/_async/models.py. Do not edit.
"""The models that the API lists now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ..arguments import check_string
from ..context import CallContext
from ..generations import select_filters
from ..hub_models import HubModel, check_id, parse_model, parse_models
from ..urls import model_path
from .session import SessionBound

# The class below has a method named `list`.
_Models: TypeAlias = list[HubModel]

_FILTERS = {"developer": "developer_name", "provider": "provider_name"}


class Models(SessionBound):
    """The list of models. Every method raises an `OxenError` if the server returns an error or cannot be
    reached, and a `ConfigurationError` for an id that is not a string, is blank or consists of dots.

    Reading needs no API key, because the lists are public; a configured key is sent.
    """

    def list(
        self, *, developer: str | None = None, provider: str | None = None, action: str | None = None
    ) -> _Models:
        """Return the models that match all filters.

        Args:
            developer: The name of the developer.
            provider: The name of the provider.
            action: A fine-tuning action that the model supports.

        Raises:
            ConfigurationError: A filter is not a string.
        """
        filters = select_filters(developer=developer, provider=provider, action=action)
        return self._list("/models", {_FILTERS.get(name, name): text for name, text in filters.items()})

    def search(self, text: str) -> _Models:
        """Return the models whose name matches a text.

        Raises:
            ConfigurationError: `text` is not a string.
        """
        check_string("text", text)
        return self._list("/models/search", {"search": text})

    def favorites(self) -> _Models:
        """Return the favorite models of the user.

        Raises:
            AuthenticationError: The server requires an API key, and none is configured.
        """
        return self._list("/models/favorites")

    def featured(self) -> _Models:
        """Return the models that the server features."""
        return self._list("/models/featured")

    def get(self, id: str) -> HubModel:
        """Return one model by its id or UUID, with its parameter schema.

        Raises:
            NotFoundError: There is no such model.
            UnexpectedResponseError: The server returned another model.
        """
        context = CallContext(model_id=id)
        response = self._session.get(model_path(id), context=context, needs_key=False)
        return check_id(parse_model(response), id, response)

    def activate(self, id: str) -> HubModel:
        """Start the deployment of a custom model, which is billed from then on."""
        return parse_model(self._session.post(f"{model_path(id)}/activate", b"{}", None))

    def deactivate(self, id: str) -> HubModel:
        """Stop the deployment of a custom model."""
        return parse_model(self._session.post(f"{model_path(id)}/deactivate", b"{}", None))

    def _list(self, path: str, query: Mapping[str, str] | None = None) -> _Models:
        return parse_models(self._session.get(path, query, needs_key=False))
