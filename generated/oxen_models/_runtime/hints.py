# Copied by oxen-codegen from templates/package/_runtime/hints.py. Do not edit.
"""The hint that the bindings may be out of date, for errors about parameters. Pure functions."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Set
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from oxen_models._runtime.suggestions import find_similar

from .errors import (
    BadRequestError,
    ContentRejectedError,
    InsufficientCreditsError,
    JobFailed,
    OxenError,
    UnprocessableError,
)

if TYPE_CHECKING:
    from .request import Request

# Errors with these words are not about the schema.
_UNRELATED = re.compile(r"file|download|content|polic|safety|moderat|nsfw|flagged", re.IGNORECASE)
# The schemas of the server accept the empty text of a prompt that it rejects with these words.
_EMPTY = re.compile(r"\b(can ?not|must not) be (empty|blank)\b", re.IGNORECASE)
# A failed job has a text and no type of error.
_PARAMETERS = re.compile(
    r"(?<![a-z])param(eter)?s?(?![a-z])|\b(property|properties|arguments?|fields?)\b"
    r"|\bis (required|missing)\b|\bone of\b|\bof type\b|\b(less|greater) than\b"
    r"|\b(m[ai][nx]imum|too (short|long))\b|\b(invalid|unsupported) value\b|\bvalue error\b",
    re.IGNORECASE,
)
# The type of an error that the model's provider returned.
_PROVIDER_TYPE = "model_response_error"
# Parameters of every call, which no schema defines.
_CALL_PARAMETERS = frozenset(
    {"num_generations", "response_format", "target_directory", "target_namespace", "target_repo"}
)


def hint_stale_bindings(
    request_class: type[Request] | None,
    error_class: type[OxenError],
    detail: str,
    error_type: str | None = None,
    *,
    provider_code: str | None = None,
    extra_names: Set[str] = frozenset(),
) -> str | None:
    """Return a hint if the bindings may be older than the schema on the server; None otherwise.

    They may be older if the server or the model's provider rejects a parameter of the model, and not only
    one of `_CALL_PARAMETERS` or `extra_names`.

    Args:
        request_class: The class of the rejected request; None if it is not one of the bindings.
        error_class: The class of the error.
        detail: The server's reason.
        error_type: The server's name for the kind of error.
        provider_code: The provider's code for the error.
        extra_names: The names in the caller's `extra_body`, which the bindings do not have.
    """
    if request_class is None or not is_about_parameters(error_class, detail, error_type, provider_code):
        return None
    from .fields import map_wire_names  # loads pydantic, which a client does not need

    not_own = _CALL_PARAMETERS | extra_names
    own = map_wire_names(request_class).keys() - not_own
    # A name that is neither the call's nor the model's may be new.
    if not _mentions(detail, own) and _mentions(detail, not_own):
        return None
    return (
        f"the bindings may be out of date ({request_class.model_id}{_last_change(request_class)}): "
        f"{_advise(request_class)}"
    )


def hint_similar_model(id: str) -> str | None:
    """Return the question whether another model of the package was meant; None if none is similar."""
    catalog = import_module(f"{__name__.partition('.')[0]}.catalog")
    similar = find_similar(id, (model.id for model in catalog.models() if model.id != id))
    return None if similar is None else f"did you mean {similar!r}?"


def is_about_parameters(
    error_class: type[OxenError],
    detail: str,
    error_type: str | None = None,
    provider_code: str | None = None,
) -> bool:
    """Return whether an error is about a parameter, and not about a file or the content of a prompt."""
    error_type = (error_type or "").lower()
    if issubclass(error_class, ContentRejectedError | InsufficientCreditsError) or _EMPTY.search(detail):
        return False
    if issubclass(error_class, UnprocessableError):
        return not _UNRELATED.search(error_type)
    if issubclass(error_class, BadRequestError) and error_type != _PROVIDER_TYPE:
        return "param" in error_type
    if issubclass(error_class, BadRequestError | JobFailed):
        is_parameter = _PARAMETERS.search(detail) or "param" in (provider_code or "").lower()
        return bool(is_parameter) and not _UNRELATED.search(detail)
    return False


def _mentions(text: str, names: Collection[str]) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names if name)


def _advise(request_class: type[Request]) -> str:
    package = request_class.__module__.partition(".")[0]
    path = getattr(sys.modules.get(package), "__file__", None) or ""
    if {"site-packages", "dist-packages"} & set(Path(path).parts):
        name = package.replace("_", "-")
        return f"install a newer version of {name}; `oxen-codegen diff` shows what changed"
    return "run `oxen-codegen diff` to see what changed"


def _last_change(request_class: type[Request]) -> str:
    try:
        catalog = import_module(f"{request_class.__module__.partition('.')[0]}.catalog")
        changed = catalog.get(request_class.model_id).changed
    except (ImportError, AttributeError, KeyError):  # not a generated class
        return ""
    return f" as of {changed}" if changed else ""
