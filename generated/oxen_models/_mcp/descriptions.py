# Copied by oxen-codegen from templates/package/_mcp/descriptions.py. Do not edit.
"""Models and jobs as JSON for an agent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from oxen_models import catalog
from oxen_models._runner.examples import create_example
from oxen_models._runner.models import Parameter, RunnableModel
from oxen_models._runner.requests import check_operation
from oxen_models._runner.runner import JobReport
from oxen_models._runtime.errors import ConfigurationError, JobNotFound, JobTimeout
from oxen_models._runtime.generations import FINAL_STATUSES, Generation
from oxen_models._runtime.hub_models import HubModel
from oxen_models._runtime.json_schema.json_types import is_object
from oxen_models._runtime.json_schema.media_kinds import KINDS
from oxen_models._runtime.json_schema.prices import describe_price, format_amount, format_range
from oxen_models._runtime.suggestions import suggest_similar

_FAMILIES = ("images", "videos", "audio")
# Keywords for forms, which do not limit accepted values.
_FORM_KEYWORDS = frozenset({"title", "renderType"})


def find_recorded(query: str, limit: int, max_price: float | None, **filters: Any) -> dict[str, Any]:
    """Return models of the package that match all words and filters.

    Args:
        query: The words.
        limit: The number of models that are described.
        max_price: Dollars for default values; None for any.
        filters: Further filters of the catalogue.
    """
    price = None if max_price is None else Decimal(str(max_price))
    found = [
        model
        for model in catalog.models(search=query, max_price=price, **filters)
        if model.family in _FAMILIES
    ]
    described = [
        {
            "id": model.id,
            "summary": model.summary,
            "developer": model.developer,
            "tasks": model.tasks,
            "price": model.price or "not known",
            "default_cost": _describe_range(model.default_cost),
        }
        for model in found[:limit]
    ]
    hint = "no model has all words and properties: omit words, or search with live for new models"
    return {"models": described, **_describe_rest(len(found), limit, hint)}


def describe_listed(models: Collection[HubModel], limit: int) -> dict[str, Any]:
    """Return models that the server lists now."""
    found = [model for model in models if set(KINDS) & set(model.outputs)]
    described = [
        {
            "id": model.id,
            "summary": model.description,
            "inputs": model.inputs,
            "outputs": model.outputs,
            "price": describe_price(model.record.get("pricing")) or "not known",
        }
        for model in found[:limit]
    ]
    hint = "the server lists no model with all words: omit words"
    return {"models": described, **_describe_rest(len(found), limit, hint)}


def describe_model(model: RunnableModel, only: Collection[str]) -> dict[str, Any]:
    """Return what an agent needs to call a model.

    Args:
        model: The model.
        only: The names of the parameters that are described; all if it is empty.

    Raises:
        ConfigurationError: The model generates no media, or `only` has a name that is not a parameter.
    """
    check_operation(model)
    known = {parameter.name: parameter for parameter in model.parameters}
    for name in only:
        if name not in known:
            suggestion = suggest_similar(name, known)
            raise ConfigurationError(f"{model.id} has no parameter {name!r:.80}{suggestion}")
    raw = (model.model.request_schema or {}).get("properties")
    schemas: Mapping[str, Any] = raw if is_object(raw) else {}
    shown = [
        parameter
        for parameter in model.parameters
        if (parameter.name in only if only else not parameter.is_hidden)
    ]
    return {
        "id": model.id,
        "name": model.model.display_name,
        "description": model.model.description,
        "inputs": model.model.inputs,
        "outputs": model.model.outputs,
        "price": describe_price(model.model.record.get("pricing")) or "not known",
        "in_package": model.is_recorded,
        "required": [parameter.name for parameter in shown if parameter.is_required],
        "example": {"model": model.id, "parameters": create_example(model)},
        "parameters": {
            parameter.name: _describe_parameter(parameter, schemas.get(parameter.name)) for parameter in shown
        },
    }


def _describe_parameter(parameter: Parameter, schema: object) -> dict[str, Any]:
    described = (
        {
            key: value
            for key, value in schema.items()
            if key not in _FORM_KEYWORDS and not key.startswith("x-")
        }
        if is_object(schema)
        else {"description": parameter.description, **parameter.node}
    )
    return {**described, "media": parameter.media} if parameter.media else described


def _describe_range(cost: tuple[Decimal, Decimal] | None) -> str | None:
    return None if cost is None else format_range(*cost)


def _describe_rest(total: int, limit: int, hint: str) -> dict[str, Any]:
    if total == 0:
        return {"more": hint}
    if total > limit:
        return {"more": f"{total - limit} of {total} models: add words or filters, or raise limit"}
    return {}


def describe_report(report: JobReport) -> dict[str, Any]:
    """Return a job with its files, and what to do if it has not ended or its files are not saved."""
    described: dict[str, Any] = {"job_id": report.job_id, "model": report.model, "status": report.status}
    if report.files:
        described["files"] = [str(file.path) for file in report.files]
    if report.urls:
        described["urls_that_expire"] = report.urls
    if report.cost is not None:
        described["cost"] = format_amount(report.cost)
    if report.error is not None:
        described["wait" if isinstance(report.error, JobTimeout) else "error"] = str(report.error)
    is_saved = bool(report.files) and report.error is None
    is_complete = is_saved if report.status == "succeeded" else report.status in FINAL_STATUSES
    if not is_complete and not isinstance(report.error, JobNotFound):
        described["next"] = "call get_job with wait_seconds"
    return described


def describe_generation(generation: Generation) -> dict[str, Any]:
    """Return a job of the history."""
    enqueued = generation.enqueued_at
    return {
        "job_id": generation.generation_id,
        "model": generation.model,
        "status": generation.status,
        "prompt": generation.prompt,
        "cost": None if generation.cost is None else format_amount(generation.cost),
        "error": generation.error,
        "enqueued_at": None if enqueued is None else datetime.fromtimestamp(enqueued, UTC).isoformat(),
    }
