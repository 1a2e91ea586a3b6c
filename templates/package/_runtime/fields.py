"""Types and validators of generated parameters."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypeGuard, TypeVar

from oxen_models._runtime.json_schema.json_types import json_equal
from pydantic import BeforeValidator, JsonValue, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    """Return whether a value is sent as a list: a sequence other than text and binary data."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview | array)


def is_iterable(value: object) -> bool:
    """Return whether `list(value)` is a list that could be meant: a generator, a set, a view, an array."""
    is_other = isinstance(value, str | bytes | bytearray | memoryview | Mapping)
    return isinstance(value, Iterable) and not is_other and not hasattr(value, "read")


if TYPE_CHECKING:

    class Omit(Enum):
        """The type of `OMIT`, the value of a parameter that is not sent."""

        OMIT = "OMIT"

    OMIT: Final = Omit.OMIT

    class ListOf(Protocol[T_co]):
        """Any sequence except a string: a list, a tuple, a `list[str]` of the caller."""

        def __contains__(self, item: object, /) -> bool: ...
        def __getitem__(self, index: int, /) -> T_co: ...
        def __iter__(self) -> Iterator[T_co]: ...
        def __len__(self) -> int: ...

    MapOf = Mapping[str, T]
    Json = None | bool | int | float | str | Sequence[object] | Mapping[str, object]
    JsonObject = Mapping[str, object]
else:
    # At run time, `OMIT` is pydantic's `MISSING`, which is excluded from serialization. Type checkers
    # treat `MISSING` as `Any`, so they see an enum instead.
    from pydantic import MISSING as OMIT

    Omit = OMIT

    def _as_list(value: object) -> object:
        if is_sequence(value):
            return list(value)
        if is_iterable(value):
            message = "Input should be a valid list, got {type}; use list(...)"
            raise PydanticCustomError("list_type", message, {"type": type(value).__name__})
        return value

    def _as_dict(value: object) -> object:
        return dict(value) if isinstance(value, Mapping) else value

    ListOf = Annotated[list[T], BeforeValidator(_as_list)]
    MapOf = Annotated[dict[str, T], BeforeValidator(_as_dict)]
    Json = JsonValue
    JsonObject = MapOf[JsonValue]


MAX_FLOAT = 10**308
"""An integer below the largest float, so that comparing it with a float limit does not overflow."""


def _convert_integral_float(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _reject_bool(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("not_bool", "Input should be a number, not a boolean")
    return value


def _preserve_int(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    if type(value) is not int:
        return validate(value)
    validate(max(-MAX_FLOAT, min(value, MAX_FLOAT)))
    return value


IntegralFloat = BeforeValidator(_convert_integral_float)
"""Accepts 5.0 as the integer 5, as JSON Schema does."""
PreserveInt = WrapValidator(_preserve_int)
"""Keeps an integer where a number is expected, because a float cannot represent every large integer."""
RejectBool = BeforeValidator(_reject_bool)
"""Rejects True and False, which Python considers equal to 1 and 0."""


def EnumValues(*choices: Any) -> WrapValidator:
    """Accept only the values of an enum that `Literal` cannot express, such as 23.976."""

    def check(value: object, validate: ValidatorFunctionWrapHandler) -> object:
        for choice in choices:
            if json_equal(value, choice):
                return choice
        context = {"listed": ", ".join(map(repr, choices)), "choices": choices}
        raise PydanticCustomError("one_of", "Input should be one of {listed}", context)

    return WrapValidator(check)
