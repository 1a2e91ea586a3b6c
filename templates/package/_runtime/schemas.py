"""The parameter schemas that a package was generated from."""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from .hub_models import HubModel, parse_model_record


def schema(id: str) -> dict[str, Any]:
    """The parameter schema of a model, as the hub published it when the package was generated.

    Its day and its digest are `changed` and `schema_digest` in the catalogue. It lacks
    `response_format` and `target_namespace`, which every model takes.

    Raises:
        KeyError: The package does not know the model, or the hub published no schema for it.
    """
    return recorded(__name__, id)


def recorded(module: str, id: str) -> dict[str, Any]:
    """As `schema`, in the package that a module belongs to."""
    found = _files(module.partition(".")[0]).get(id)
    if found is None:
        raise KeyError(f"no model {id!r} in the package")
    # Read anew each time, so that nobody changes what others get.
    parameters = _read(found).request_schema
    if parameters is None:
        raise KeyError(f"the hub published no parameter schema for {id!r}")
    return dict(parameters)


@cache
def _files(package: str) -> dict[str, Traversable]:
    spec = getattr(sys.modules[package], "__spec__", None)
    if spec is None or spec.submodule_search_locations is None:  # a script of somebody's own
        return {}
    folder = files(package).joinpath("schemas")
    if not folder.is_dir():
        return {}
    return {_read(file).id: file for file in folder.iterdir() if file.name.endswith(".json")}


def _read(file: Traversable) -> HubModel:
    return parse_model_record(json.loads(file.read_bytes()))
