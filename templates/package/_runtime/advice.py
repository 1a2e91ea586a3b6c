"""Whether a refusal may come from bindings that are older than the hub: decisions only."""

from __future__ import annotations

import re
from collections.abc import Collection
from importlib import import_module

from .errors import APIError, BadRequestError, JobError, JobFailed, OxenError, UnprocessableError
from .request import Request

# What is refused for these is no matter of the schema.
_OTHER = re.compile(r"file|download|content|polic|safety|moderat|nsfw|flagged", re.IGNORECASE)
# A job that failed has no type of error, only a text.
_PARAMETERS = re.compile(
    r"(?<![a-z])param(eter)?s?(?![a-z])|\b(property|properties|arguments?|fields?)\b"
    r"|\bis (required|missing)\b|\bone of\b|\bof type\b|\b(less|greater) than\b"
    r"|\b(m[ai][nx]imum|too (short|long))\b|\b(invalid|unsupported) value\b",
    re.IGNORECASE,
)
# What a call takes beside the parameters of its model.
_OF_THE_CALL = frozenset(
    {"num_generations", "response_format", "target_directory", "target_namespace", "target_repo"}
)


def advise(error: OxenError, request: type[Request] | None) -> None:
    """Have an error say so, if the bindings that made the request may be older than the hub.

    They may be where the hub rejects a parameter of the model, and not only one of the call itself.

    Args:
        error: What became of the request.
        request: Its class; None where it was not made by bindings.
    """
    if request is None or not is_about_parameters(error):
        return
    own = {field.alias or name for name, field in request.model_fields.items()} - _OF_THE_CALL
    said = error.detail if isinstance(error, APIError | JobError) else ""
    # What neither is of the call nor known of the model may be new.
    if _names(said, own) or not _names(said, _OF_THE_CALL):
        error.hint = (
            f"the bindings may be older than the hub ({request.model_id}{_as_of(request)}): "
            "`oxen-codegen diff` says what changed"
        )


def is_about_parameters(error: OxenError) -> bool:
    """Whether the hub rejects a parameter, and not a file or what a prompt says."""
    if isinstance(error, UnprocessableError):
        return not _OTHER.search(error.type or "")
    if isinstance(error, BadRequestError):
        return error.type is not None and "param" in error.type.lower()
    if isinstance(error, JobFailed):
        return bool(_PARAMETERS.search(error.detail)) and not _OTHER.search(error.detail)
    return False


def _names(said: str, parameters: Collection[str]) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", said) for name in parameters)


def _as_of(request: type[Request]) -> str:
    try:
        catalog = import_module(f"{request.__module__.partition('.')[0]}.catalog")
        changed = catalog.get(request.model_id).changed
    except (ImportError, AttributeError, KeyError):  # a class that somebody else made
        return ""
    return f" as of {changed}" if changed else ""
