# Copied by oxen-codegen from templates/package/_runtime/schemas.py. Do not edit.
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
    """Return the parameter schema of a model, as the API published it when the package was generated.

    Its date and its digest are `changed` and `schema_digest` in the catalogue. It does not include
    `response_format` and `target_namespace`, which every model accepts.

    Raises:
        KeyError: The package does not include the model, or the API published no schema for it.
    """
    return read_schema(__name__, id)


def read_schema(module: str, id: str) -> dict[str, Any]:
    """Return the parameter schema of a model from the package of a module. Raises as `schema` does."""
    file = _list_files(module.partition(".")[0]).get(id)
    if file is None:
        raise KeyError(f"no model {id!r} in the package")
    # Read on every call, because the caller may modify the result.
    parameters = _read_model(file).request_schema
    if parameters is None:
        raise KeyError(f"the API published no parameter schema for {id!r}")
    return dict(parameters)


@cache
def _list_files(package: str) -> dict[str, Traversable]:
    spec = getattr(sys.modules[package], "__spec__", None)
    if spec is None or spec.submodule_search_locations is None:  # not a package, but a script
        return {}
    folder = files(package).joinpath("schemas")
    if not folder.is_dir():
        return {}
    return {_read_model(file).id: file for file in folder.iterdir() if file.name.endswith(".json")}


def _read_model(file: Traversable) -> HubModel:
    return parse_model_record(json.loads(file.read_bytes()))
