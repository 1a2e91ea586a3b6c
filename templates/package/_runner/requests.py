"""Build the validated request of a call from values by the names of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from oxen_models._runtime.errors import ConfigurationError, InvalidRequestError, Problem
from oxen_models._runtime.extras import describe_missing_extra
from oxen_models._runtime.fields import map_wire_names
from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate, estimate_cost
from oxen_models._runtime.request import Request, RequestLike, body_with_media
from oxen_models._runtime.validation_errors import LEAVE_OUT, suggest
from oxen_models._runtime.values import shorten

from .models import RunnableModel


def check_operation(model: RunnableModel) -> None:
    """Raise if a model has no call that generates media.

    Raises:
        ConfigurationError: It has none.
    """
    operation = model.operation
    if operation is None or operation.result is None:
        kind = (
            "the kind of its result is unknown" if operation is None else f"it is a {operation.family} model"
        )
        raise ConfigurationError(f"{model.id} generates no media: {kind}")


def build_request(model: RunnableModel, values: Mapping[str, Any]) -> RequestLike:
    """Return the request. Files are read.

    Args:
        model: The model.
        values: Parameters by the names of the API. A string for a medium is a URL or a path.

    Raises:
        ConfigurationError: The model has no call that generates media, or an extra is not installed.
        InvalidRequestError: A value does not match the schema.
    """
    check_operation(model)
    try:
        return _build(model, values)
    except InvalidRequestError as error:
        # Values of a runner are not those of a program, which has OMIT.
        problems = (
            replace(problem, suggestion="leave the parameter out")
            if problem.suggestion == LEAVE_OUT
            else problem
            for problem in error.problems
        )
        raise InvalidRequestError(error.model_id, tuple(problems)) from None


def _build(model: RunnableModel, values: Mapping[str, Any]) -> RequestLike:
    if model.is_recorded and model.node is not None:
        return _build_typed(model.id, values)
    try:
        from oxen_models._runtime.dynamic import DynamicSchema
    except ImportError:
        raise ConfigurationError(
            describe_missing_extra("a model that is not in the package", "jsonschema", "dynamic")
        ) from None
    return DynamicSchema(model.id, model.model).build_request(values)


def estimate_request(model: RunnableModel, request: RequestLike, count: int) -> Estimate | NoEstimate:
    """Return the estimated cost of a request that is submitted `count` times, from the price of the model."""
    pricing = model.model.record.get("pricing")
    return estimate_cost(pricing, model.model.request_schema, body_with_media(request), count)


def describe_estimate(estimate: Estimate | NoEstimate) -> dict[str, str]:
    """Return an estimate as JSON: the amounts as decimal numbers with their basis, or why there is none."""
    if not estimate:
        return {"reason": estimate.reason}
    low, high = f"{estimate.low:f}", f"{estimate.high:f}"
    return {"low": low, "high": high, "currency": estimate.currency, "basis": estimate.basis}


def _build_typed(id: str, values: Mapping[str, Any]) -> Request:
    from oxen_models import catalog

    info = catalog.get(id)
    request_class = info.find_request_class()
    assert request_class is not None
    fields = request_class.model_fields
    names = map_wire_names(request_class)
    problems = [
        Problem(name, shorten(value), "is not a parameter of the model", suggest(name, name, "", list(names)))
        for name, value in values.items()
        if name not in names
    ]
    problems += [
        Problem(wire_name, "", "is required")
        for wire_name, name in names.items()
        if fields[name].is_required() and wire_name not in values
    ]
    if problems:
        raise InvalidRequestError(id, tuple(problems))
    return info.request(**{names[name]: value for name, value in values.items()})
