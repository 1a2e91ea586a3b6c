"""Models that are known at run time only: where they are called, and what their schema allows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError, validators
from oxen_models._runtime.json_schema.diagnostics import ModelError

# By its full name: these modules are the generator's and lie beside this one when it is emitted only.
from oxen_models._runtime.json_schema.endpoints import COMMON, Endpoint, find_endpoint
from oxen_models._runtime.json_schema.normalize import Node, accept_defaults, normalize, requires_image
from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticError

from .errors import ConfigurationError, InvalidRequestError, Problem, UnexpectedResponseError
from .explain import shortened, suggestion
from .fields import OMIT
from .hub_models import HubModel, find_schema
from .media import AudioInput, FileInput, ImageInput, VideoInput, is_read, local
from .request import UntypedRequest
from .values import unsendable

_MEDIA: Mapping[str, TypeAdapter[Any]] = {
    "image": TypeAdapter(ImageInput),
    "video": TypeAdapter(VideoInput),
    "audio": TypeAdapter(AudioInput),
    "file": TypeAdapter(FileInput),
}
_TYPES = {
    "string": "a valid string",
    "integer": "a valid integer",
    "number": "a valid number",
    "boolean": "a valid boolean",
    "array": "a valid list",
    "object": "a valid dictionary",
    "null": "None",
}
_BOUNDS = {
    "minimum": "should be greater than or equal to {}",
    "maximum": "should be less than or equal to {}",
    "exclusiveMinimum": "should be greater than {}",
    "exclusiveMaximum": "should be less than {}",
    "minLength": "should have at least {} characters",
    "maxLength": "should have at most {} characters",
    "minItems": "should have at least {} items",
    "maxItems": "should have at most {} items",
}
_LONGEST_MESSAGE = 200


def _is_number(checker: object, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_untyped: Any = validators
# By itself, jsonschema takes numbers that JSON has not.
_Validator: Any = _untyped.extend(
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number)
)


class Described:
    """A model as the hub describes it, read as the generator reads it.

    Args:
        id: The model, as it was asked for.
        model: What the hub says.

    Raises:
        UnexpectedResponseError: What it publishes is not a parameter schema.
    """

    def __init__(self, id: str, model: HubModel) -> None:
        self.id = id
        schema = find_schema(model.record)
        self.node: Node | None = None
        if schema is not None:
            try:
                self.node = accept_defaults(normalize(schema, model.inputs))
            except ModelError as error:
                raise UnexpectedResponseError(
                    f"{id}: its parameter schema is not usable: {error.message}"
                ) from None
        self._endpoint = find_endpoint(
            model.endpoint,
            model.inputs,
            model.outputs,
            requires_image=self.node is not None and requires_image(self.node),
        )
        self._nodes: dict[str, Node] = dict(COMMON)
        if self.node is not None:
            self._nodes |= self.node["properties"]
        self._validators: dict[str, Any] = {wire: _Validator(node) for wire, node in self._nodes.items()}

    def endpoint(self, verb: str | None = None) -> Endpoint:
        """Where the model is called.

        Args:
            verb: The call that somebody made; None for any.

        Raises:
            ConfigurationError: The model has no such call, or none at all.
        """
        found = self._endpoint
        if found is None:
            raise ConfigurationError(
                f"{self.id} cannot be called: the hub names no endpoint for it that is known here"
            )
        if found.result is None:
            raise ConfigurationError(
                f"{self.id} cannot be called: it is a model of {found.path}, for which there is no call here"
            )
        if verb == "submit" and not found.is_queued:
            raise ConfigurationError(f"{self.id} has no queue: call {found.verb}()")
        if verb not in (None, "submit", found.verb):
            raise ConfigurationError(f"{self.id} has no {verb}(): call {found.verb}()")
        return found

    def request(self, given: Mapping[str, object], beside: Collection[str] = ()) -> UntypedRequest:
        """The request with these parameters. Files in it are read.

        Args:
            given: Values by wire name; what is OMIT is left out.
            beside: Names that are sent unchecked.

        Raises:
            InvalidRequestError: A value is not what the schema allows.
        """
        problems: dict[str, Problem] = {}
        values: dict[str, Any] = {}
        for wire, value in given.items():
            if value is OMIT:
                continue
            if wire == "model" or (self.node is not None and wire not in self._nodes):
                close = suggestion(wire, wire, "", list(self._nodes))
                problems[wire] = Problem(wire, shortened(value), "there is no such parameter", close)
                continue
            try:
                values[wire] = _wire(self._nodes.get(wire, {}), value, wire, problems)
                self._check(wire, value, values[wire], problems)
            except RecursionError:
                problems[wire] = Problem(wire, f"<{type(value).__name__}>", "should be nested less deeply")
        for wire in self.node["required"] if self.node is not None else ():
            if wire not in values and wire not in beside:
                problems.setdefault(wire, Problem(wire, "", "is required"))
        if problems:
            raise InvalidRequestError(self.id, tuple(problems.values()))
        return UntypedRequest(self.id, self.endpoint().path, values)

    def _check(self, wire: str, given: object, value: object, problems: dict[str, Problem]) -> None:
        validator = self._validators.get(wire)
        errors: Iterator[ValidationError] = iter(()) if validator is None else validator.iter_errors(value)
        for error in errors:
            for place, expected, kind in _complaints(error):
                named = f"{wire}{''.join(f'[{step!r}]' for step in place)}"
                found = _at(given, place)
                meant = suggestion(named, found, kind, list(_choices(self._nodes[wire])))
                problems.setdefault(named, Problem(named, shortened(found), expected, meant))
        reason = unsendable(value)
        if reason is not None and not any(name == wire or name.startswith(f"{wire}[") for name in problems):
            problems[wire] = Problem(wire, shortened(given), reason)


def _wire(node: Node, value: object, place: str, problems: dict[str, Problem]) -> Any:
    """`value` as JSON has it, with media read; what is no JSON is left as it is."""
    for member in node.get("anyOf", ()):
        if _is_for(member, value):
            return _wire(member, value, place, problems)
    if "media" in node:
        return _medium(node["media"], local(value), place, problems)
    if _is_file(value) and not node.keys() & {"type", "enum", "anyOf"}:
        return _medium("file", value, place, problems)
    if isinstance(value, Mapping):
        properties: dict[str, Node] = node.get("properties", {})
        extra: Node = node.get("additionalProperties") or {}
        inner = cast("Mapping[Any, object]", value)
        return {
            key: _wire(properties.get(key, extra), item, f"{place}[{key!r}]", problems)
            for key, item in inner.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        items = node.get("items", {})
        listed = enumerate(cast("Sequence[object]", value))
        return [_wire(items, item, f"{place}[{index}]", problems) for index, item in listed]
    if node.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _is_for(member: Node, value: object) -> bool:
    """Whether a member of a union is the one that could take the value."""
    match member.get("type"):
        case "array":
            return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)
        case "object":
            return isinstance(value, Mapping)
        case "string":
            return isinstance(value, str) or _is_file(value)
        case "integer":
            return isinstance(value, float)
        case _:
            return False


def _is_file(value: object) -> bool:
    is_bytes = isinstance(value, bytes | bytearray | PathLike)
    return is_bytes or (not isinstance(value, str | Sequence | Mapping) and is_read(value))


def _medium(kind: str, value: object, place: str, problems: dict[str, Problem]) -> object:
    wrong: str | None = None
    try:
        return cast(object, _MEDIA[kind].validate_python(value, strict=True))
    except PydanticError as error:
        [found, *_] = error.errors(include_url=False)
        if found["type"] == "media":
            wrong = found["msg"]
    if wrong is not None:
        problems[place] = Problem(place, shortened(value), wrong)
    return value


def _complaints(error: ValidationError) -> Iterator[tuple[list[str | int], str, str]]:
    """What jsonschema found wrong: the place, what is expected there, and the kind of mistake."""
    place, said = list(error.absolute_path), cast(Any, error.validator_value)
    kind = str(error.validator)
    match kind:
        case "anyOf":
            yield from _of_union(place, error.context or ())
        case "type":
            is_list_wanted = said == "array"
            yield place, f"should be {_TYPES.get(said, said)}", "list_type" if is_list_wanted else kind
        case "enum":
            *most, last = map(repr, said)
            yield place, f"should be {', '.join(most)}{' or ' if most else ''}{last}", kind
        case _ if kind in _BOUNDS:
            yield place, _BOUNDS[kind].format(said), kind
        case _:
            yield place, error.message[:_LONGEST_MESSAGE], kind


def _of_union(
    place: list[str | int], errors: Sequence[ValidationError]
) -> Iterator[tuple[list[str | int], str, str]]:
    # Of a member that is of another type altogether, only that is worth saying.
    alien = [error for error in errors if error.validator == "type" and not error.path]
    others = {error.schema_path[0] for error in errors} - {error.schema_path[0] for error in alien}
    if others:
        for error in errors:
            if error.schema_path[0] in others:
                yield from _complaints(error)
    else:
        told = [complaint for error in alien for complaint in _complaints(error)]
        kinds = {kind for _, _, kind in told}
        yield place, ", or ".join(text for _, text, _ in told), next(iter(sorted(kinds)), "")


def _choices(node: Node) -> Iterator[object]:
    yield from node.get("enum", ())
    for inner in (*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])):
        yield from _choices(inner)


def _at(given: object, place: list[str | int]) -> Any:
    value: Any = given
    for step in place:
        value = value[step]
    return value
