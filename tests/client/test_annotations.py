"""The annotations of the public interface, as `typing.get_type_hints` reads them."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from oxen_models import Oxen
from oxen_models.images import QwenImageEditPlusRequest

MODULES = (
    "oxen_models",
    "oxen_models.audio",
    "oxen_models.catalog",
    "oxen_models.chat",
    "oxen_models.images",
    "oxen_models.journal",
    "oxen_models.testing",
    "oxen_models.videos",
)


def list_annotated(cls: type) -> Iterator[object]:
    """Yield a class, its public methods and the getters of its properties, inherited ones included."""
    yield cls
    for base in cls.__mro__:
        if not base.__module__.startswith("oxen_models"):
            continue
        attributes: dict[str, Any] = dict(vars(base))
        for name, value in attributes.items():
            if isinstance(value, property):
                value = value.fget
            elif isinstance(value, functools.cached_property):
                value = value.func
            value = getattr(value, "__func__", value)  # of a class method or static method
            if inspect.isfunction(value) and (not name.startswith("_") or name == "__init__"):
                yield value


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_type_hints_of_public_names_resolve(module: str) -> None:
    """`typing.get_type_hints` works on every public class, method and function."""
    namespace = import_module(module)
    for name in namespace.__all__:
        value = getattr(namespace, name)
        if inspect.isfunction(value):
            typing.get_type_hints(value)
        elif inspect.isclass(value):
            for annotated in list_annotated(value):
                typing.get_type_hints(annotated)


@pytest.mark.slow
def test_type_hints_name_classes() -> None:
    """Annotations that are imported when they are evaluated name the classes of the package."""
    request_class = QwenImageEditPlusRequest
    assert typing.get_type_hints(Oxen.costs)["return"].__origin__ is dict
    assert typing.get_type_hints(Oxen.job)["return"].__origin__.__name__ == "Job"
    assert isinstance(
        request_class(prompt="hat", input_image=["https://example.com/a.png"]),
        typing.get_args(typing.get_type_hints(Oxen.submit)["request"])[0],
    )
