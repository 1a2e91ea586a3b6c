"""The plain structure between parsing and rendering.

What the request class and the call are both rendered from, so that they cannot disagree. Strings
and numbers of the hub are held as values, never as source text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit, as an argument of pydantic's `Field`."""

    name: str
    value: int | float


@dataclass(frozen=True, slots=True)
class Plain:
    """A type by name: a builtin, or one of the vocabulary in the package's `fields` and `media`."""

    name: str
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]
    base: str | None
    """The static type where `Literal` cannot hold the values; None where it can."""
    refuses_bool: bool = False
    """Whether True and False have to be told from 1 and 0."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    item: Type
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class MapOf:
    """A JSON object with values of one type under any key."""

    value: Type


@dataclass(frozen=True, slots=True)
class Nested:
    """An object with properties of its own."""

    class_name: str


@dataclass(frozen=True, slots=True)
class Union:
    """Any of some types."""

    members: tuple[Type, ...]


Type = Plain | Choice | ListOf | MapOf | Nested | Union


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a call, or a property of a nested object."""

    name: str
    alias: str | None
    """The wire name where it is another."""
    type: Type
    required: bool
    takes_media: bool
    doc: str | None


@dataclass(frozen=True, slots=True)
class Object:
    """A class of parameters."""

    class_name: str
    doc: str
    parameters: tuple[Parameter, ...]
    extra: Type | None
    """What other properties may hold; None where there may be none."""

    @property
    def checks_extra(self) -> bool:
        """Whether other properties are more than any JSON value, which is what the base class takes."""
        return self.extra not in (None, Plain("Json"))


@dataclass(frozen=True, slots=True)
class Family:
    """The bound models of one kind of media."""

    name: str
    bindings: tuple[Binding, ...]

    @property
    def result(self) -> str:
        """The class of their results."""
        return self.bindings[0].result


@dataclass(frozen=True, slots=True)
class Entry:
    """A model in the catalogue."""

    id: str
    display_name: str
    developer: str | None
    family: str | None
    verb: str | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    module: str | None
    schema_digest: str | None
    changed: str | None


@dataclass(frozen=True, slots=True)
class Removal:
    """What the module of a removed model says."""

    on: str
    """The day, as YYYY-MM-DD."""
    successor: str | None
    """The id of the model to use instead."""
    notice: str


@dataclass(frozen=True, slots=True)
class Binding:
    """All that a model's module is rendered from."""

    model_id: str
    module: str
    class_name: str
    family: str
    verb: str
    path: str
    result: str
    title: str
    doc: str
    source: str
    is_queued: bool
    removal: Removal | None
    """None for a model that is there."""
    renamed: tuple[tuple[str, str], ...]
    """Old and new Python names of parameters, as they were accepted by hand."""
    request: Object
    nested: tuple[Object, ...]

    @property
    def request_base(self) -> str:
        """The base class of the request."""
        return f"{self.result.removesuffix('Result')}Request"
