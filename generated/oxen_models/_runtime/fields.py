"""The types that generated parameters are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypeVar

from oxen_models._runtime.json_schema.json_types import json_equal
from pydantic import BeforeValidator, JsonValue, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

if TYPE_CHECKING:

    class Omit(Enum):
        """The type of a parameter that is left out."""

        OMIT = "OMIT"

    OMIT: Final = Omit.OMIT

    class ListOf(Protocol[T_co]):
        """Any sequence but a bare string: a list, a tuple, a caller's `list[str]`."""

        def __contains__(self, item: object, /) -> bool: ...
        def __getitem__(self, index: int, /) -> T_co: ...
        def __iter__(self) -> Iterator[T_co]: ...
        def __len__(self) -> int: ...

    MapOf = Mapping[str, T]
    Json = None | bool | int | float | str | Sequence[object] | Mapping[str, object]
    JsonObject = Mapping[str, object]
else:
    # pydantic keeps its own sentinel out of what is sent; type checkers read it as Any, so they
    # are shown an enum.
    from pydantic import MISSING as OMIT

    Omit = OMIT

    def _as_list(value: object) -> object:
        if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
            return list(value)
        return value

    def _as_dict(value: object) -> object:
        return dict(value) if isinstance(value, Mapping) else value

    ListOf = Annotated[list[T], BeforeValidator(_as_list)]
    MapOf = Annotated[dict[str, T], BeforeValidator(_as_dict)]
    Json = JsonValue
    JsonObject = MapOf[JsonValue]


def _whole(value: object) -> object:
    """5.0 is the integer 5 in JSON, and True is not 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("not_bool", "Input should be a number, not a boolean")
    return value


def _exact(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """An integer stays an integer: a float cannot hold every large one."""
    if type(value) is not int:
        return validate(value)
    validate(max(-_LARGEST, min(value, _LARGEST)))
    return value


_LARGEST = 10**308
Exact = WrapValidator(_exact)
Whole = BeforeValidator(_whole)
NotBool = BeforeValidator(_not_bool)


def OneOf(*choices: Any) -> WrapValidator:
    """An enum of values that `Literal` cannot hold, such as 23.976."""

    def check(value: object, validate: ValidatorFunctionWrapHandler) -> object:
        for choice in choices:
            if json_equal(value, choice):
                return choice
        context = {"listed": ", ".join(map(repr, choices)), "choices": choices}
        raise PydanticCustomError("one_of", "Input should be one of {listed}", context)

    return WrapValidator(check)
