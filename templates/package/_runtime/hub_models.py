"""How to read what the hub says of its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .errors import UnexpectedResponseError
from .values import text


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model as the hub describes it now. Source: GET /models.

    What was known when the package was generated is in `oxen_models.catalog`.
    """

    id: str
    display_name: str
    """The name for people."""
    description: str | None = field(repr=False)
    model_type: str | None
    """base, or custom for a fine-tuned model."""
    owned_by: str | None
    """oxen, or the namespace that it belongs to."""
    endpoint: str | None
    """Its endpoint, as the hub spells it."""
    inputs: tuple[str, ...]
    """The media it takes: text, image, video, audio."""
    outputs: tuple[str, ...]
    """The media it gives."""
    deployments: tuple[str, ...]
    """The status of each deployment: active, inactive, deploying, deactivating, error or unknown."""
    request_schema: Mapping[str, Any] | None = field(repr=False)
    """The JSON Schema of its parameters; None where the hub publishes none."""
    answer: Mapping[str, Any] = field(repr=False)
    """The hub's whole answer, with the pricing."""


def hub_model(answer: Mapping[str, Any]) -> HubModel:
    """A model as the hub writes it.

    Raises:
        UnexpectedResponseError: It is not a model.
    """
    wrapped = answer.get("data")
    told = wrapped if is_object(wrapped) else answer
    id = text(told, "id") or text(told, "name")
    if id is None:
        raise UnexpectedResponseError(
            f"the hub's answer is no model; it has: {', '.join(told)[:300] or 'nothing'}"
        )
    schema = schema_of(told)
    deployments = told.get("deployments")
    return HubModel(
        id,
        text(told, "display_name") or id,
        text(told, "description") or text(told, "summary"),
        text(told, "model_type"),
        text(told, "owned_by"),
        text(told, "endpoint"),
        _media(told, "input"),
        _media(told, "output"),
        tuple(
            text(each, "status") or "unknown"
            for each in (deployments if is_list(deployments) else [])
            if is_object(each)
        ),
        schema if is_object(schema) else None,
        told,
    )


def schema_of(answer: Mapping[str, Any]) -> object:
    """The parameter schema of a model, unchecked; None where it has none."""
    schema = answer.get("json_request_schema")
    return answer.get("request_schema") if schema is None else schema


def hub_models(answer: Mapping[str, Any]) -> list[HubModel]:
    """The models of a list.

    Raises:
        UnexpectedResponseError: It is not one.
    """
    items = answer.get("data", answer.get("models"))
    if not is_list(items):
        raise UnexpectedResponseError("the hub's answer is not a list of models")
    return [hub_model(item) for item in items if is_object(item)]


def _media(answer: Mapping[str, Any], side: str) -> tuple[str, ...]:
    capabilities = answer.get("capabilities")
    media = capabilities.get(side) if is_object(capabilities) else None
    return tuple(each for each in (media if is_list(media) else []) if isinstance(each, str))
