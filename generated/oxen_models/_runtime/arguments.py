# Copied by oxen-codegen from templates/package/_runtime/arguments.py. Do not edit.
"""Check the types of arguments, where another type would have an effect that its caller does not mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from .errors import ConfigurationError
from .values import json_error, shorten

T = TypeVar("T")


def check_flag(name: str, value: object) -> None:
    """Raise a `ConfigurationError` if a value is not a boolean."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False, got {shorten(value)}")


def check_string(name: str, value: object) -> None:
    """Raise a `ConfigurationError` if a value is not a string of valid Unicode."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a string, got {shorten(value)}")
    if (reason := json_error(value)) is not None:
        raise ConfigurationError(f"{name} {reason}, got {shorten(value)}")


def check_function(name: str, value: object) -> None:
    """Raise a `ConfigurationError` if a value cannot be called."""
    if not callable(value):
        raise ConfigurationError(f"{name} must be a function, got {shorten(value)}")


def check_progress(value: bool | Callable[..., object]) -> None:
    """Raise a `ConfigurationError` if the value of `progress` is neither a boolean nor a function."""
    if not isinstance(value, bool) and not callable(value):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"progress must be True, False or a function, got {shorten(value)}")


def check_mapping(name: str, value: object) -> None:
    """Raise a `ConfigurationError` if a value is not a mapping."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} must be a mapping, got {shorten(value)}")


def check_items(name: str, value: Iterable[T]) -> Iterable[T]:
    """Return an iterable of items.

    Raises:
        ConfigurationError: It cannot be iterated over, or it is one item: a string, or an object with fields.
    """
    has_fields = hasattr(type(value), "model_fields")
    given: Any = value
    if has_fields or isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{name} must be a list or another iterable, got {shorten(given)}")
    return value
