# Copied by oxen-codegen from templates/package/testing/_json.py. Do not edit.
"""Parse and write JSON."""

import json
from typing import NoReturn, TypeAlias

from starlette.responses import Response

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"


def parse_json(text: str | bytes) -> JSON:
    """Return the value of a JSON text.

    Raises:
        ValueError: The text is not JSON. `NaN` and `Infinity` are rejected, because JSON does not have
            them: Python's encoder writes them by default, and other servers do not accept them.
    """
    try:
        value: JSON = json.loads(text, parse_constant=_reject_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def json_response(value: JSON, status: int = 200) -> Response:
    """Return a response with a JSON body."""
    # Escaped to ASCII, because a lone surrogate is valid in JSON and cannot be encoded to UTF-8.
    return Response(json.dumps(value), status, media_type="application/json")


def as_object(value: JSON) -> dict[str, JSON]:
    """Return `value` if it is an object, else an empty object."""
    return value if isinstance(value, dict) else {}


def as_list(value: JSON) -> list[JSON]:
    """Return `value` if it is a list, else a list of `value`."""
    return value if isinstance(value, list) else [value]


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
