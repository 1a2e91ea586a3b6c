"""Types and validators of generated parameters."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from operator import index
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Protocol,
    SupportsFloat,
    SupportsIndex,
    TypeGuard,
    TypeVar,
    cast,
)

from oxen_models._runtime.json_schema.json_types import json_equal
from pydantic import BaseModel, BeforeValidator, PlainValidator, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError, PydanticKnownError

from .values import json_error

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_JSON_LEVELS = 350
"""The maximal number of nested lists and objects in a JSON value, which Python's stack allows to send."""


def is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    """Return whether a value is sent as a list: a sequence other than text and binary data."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview | array)


def is_iterable(value: object) -> bool:
    """Return whether `list(value)` is a list that could be meant: a generator, a set, a view, an array."""
    is_other = isinstance(value, str | bytes | bytearray | memoryview | Mapping) or hasattr(value, "read")
    return isinstance(value, Iterable) and not is_other


def map_wire_names(model: type[BaseModel]) -> dict[str, str]:
    """Return the Python names of the fields of a class, by wire name."""
    return {name if field.alias is None else field.alias: name for name, field in model.model_fields.items()}


def copy_json(value: object) -> Any:
    """Return a copy of a JSON value, with lists and dicts in place of other sequences and mappings.

    Raises:
        PydanticCustomError: It is not a JSON value, or nested too deeply.
    """
    copied: Any = [value]
    todo: list[tuple[Any, Any, int]] = [(copied, 0, 0)]
    while todo:
        container, key, level = todo.pop()
        item = container[key]
        if level > MAX_JSON_LEVELS:
            message = "Input should have at most {levels} levels of nested JSON"
            raise PydanticCustomError("json_levels", message, {"levels": MAX_JSON_LEVELS})
        if isinstance(item, Mapping):
            copied_dict = dict(cast("Mapping[object, object]", item))
            container[key] = copied_dict
            todo += [(copied_dict, name, level + 1) for name in copied_dict]
            reason = next(filter(None, map(_name_error, copied_dict)), None)
        elif is_sequence(item):
            copied_list = list(item)
            container[key] = copied_list
            todo += [(copied_list, index, level + 1) for index in range(len(copied_list))]
            reason = None
        else:
            reason = json_error(item)
        if reason is not None:
            raise PydanticCustomError(
                "json", "Input {reason}", {"reason": reason.replace("must", "should", 1)}
            )
    return copied[0]


def _name_error(name: object) -> str | None:
    return json_error(name if isinstance(name, str) else {name: None})


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

    IntegerInput = int | SupportsIndex
    NumberInput = float | SupportsFloat
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

    IntegerInput = int
    NumberInput = float
    ListOf = Annotated[list[T], BeforeValidator(_as_list)]
    MapOf = Annotated[dict[str, T], BeforeValidator(_as_dict)]
    # Not pydantic's JsonValue, which accepts 255 levels at most.
    Json = Annotated[Any, PlainValidator(copy_json)]
    JsonObject = MapOf[Json]


MAX_FLOAT = 10**308
"""An integer below the largest float, so that comparing it with a float limit does not overflow."""


def to_number(value: Any) -> object:
    """Return the integer or the float that a number of another library stands for, such as one of numpy.

    Any other value is returned unchanged.
    """
    if type(value) is float or isinstance(value, int | str):
        return value
    if getattr(value, "shape", False):  # an array
        return value
    if getattr(getattr(value, "dtype", None), "kind", "") == "b":  # a boolean of numpy
        return value
    try:
        if hasattr(value, "__index__"):
            return index(value)
        return float(value) if hasattr(value, "__float__") else value
    except (TypeError, ValueError, OverflowError):
        return value


def _convert_integral_float(value: object) -> object:
    value = to_number(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _reject_bool(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("not_bool", "Input should be a number, not a boolean")
    return value


def _preserve_int(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    value = to_number(value)
    if type(value) is not int:
        return validate(value)
    validate(max(-MAX_FLOAT, min(value, MAX_FLOAT)))
    return value


IntegralFloat = BeforeValidator(_convert_integral_float)
"""Accepts 5.0 as the integer 5, as JSON Schema does, and numbers of other libraries."""
PreserveInt = WrapValidator(_preserve_int)
"""Keeps an integer where a number is expected, because a float cannot represent every large integer. Accepts
numbers of other libraries.
"""
RejectBool = BeforeValidator(_reject_bool)
"""Rejects True and False, which Python considers equal to 1 and 0."""


def ExactLimits(
    *, ge: float | None = None, gt: float | None = None, le: float | None = None, lt: float | None = None
) -> BeforeValidator:
    """Limit a number by bounds of 2**53 and more, near which a float cannot represent every integer."""

    def check(value: object) -> object:
        value = to_number(value)
        if isinstance(value, int | float):
            if ge is not None and not value >= ge:
                raise PydanticKnownError("greater_than_equal", {"ge": ge})
            if gt is not None and not value > gt:
                raise PydanticKnownError("greater_than", {"gt": gt})
            if le is not None and not value <= le:
                raise PydanticKnownError("less_than_equal", {"le": le})
            if lt is not None and not value < lt:
                raise PydanticKnownError("less_than", {"lt": lt})
        return value

    return BeforeValidator(check)


def EnumValues(*choices: Any) -> WrapValidator:
    """Accept only the values of an enum that `Literal` cannot express, such as 23.976."""

    def check(value: object, validate: ValidatorFunctionWrapHandler) -> object:
        value = to_number(value)
        for choice in choices:
            if json_equal(value, choice):
                return choice
        context = {"listed": ", ".join(map(repr, choices)), "choices": choices}
        raise PydanticCustomError("one_of", "Input should be one of {listed}", context)

    return WrapValidator(check)
