"""Paths of the API."""

from __future__ import annotations

from urllib.parse import quote

from .errors import ConfigurationError, NotFoundError
from .values import json_error

EQUIVALENT_PATHS = {
    "/images/edit": "/images/generate",
    "/images/generate": "/images/edit",
    "/audio/generate": "/audio/speech",
    "/audio/speech": "/audio/generate",
}
"""The other path of an endpoint. The sources of the API contradict each other on which of the two exists."""


def validate_id(id: str, kind: str) -> str:
    """Return `id` if it is usable as part of a path.

    Args:
        id: The id.
        kind: The kind of id, for the message: job or model.

    Raises:
        ConfigurationError: It is not a string, or it is blank, consists of dots, or is not valid Unicode.
    """
    # A path segment that consists of dots would be resolved to another path.
    if not isinstance(id, str) or not id.strip() or set(id) <= {"."} or json_error(id):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f'{kind} id must be a non-empty string other than "." or "..", got {id!r:.80}'
        )
    return id


def job_path(id: str) -> str:
    """Return the path of a job in the queue. Raises as `validate_id` does."""
    return f"/queue/{quote(validate_id(id, 'job'), safe='')}"


def model_path(id: str) -> str:
    """Return the path of a model. Raises as `validate_id` does."""
    return f"/models/{quote(validate_id(id, 'model'), safe='')}"


def generation_path(id: str) -> str:
    """Return the path of a job in the history. Raises as `validate_id` does."""
    return f"/generations/{quote(validate_id(id, 'job'), safe='')}"


def is_missing_path(error: NotFoundError) -> bool:
    """Return whether a 404 means that the server does not have the path, and not that it lacks the model."""
    return "model" not in f"{error.type} {error.detail}".lower()
