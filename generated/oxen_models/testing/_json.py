"""JSON as the wire has it."""

import json
from typing import NoReturn, TypeAlias

from starlette.responses import Response

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"


def parse_json(text: str | bytes) -> JSON:
    """The value that `text` holds.

    Raises:
        ValueError: It is not JSON. `NaN` and `Infinity` are not: Python writes them where a client forgets
            to say otherwise, and no other server reads them.
    """
    try:
        value: JSON = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def json_answer(value: JSON, status: int = 200) -> Response:
    # Escaped to ASCII: a lone surrogate is valid in JSON and cannot be encoded otherwise.
    return Response(json.dumps(value), status, media_type="application/json")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
