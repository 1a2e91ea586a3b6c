# Copied by oxen-codegen from templates/package/_runtime/account.py. Do not edit.
"""The account of an API key. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from oxen_models._runtime.json_schema.json_types import is_object

from .errors import UnexpectedResponseError
from .responses import Response
from .values import text


@dataclass(frozen=True, slots=True)
class User:
    """The user that an API key belongs to. Source: GET /api/authorize."""

    name: str
    email: str | None
    """The email address; None if the response does not have one."""


def parse_user(response: Response) -> User:
    """Return the user in a response.

    Raises:
        UnexpectedResponseError: The response does not contain a user.
    """
    user = response.json.get("user")
    name = (text(user, "name") or text(user, "username")) if is_object(user) else None
    if not is_object(user) or name is None:
        names = ", ".join(response.json)[:300] or "nothing"
        raise UnexpectedResponseError(f"the response has no user; it has: {names}", response=response)
    return User(name, text(user, "email"))
