"""The parameter schemas that a package was generated from."""

from __future__ import annotations

import json
import re
import sys
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from oxen_models._runtime.suggestions import suggest_similar

from .hub_models import HubModel, parse_model_record

# An id whose file has its name on every file system.
_PLAIN_ID = re.compile(r"[a-z0-9_-]{1,200}")


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
    model = read_model(module, id)
    if model is None:
        similar = suggest_similar(str(id), _list_files(module.partition(".")[0]))
        raise KeyError(f"no model {id!r:.80} in the package{similar}")
    if model.request_schema is None:
        raise KeyError(f"the API published no parameter schema for {id!r}")
    return dict(model.request_schema)


def read_model(module: str, id: str) -> HubModel | None:
    """Return the recorded model from the package of a module; None if the package does not have it.

    It is read on every call, because the caller may modify the result.
    """
    package = module.partition(".")[0]
    folder = _find_folder(package)
    if folder is None:
        return None
    # Most files have the name of their model, and reading the others takes a hundred times as long.
    if not isinstance(id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        return None
    if _PLAIN_ID.fullmatch(id) and (file := folder.joinpath(f"{id}.json")).is_file():
        model = _read_file(file)
        if model.id == id:
            return model
    listed = _list_files(package).get(id)
    return None if listed is None else _read_file(listed)


def _find_folder(package: str) -> Traversable | None:
    """Return the folder of recorded models of a package; None without one."""
    spec = getattr(sys.modules[package], "__spec__", None)
    if spec is None or spec.submodule_search_locations is None:  # not a package, but a script
        return None
    folder = files(package).joinpath("schemas")
    return folder if folder.is_dir() else None


@cache
def _list_files(package: str) -> dict[str, Traversable]:
    folder = _find_folder(package)
    found = [] if folder is None else [file for file in folder.iterdir() if file.name.endswith(".json")]
    return {_read_file(file).id: file for file in found}


def _read_file(file: Traversable) -> HubModel:
    return parse_model_record(json.loads(file.read_bytes()))
