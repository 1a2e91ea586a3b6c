"""JSON as the wire has it."""

import json
from typing import NoReturn, TypeAlias

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"


def parse_json(text: str | bytes) -> JSON:
    """The value that `text` holds.

    Raises `ValueError` for anything but JSON, `NaN` and `Infinity` included: Python writes them
    where a client forgets to say otherwise, and no other server reads them.
    """
    try:
        value: JSON = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
