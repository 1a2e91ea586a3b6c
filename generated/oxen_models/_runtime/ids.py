"""Ids, and where in the hub's API the things are that have them."""

from __future__ import annotations

from urllib.parse import quote

from .errors import ConfigurationError


def checked_id(id: str, thing: str) -> str:
    """`id`, if it can be the id of something.

    Args:
        id: What was given for one.
        thing: What it is to be the id of, for people.

    Raises:
        ConfigurationError: It is no text, an empty one, or one that no address can hold.
    """
    # As a part of a path, dots alone would lead elsewhere.
    if not isinstance(id, str) or not id.strip() or set(id) <= {"."} or not _fits(id):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"the id of {thing} has to be a text that is neither empty nor dots alone: {id!r:.80}"
        )
    return id


def job_path(id: str) -> str:
    """Where the queue has a job. Raises as `checked_id` does."""
    return f"/queue/{quote(checked_id(id, 'a job'), safe='')}"


def model_path(id: str) -> str:
    """Where the hub has a model. Raises as `checked_id` does."""
    return f"/models/{quote(checked_id(id, 'a model'), safe='')}"


def _fits(id: str) -> bool:
    try:
        return bool(id.encode())
    except UnicodeEncodeError:
        return False
