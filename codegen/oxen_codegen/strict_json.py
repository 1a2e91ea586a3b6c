"""Parse JSON of a server or a file, with limits of its size."""

from __future__ import annotations

import json
import math
from operator import itemgetter
from typing import Any

from .diagnostics import ModelError
from .json_types import is_list, is_object

# Far more levels than a schema needs, and fewer than the recursion limit of the JSON parser.
MAX_DEPTH = 100
# A list such as `[[],[],...]` needs a hundred times as much memory as its text.
_BYTES_PER_VALUE = 16
_TOO_DEEP = f"not usable: JSON nesting exceeds {MAX_DEPTH} levels"


def parse_json(content: bytes, max_size: int) -> object:
    """Parse strict JSON: finite numbers, unique keys, limited size and depth. Keys of objects are sorted.

    Args:
        content: The text.
        max_size: The maximal number of bytes.

    Raises:
        ModelError: `content` is not strict JSON.
    """
    _limit_size(content, max_size)
    value = _load(
        content,
        parse_constant=_reject_constant,
        parse_float=_parse_finite,
        object_pairs_hook=_object_of_unique_keys,
    )
    if _is_deeper(value, MAX_DEPTH):
        raise ModelError(_TOO_DEEP)
    return value


def parse_list(content: bytes, max_size: int) -> object:
    """Parse a list of models of which the ids are used only, because each model is requested on its own.

    A model that is not strict JSON does not make the list unusable.

    Args:
        content: The text.
        max_size: The maximal number of bytes.

    Raises:
        ModelError: `content` is not JSON.
    """
    _limit_size(content, max_size)
    # As floats, because an integer of more than 4,300 digits raises an error.
    return _load(content.decode("utf-8-sig", errors="replace"), parse_int=float)


def _limit_size(content: bytes, max_size: int) -> None:
    if len(content) > max_size:
        raise ModelError(f"not usable: larger than {max_size // 2**20} MB")
    max_values = max_size // _BYTES_PER_VALUE
    if sum(map(content.count, (b"[", b"{", b","))) > max_values:
        raise ModelError(f"not usable: the JSON has more than {max_values} values")


def _load(content: str | bytes, **options: Any) -> object:
    try:
        value: object = json.loads(content, **options)
    except RecursionError:
        raise ModelError(_TOO_DEEP) from None
    except ValueError as error:
        raise ModelError(f"not JSON: {error}") from None
    return value


def _reject_constant(constant: str) -> object:
    raise ValueError(f"{constant} is not a JSON value")


def _parse_finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is out of the range of a number")
    return number


def _object_of_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose keys are sorted, as in a record, so that no output depends on their order."""
    value: dict[str, Any] = {}
    for key, item in sorted(pairs, key=itemgetter(0)):
        if key in value:
            raise ValueError(f"duplicate key {key!r}")
        value[key] = item
    return value


def _is_deeper(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for item in layer
            for inner in (item.values() if is_object(item) else item if is_list(item) else ())
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return False
    return True
