"""The specification of a model: what its request class and its call are both rendered from.

Strings and numbers of the API are held as values, never as source text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

PartT = TypeVar("PartT")


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit, as an argument of pydantic's `Field`."""

    name: str
    value: int | float


@dataclass(frozen=True, slots=True)
class NamedType:
    """A type with a name: a builtin, or a type of the package's modules `fields` and `media`."""

    name: str
    limits: tuple[Limit, ...] = ()
    is_exact: bool = False
    """Whether a limit is so large that a value must not be compared with it as a float."""


@dataclass(frozen=True, slots=True)
class EnumType:
    """One of several values."""

    values: tuple[Any, ...]
    base: str | None
    """The static type if `Literal` cannot express the values, otherwise None."""
    rejects_bool: bool = False
    """Whether the values include 0 or 1, which Python considers equal to False and True."""
    alias: str | None = None
    """The name of the type if the module defines one, otherwise None."""


@dataclass(frozen=True, slots=True)
class EnumAlias:
    """The definition of a type with a name: one of several values."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ListType:
    """A list."""

    item: Type
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class MappingType:
    """A JSON object with any keys and with values of one type."""

    value: Type


@dataclass(frozen=True, slots=True)
class ClassType:
    """A JSON object with properties of its own, for which a class is emitted."""

    class_name: str


@dataclass(frozen=True, slots=True)
class UnionType:
    """Any of several types."""

    members: tuple[Type, ...]


Type = NamedType | EnumType | ListType | MappingType | ClassType | UnionType


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a call, or a property of a nested object."""

    name: str
    alias: str | None
    """The wire name if it differs from `name`, otherwise None."""
    type: Type
    required: bool
    doc: str

    @property
    def wire_name(self) -> str:
        """The name in the body of a request, which may be empty."""
        return self.name if self.alias is None else self.alias


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """A class of parameters."""

    class_name: str
    doc: str
    parameters: tuple[Parameter, ...]
    extra: Type | None
    """The type of additional properties; None if there may be none."""

    @property
    def validates_extra(self) -> bool:
        """Whether additional properties have a narrower type than the base class allows."""
        return self.extra not in (None, NamedType("Json"))


def rename_classes(part: PartT, names: Mapping[str, str]) -> PartT:
    """Return a specification, or a part of one, with new names of nested classes, given by the old ones."""

    def rename(value: Any) -> Any:
        if not isinstance(value, ClassType | ObjectSpec):
            return value
        return replace(value, class_name=names.get(value.class_name, value.class_name))

    renamed: PartT = map_parts(part, rename)
    return renamed


def name_enums(spec: ModelSpec, aliases: tuple[EnumAlias, ...]) -> ModelSpec:
    """Return a specification in which enums with these values have the names."""
    names = {repr(alias.values): alias.name for alias in aliases}

    def name(value: Any) -> Any:
        return replace(value, alias=names.get(repr(value.values))) if isinstance(value, EnumType) else value

    named: ModelSpec = map_parts(spec, name)
    return replace(named, aliases=aliases)


def find_enums(type_: Type) -> Iterator[EnumType]:
    """Yield the enums in a type."""
    match type_:
        case EnumType():
            yield type_
        case ListType(item):
            yield from find_enums(item)
        case MappingType(value):
            yield from find_enums(value)
        case UnionType(members):
            for member in members:
                yield from find_enums(member)
        case _:
            pass


_PARTS = frozenset({"request", "nested", "parameters", "extra", "type", "item", "value", "members"})


def map_parts(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a specification, or a part of one, with a function applied to every class and type in it."""
    if isinstance(value, tuple):
        return tuple(map_parts(item, change) for item in value)  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, ModelSpec | ObjectSpec | Parameter | Type):
        return value
    parts = {part.name: getattr(value, part.name) for part in fields(value) if part.name in _PARTS}
    return change(replace(value, **{name: map_parts(part, change) for name, part in parts.items()}))


@dataclass(frozen=True, slots=True)
class FamilySpec:
    """The models that have one kind of result."""

    name: str
    models: tuple[ModelSpec, ...]

    @property
    def result(self) -> str:
        """The class of their results."""
        return self.models[0].result


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A model in the catalogue."""

    id: str
    display_name: str
    summary: str | None
    developer: str | None
    family: str | None
    verb: str | None
    verbs: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tasks: tuple[str, ...]
    parameters: tuple[str, ...]
    """The Python names of the parameters of the call."""
    price: str | None
    """The price in words."""
    default_cost: tuple[str, str] | None
    """The lowest and the highest cost of a request with default values."""
    module: str | None
    schema_digest: str | None
    changed: str | None


@dataclass(frozen=True, slots=True)
class RemovalNotice:
    """What the module of a removed model states."""

    on: str
    """The day, as YYYY-MM-DD."""
    successor: str | None
    """The id of the model to use instead."""
    text: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model with a typed call."""

    model_id: str
    module: str
    class_name: str
    family: str
    verbs: tuple[str, ...]
    """The name of the call, then its second names."""
    result: str
    title: str
    doc: str
    source: str
    removal: RemovalNotice | None
    """None unless the model was removed from the API."""
    renamed: tuple[tuple[str, str], ...]
    """Old and new Python names of parameters, from the configuration."""
    request: ObjectSpec
    image_parameters: tuple[str, ...]
    """The Python names of the parameters of an image model that accept images."""
    billed_parameters: tuple[str, ...]
    """The Python names of the parameters that count results that are billed and not returned."""
    nested: tuple[ObjectSpec, ...]
    aliases: tuple[EnumAlias, ...] = ()

    @property
    def request_base(self) -> str:
        """The base class of the request."""
        return f"{self.result.removesuffix('Result')}Request"


@dataclass(frozen=True, slots=True)
class ChatSpec:
    """The request of all chat models."""

    model_ids: tuple[str, ...]
    request: ObjectSpec
    """The request without the parameter `model`."""
    nested: tuple[ObjectSpec, ...]
