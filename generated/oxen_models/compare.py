# Copied by oxen-codegen from templates/package/compare.py. Do not edit.
"""Compare models: the same parameters in the terms of each of them.

>>> from oxen_models import compare
>>> plan = compare.plan(["flux-1-dev", "krea-2-raw"], prompt="A lighthouse", aspect_ratio="1:1")
>>> print(plan)

`oxen.compare` sends the requests of a plan. Nothing in this module sends anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from oxen_models import catalog
from oxen_models._runtime._async.comparison import AsyncComparedModel, AsyncComparison
from oxen_models._runtime._sync.comparison import ComparedModel, Comparison
from oxen_models._runtime.adaptation import Adaptation, Conversion, Omission
from oxen_models._runtime.aliases import ALIASES, Alias, AliasKind
from oxen_models._runtime.comparison import (
    ComparisonTask,
    Plan,
    PlannedRequest,
    adapt_to_model,
    create_plan,
    find_model,
)


def plan(models: Iterable[str | catalog.ModelInfo], **parameters: Any) -> Plan:
    """Return the requests of a comparison, with the estimated costs. Reads files, and sends nothing.

    Args:
        models: The models, or their ids. They make images or videos. With an image, each must accept one, and
            without an image, none may require one.
        parameters: The parameters by the common names in `ALIASES`, or by the name in any of the models:
            `prompt`, `image`, `aspect_ratio`, `resolution`, `duration`, `seed` and others. They are adapted
            to each model. A string for a file is a URL or a path. None is omitted.

    Raises:
        ConfigurationError: A model or a parameter does not exist, the models have different tasks, or a
            parameter that a model requires is missing.
        InvalidRequestError: A model does not accept a value.
    """
    return create_plan(catalog.models(), models, parameters)


def adapt(model: str, parameters: Mapping[str, Any]) -> Adaptation:
    """Return parameters in the terms of a model, without validating the request.

    Args:
        model: The id of the model.
        parameters: The parameters by the common names in `ALIASES`, or by the name in any model.

    Raises:
        ConfigurationError: The model does not exist or has no parameter schema, or two names stand for the
            same parameter.
    """
    return adapt_to_model(find_model(catalog.models(), model), parameters)


__all__ = [
    "ALIASES",
    "Adaptation",
    "Alias",
    "AliasKind",
    "AsyncComparedModel",
    "AsyncComparison",
    "ComparedModel",
    "Comparison",
    "ComparisonTask",
    "Conversion",
    "Omission",
    "Plan",
    "PlannedRequest",
    "adapt",
    "plan",
]
