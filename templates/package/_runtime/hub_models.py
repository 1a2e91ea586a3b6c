"""Models as the API describes them. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .errors import UnexpectedResponseError
from .responses import Response
from .values import text


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model as the API describes it now. Source: GET /models.

    `oxen_models.catalog` describes the models at the time when the package was generated.
    """

    id: str
    display_name: str
    """The name for display."""
    description: str | None = field(repr=False)
    model_type: str | None
    """base, or custom for a fine-tuned model."""
    owned_by: str | None
    """oxen, or the namespace of the owner."""
    endpoint: str | None
    """The endpoint, as the API writes it."""
    inputs: tuple[str, ...]
    """The kinds of input: text, image, video, audio."""
    outputs: tuple[str, ...]
    """The kinds of output."""
    deployments: tuple[str, ...]
    """The status of each deployment: active, inactive, deploying, deactivating, error or unknown."""
    request_schema: Mapping[str, Any] | None = field(repr=False)
    """The JSON Schema of the parameters; None if the API does not publish one."""
    record: Mapping[str, Any] = field(repr=False)
    """The record as received, with the pricing."""


def parse_model(response: Response) -> HubModel:
    """Return the model in a response.

    Raises:
        UnexpectedResponseError: The response does not contain a model.
    """
    wrapped = response.json.get("data")
    return parse_model_record(wrapped if is_object(wrapped) else response.json, response)


def parse_models(response: Response) -> list[HubModel]:
    """Return the models in a response.

    Raises:
        UnexpectedResponseError: The response does not contain a list of models.
    """
    records = response.json.get("data", response.json.get("models"))
    if not is_list(records):
        raise UnexpectedResponseError("the response has no list of models", response=response)
    return [parse_model_record(record, response) for record in records if is_object(record)]


def check_id(model: HubModel, id: str, response: Response) -> HubModel:
    """Return a model if `id` is its id, its name or its UUID.

    Raises:
        UnexpectedResponseError: It is another model.
    """
    names = (model.id, *(text(model.record, key) for key in ("name", "uuid", "model_id")))
    if id.lower() not in {name.lower() for name in names if name}:
        raise UnexpectedResponseError(
            f"the response is the record of another model: {model.id!r:.80}, expected {id!r:.80}",
            response=response,
        )
    return model


def find_schema(record: Mapping[str, Any]) -> object:
    """Return the parameter schema in the record of a model, without validating it; None without one."""
    schema = record.get("json_request_schema")
    return record.get("request_schema") if schema is None else schema


def parse_model_record(record: Mapping[str, Any], response: Response | None = None) -> HubModel:
    """Return the model in a record.

    Args:
        record: The record.
        response: The response that contains it, for the error; None if there is none.

    Raises:
        UnexpectedResponseError: It is not the record of a model.
    """
    id = text(record, "id") or text(record, "name")
    if id is None:
        names = ", ".join(record)[:300] or "nothing"
        raise UnexpectedResponseError(f"the response has no model; it has: {names}", response=response)
    schema = find_schema(record)
    deployments = record.get("deployments")
    return HubModel(
        id,
        text(record, "display_name") or id,
        text(record, "description") or text(record, "summary"),
        text(record, "model_type"),
        text(record, "owned_by"),
        text(record, "endpoint"),
        _capabilities(record, "input"),
        _capabilities(record, "output"),
        tuple(
            text(deployment, "status") or "unknown"
            for deployment in (deployments if is_list(deployments) else [])
            if is_object(deployment)
        ),
        schema if is_object(schema) else None,
        record,
    )


def _capabilities(record: Mapping[str, Any], side: str) -> tuple[str, ...]:
    capabilities = record.get("capabilities")
    media = capabilities.get(side) if is_object(capabilities) else None
    return tuple(kind for kind in (media if is_list(media) else []) if isinstance(kind, str))
