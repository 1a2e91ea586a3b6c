"""JSON responses, and errors as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from oxen_models._runner.requests import describe_estimate
from oxen_models._runner.runner import Plan
from oxen_models._runner.spending import NotConfirmedError
from oxen_models._runtime import errors
from oxen_models._runtime.printable import escape_controls
from starlette.responses import Response


class JSON(Response):
    """A JSON object in ASCII, so that any string of the API is valid in it."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return write_json(content).encode()


class RequestError(Exception):
    """A request of the page is not valid or not possible.

    Args:
        status: The HTTP status of the response.
        kind: The kind of the error.
        message: The description.
    """

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def write_json(value: Any) -> str:
    """Return JSON in ASCII. A decimal is a string without an exponent.

    Raises:
        ValueError: It contains a number that is not finite.
    """
    return json.dumps(value, allow_nan=False, default="{:f}".format)


def respond_error(error: Exception, plan: Plan | None = None) -> JSON:
    """Return the response for an error of a request or of the runner.

    Args:
        error: The error.
        plan: The request that raised it; None without one.
    """
    status, kind = _classify(error)
    described: dict[str, Any] = {"message": str(error), "parameter": None, "kind": kind}
    if isinstance(error, errors.InvalidRequestError):
        described["parameter"] = error.problems[0].parameter
        described["problems"] = _describe_problems(error.problems)
    if isinstance(error, NotConfirmedError) and plan is not None:
        described["estimate"] = describe_estimate(plan.estimate)
    return JSON({"error": described}, status)


def _classify(error: Exception) -> tuple[int, str]:
    """Return the HTTP status and the kind of an error."""
    if isinstance(error, RequestError):
        return error.status, error.kind
    classes: list[tuple[type[Exception], int, str]] = [
        (errors.MissingAPIKeyError, 401, "key"),
        (errors.AuthenticationError, 401, "key"),
        (errors.InvalidRequestError, 422, "invalid"),
        (NotConfirmedError, 409, "confirm"),
        (errors.BudgetExceededError, 402, "budget"),
        (errors.UnpricedRequestError, 402, "budget"),
        (errors.ModelRemovedError, 404, "model"),
        (errors.NotFoundError, 404, "model"),
        (errors.ConfigurationError, 400, "request"),
        (errors.OutcomeUnknownError, 502, "unknown"),
    ]
    return next(((status, kind) for type, status, kind in classes if isinstance(error, type)), (502, "hub"))


def _describe_problems(problems: Sequence[errors.Problem]) -> list[dict[str, str]]:
    return [
        {"parameter": problem.parameter, "message": escape_controls(str(problem))} for problem in problems
    ]
