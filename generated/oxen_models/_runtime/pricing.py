# Copied by oxen-codegen from templates/package/_runtime/pricing.py. Do not edit.
"""The recorded prices of the models of a package, and estimates from them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from .errors import ConfigurationError
from .schemas import read_model

if TYPE_CHECKING:
    from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate


def validate_dollars(name: str, value: Decimal | int) -> None:
    """Raise unless a value is an exact amount, because a float can be another amount than the one written.

    Raises:
        ConfigurationError: It is not a non-negative `Decimal` or int.
    """
    is_exact = isinstance(value, Decimal | int) and not isinstance(value, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_exact or not Decimal(value).is_finite() or value < 0:
        raise ConfigurationError(f"{name} must be dollars as a Decimal or an int from 0, got {value!r:.40}")


def estimate_body(module: str, body: Mapping[str, Any], count: int = 1) -> Estimate | NoEstimate:
    """Return the estimated cost of a request.

    Args:
        module: A module of the package that has the model.
        body: The body of the request.
        count: The number of results that the request generates.
    """
    from oxen_models._runtime.json_schema.estimates import NoEstimate, estimate_cost

    model_id = str(body.get("model"))
    price = _read_price(module.partition(".")[0], model_id)
    if price is None:
        return NoEstimate(f"the package has no model {model_id!r:.80}")
    return estimate_cost(*price, body, count)


@cache
def _read_price(package: str, model_id: str) -> tuple[object, object] | None:
    """Return the price and the parameter schema of a model; None if the package does not have it."""
    model = read_model(package, model_id)
    return None if model is None else (model.record.get("pricing"), model.request_schema)
