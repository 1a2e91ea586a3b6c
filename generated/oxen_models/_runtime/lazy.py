# Copied by oxen-codegen from templates/package/_runtime/lazy.py. Do not edit.
"""Modules that are imported when an annotation is evaluated."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """A module that is imported on first use of one of its attributes.

    Annotations name its types, so that creating a client does not import them and `typing.get_type_hints`
    finds them.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)
