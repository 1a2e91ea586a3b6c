# Copied by oxen-codegen from templates/package/_runtime/hints.py. Do not edit.
"""The hint that the bindings may be out of date, for errors about parameters. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING

from .errors import BadRequestError, JobFailed, OxenError, UnprocessableError

if TYPE_CHECKING:
    from .request import Request

# Errors with these words are not about the schema.
_UNRELATED = re.compile(r"file|download|content|polic|safety|moderat|nsfw|flagged", re.IGNORECASE)
# A failed job has a text and no type of error.
_PARAMETERS = re.compile(
    r"(?<![a-z])param(eter)?s?(?![a-z])|\b(property|properties|arguments?|fields?)\b"
    r"|\bis (required|missing)\b|\bone of\b|\bof type\b|\b(less|greater) than\b"
    r"|\b(m[ai][nx]imum|too (short|long))\b|\b(invalid|unsupported) value\b",
    re.IGNORECASE,
)
# Parameters of every call, which no schema defines.
_CALL_PARAMETERS = frozenset(
    {"num_generations", "response_format", "target_directory", "target_namespace", "target_repo"}
)


def hint_stale_bindings(
    request_class: type[Request] | None,
    error_class: type[OxenError],
    detail: str,
    error_type: str | None = None,
) -> str | None:
    """Return a hint if the bindings may be older than the schema on the server; None otherwise.

    They may be older if the server rejects a parameter of the model, and not only one of `_CALL_PARAMETERS`.

    Args:
        request_class: The class of the rejected request; None if it is not one of the bindings.
        error_class: The class of the error.
        detail: The server's reason.
        error_type: The server's name for the kind of error.
    """
    if request_class is None or not is_about_parameters(error_class, detail, error_type):
        return None
    own = {field.alias or name for name, field in request_class.model_fields.items()} - _CALL_PARAMETERS
    # A name that is neither the call's nor the model's may be new.
    if not _mentions(detail, own) and _mentions(detail, _CALL_PARAMETERS):
        return None
    return (
        f"the bindings may be out of date ({request_class.model_id}{_last_change(request_class)}): "
        "run `oxen-codegen diff` to see what changed"
    )


def is_about_parameters(error_class: type[OxenError], detail: str, error_type: str | None = None) -> bool:
    """Return whether an error is about a parameter, and not about a file or the content of a prompt."""
    if issubclass(error_class, UnprocessableError):
        return not _UNRELATED.search(error_type or "")
    if issubclass(error_class, BadRequestError):
        return error_type is not None and "param" in error_type.lower()
    if issubclass(error_class, JobFailed):
        return bool(_PARAMETERS.search(detail)) and not _UNRELATED.search(detail)
    return False


def _mentions(text: str, names: Collection[str]) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names)


def _last_change(request_class: type[Request]) -> str:
    try:
        catalog = import_module(f"{request_class.__module__.partition('.')[0]}.catalog")
        changed = catalog.get(request_class.model_id).changed
    except (ImportError, AttributeError, KeyError):  # not a generated class
        return ""
    return f" as of {changed}" if changed else ""
