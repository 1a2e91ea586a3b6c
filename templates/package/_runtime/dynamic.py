"""Models that are known at run time only: their endpoint, and validation with their schema."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError, validators
from oxen_models._runtime.json_schema.accepted_values import Node, accept_defaults

# Absolute imports, because these modules are copied from the generator and exist only in the emitted package.
from oxen_models._runtime.json_schema.diagnostics import ModelError
from oxen_models._runtime.json_schema.json_types import is_list
from oxen_models._runtime.json_schema.normalize import normalize
from oxen_models._runtime.json_schema.operations import (
    COMMON,
    Operation,
    find_image_parameters,
    resolve_operation,
)
from pydantic import TypeAdapter, ValidationError as PydanticError

from .errors import ConfigurationError, InvalidRequestError, Problem, UnexpectedResponseError
from .fields import OMIT, is_iterable, is_sequence, to_number
from .hub_models import HubModel, find_schema
from .local_media import LocalMedia, MediaContext
from .media import AudioInput, FileInput, ImageInput, VideoInput
from .media_sources import ACCEPTED_MEDIA, is_source
from .request import UntypedRequest, omit_media
from .validation_errors import LEAVE_OUT, describe_choices, suggest
from .values import json_error, map_scalars, shorten

_MEDIA_TYPES: Mapping[str, TypeAdapter[Any]] = {
    "image": TypeAdapter(ImageInput),
    "video": TypeAdapter(VideoInput),
    "audio": TypeAdapter(AudioInput),
    "file": TypeAdapter(FileInput),
}
# The same words as in the messages of pydantic, which validates typed requests.
_TYPE_MESSAGES = {
    "string": "must be a valid string",
    "integer": "must be a valid integer",
    "number": "must be a valid number",
    "boolean": "must be a valid boolean",
    "array": "must be a valid list",
    "object": "must be a valid dictionary",
    "null": "must be None",
}
_LIMIT_MESSAGES = {
    "minimum": "must be greater than or equal to {}",
    "maximum": "must be less than or equal to {}",
    "exclusiveMinimum": "must be greater than {}",
    "exclusiveMaximum": "must be less than {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
}
MAX_MESSAGE_LENGTH = 200
_NOTHING: Mapping[str, object] = MappingProxyType({})


def _is_number(checker: object, value: object) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool)  # not every integer can be converted to a float
    return isinstance(value, float) and math.isfinite(value)


def _is_string(checker: object, value: object) -> bool:
    return isinstance(value, str | LocalMedia)


_untyped_validators: Any = validators
JSONValidator: Any = _untyped_validators.extend(
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number)
)
"""The class of validators. They reject NaN and infinity, which are not JSON."""
_Validator: Any = _untyped_validators.extend(
    JSONValidator, type_checker=JSONValidator.TYPE_CHECKER.redefine("string", _is_string)
)


class DynamicSchema:
    """The parameters of a model, read from the API and interpreted as the generator does.

    Args:
        id: The id of the model.
        model: The model.

    Raises:
        UnexpectedResponseError: The published schema is not a schema of parameters.
    """

    def __init__(self, id: str, model: HubModel) -> None:
        self.id = id
        schema = find_schema(model.record)
        self.node: Node | None = None
        if schema is not None:
            try:
                self.node = accept_defaults(normalize(schema, model.inputs))
            except (ModelError, RecursionError) as error:
                reason = error.message if isinstance(error, ModelError) else "it is nested too deeply"
                raise UnexpectedResponseError(f"{id}: its parameter schema is not usable: {reason}") from None
        self._operation = resolve_operation(self.node, model.outputs, model.endpoint)
        # Without a schema, or with one that describes parameters in keywords that are not interpreted, any
        # parameter may exist.
        self._is_closed = self.node is not None and self.node["additionalProperties"] is False
        self._nodes: dict[str, Node] = dict(COMMON)
        if self.node is not None:
            self._nodes |= self.node["properties"]
        self._validators: dict[str, Any] = {name: _Validator(node) for name, node in self._nodes.items()}

    def find_operation(self, verb: str | None = None) -> Operation:
        """Return the call of the model.

        Args:
            verb: The name of the call; None or "submit" for any.

        Raises:
            ConfigurationError: The model does not have this call, or no call at all.
        """
        operation = self._operation
        if operation is None:
            raise ConfigurationError(f"{self.id} cannot be called: the kind of its result is unknown")
        if operation.result is None:
            hint = ": call oxen.chat.complete(), or make a ChatRequest" if operation.family == "chat" else ""
            raise ConfigurationError(f"{self.id} cannot be called by model(){hint}")
        # The parameters of a model without a schema are unknown, so it may accept an image.
        verbs = (
            ("generate", "edit") if self.node is None and operation.family == "images" else operation.verbs
        )
        if verb not in (None, "submit", *verbs):
            raise ConfigurationError(f"{self.id} has no call {verb}(); call {operation.verb}()")
        return operation

    def build_request(
        self,
        parameters: Mapping[str, object],
        extra_body: Mapping[str, object] = _NOTHING,
        verb: str | None = None,
    ) -> UntypedRequest:
        """Validate parameters and return the request with them. Files are read.

        Args:
            parameters: Values by wire name; those that are `OMIT` are not sent.
            extra_body: Properties that are sent in addition.
            verb: The name of the call, which decides the path of a model without a schema.

        Raises:
            InvalidRequestError: A value does not match the schema, or `extra_body` contains a parameter.
        """
        problems: dict[str, Problem] = {}
        if not isinstance(extra_body, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            problem = Problem("extra_body", shorten(extra_body), "must be a mapping")
            raise InvalidRequestError(self.id, (problem,))
        for name in extra_body.keys() & self._nodes.keys():
            place, given = f"extra_body[{name!r}]", shorten(extra_body[name])
            remedy = f"pass it as a parameter: {name}={given}"
            problems[place] = Problem(place, given, "cannot be set here", remedy)
        values: dict[str, Any] = {}
        for name, value in parameters.items():
            if value is OMIT:
                continue
            if name == "model" or (self._is_closed and name not in self._nodes):
                suggestion = suggest(name, name, "", list(self._nodes))
                problems[name] = Problem(name, shorten(value), "is not a parameter of the model", suggestion)
                continue
            try:
                values[name] = _to_json(self._nodes.get(name, {}), value, name, problems)
                self._validate(name, value, values[name], problems)
            except RecursionError:
                problems[name] = Problem(name, f"<{type(value).__name__}>", "must be nested less deeply")
        for name in self.node["required"] if self.node is not None else ():
            if name not in values:
                problems.setdefault(name, Problem(name, "", "is required"))
        if problems:
            raise InvalidRequestError(self.id, tuple(problems.values()))
        has_image = verb == "edit"
        if self.node is not None:
            has_image = any(values.get(name) for name in find_image_parameters(self.node))
        return UntypedRequest(self.id, self.find_operation().find_path(has_image=has_image), values)

    def _validate(self, name: str, given: object, value: object, problems: dict[str, Problem]) -> None:
        validator = self._validators.get(name)
        errors: list[ValidationError] = []
        try:
            errors = [] if validator is None else [*validator.iter_errors(value)]
        except RecursionError:
            raise
        except Exception:  # of the `repr` of a value that is not JSON, which the messages contain
            errors = []
        for error in errors:
            for path, expected, kind in _convert_error(error):
                place = f"{name}{''.join(f'[{step!r}]' for step in path)}"
                found = None if kind == "missing" else _value_at(given, path)
                suggestion = suggest(place, found, kind, list(_list_choices(self._nodes[name])))
                if given is None and (self.node is None or name not in self.node["required"]):
                    suggestion = LEAVE_OUT
                expects_list = kind == "list_type"
                text = "" if kind == "missing" else shorten(found)
                problems.setdefault(place, Problem(place, text, expected, suggestion, expects_list))
        reason = json_error(map_scalars(value, omit_media))
        if reason is not None and not any(
            place == name or place.startswith(f"{name}[") for place in problems
        ):
            problems[name] = Problem(name, shorten(given), reason)


def _to_json(node: Node, value: object, place: str, problems: dict[str, Problem]) -> Any:
    """Return `value` as JSON, with media read. Values that are not JSON are returned unchanged."""
    members: list[Node] = node.get("anyOf", [])
    if _is_text(value) and any(value in member.get("enum", ()) for member in members):
        return value  # a default of media that is neither a URL nor a path
    for member in members:
        if _may_accept(member, value):
            return _to_json(member, value, place, problems)
    if "media" in node:
        return _convert_media(node["media"], value, place, problems)
    if _is_file(value) and not node.keys() & {"type", "enum", "anyOf"}:
        return _convert_media("file", value, place, problems)
    if isinstance(value, Mapping):
        properties: dict[str, Node] = node.get("properties", {})
        extra: Node = node.get("additionalProperties") or {}
        mapping = cast("Mapping[Any, object]", value)
        return {
            key: _to_json(properties.get(key, extra), item, f"{place}[{key!r}]", problems)
            for key, item in mapping.items()
        }
    if is_sequence(value):
        items = node.get("items", {})
        return [_to_json(items, item, f"{place}[{index}]", problems) for index, item in enumerate(value)]
    if node.get("type") == "array" and is_iterable(value):
        expected = f"must be a valid list, got {type(value).__name__}; use list(...)"
        problems[place] = Problem(place, shorten(value), expected)
    number = to_number(value) if node.get("type") in ("integer", "number") else value
    if node.get("type") == "integer" and isinstance(number, float) and number.is_integer():
        return int(number)
    return number


def _may_accept(member: Node, value: object) -> bool:
    """Return whether a member of a union has the type of a value."""
    match member.get("type"):
        case "array":
            return is_sequence(value) or (is_iterable(value) and not is_source(value))
        case "object":
            return isinstance(value, Mapping)
        case "string":
            return isinstance(value, str) or _is_file(value)
        case "integer" | "number":
            return isinstance(to_number(value), int | float)
        case _:
            return False


def _is_text(value: object) -> bool:
    return all(isinstance(item, str) for item in (value if is_list(value) else [value]))


def _is_file(value: object) -> bool:
    return not isinstance(value, str | Mapping) and not is_sequence(value) and is_source(value)


def _convert_media(kind: str, value: object, place: str, problems: dict[str, Problem]) -> object:
    try:
        media_type = _MEDIA_TYPES[kind]
        return cast(object, media_type.validate_python(value, strict=True, context=MediaContext()))
    except PydanticError as error:
        [detail, *_] = error.errors(include_url=False)
        if detail["type"] == "media":
            problems[place] = Problem(place, shorten(value), detail["msg"])
    return value


def _convert_error(error: ValidationError) -> Iterator[tuple[list[str | int], str, str]]:
    """Yield the path, the message and the kind of each problem in an error of jsonschema."""
    path = list(error.absolute_path)
    expected, found = cast(Any, error.validator_value), cast(Any, error.instance)
    kind = str(error.validator)
    match kind:
        case "anyOf":
            yield from _convert_union_errors(path, error.context or ())
        case "type":
            message = _TYPE_MESSAGES.get(expected, f"must be {expected}")
            if expected == "string" and "media" in cast("dict[str, Any]", error.schema):
                message = ACCEPTED_MEDIA
            yield path, message, "list_type" if expected == "array" else kind
        case "required":
            for name in expected:
                if name not in found:
                    yield [*path, name], "is required", "missing"
        case "additionalProperties":
            known = cast("dict[str, Any]", error.schema)["properties"]
            for name in found:
                if name not in known:
                    yield [*path, name], "is not a property of the object", kind
        case "enum":
            yield path, f"must be {describe_choices(expected)}", kind
        case _ if kind in _LIMIT_MESSAGES:
            message = _LIMIT_MESSAGES[kind].format(expected)
            yield path, message.removesuffix("s") if expected == 1 else message, kind
        case _:
            yield path, error.message[:MAX_MESSAGE_LENGTH], kind


def _convert_union_errors(
    path: list[str | int], errors: Sequence[ValidationError]
) -> Iterator[tuple[list[str | int], str, str]]:
    # Types and single values are only reported if no other member has the type of the value.
    other_errors = [error for error in errors if error.validator in ("type", "enum") and not error.path]
    other_members = {error.schema_path[0] for error in other_errors}
    same_type_errors = [error for error in errors if error.schema_path[0] not in other_members]
    if same_type_errors:
        for error in same_type_errors:
            yield from _convert_error(error)
    else:
        found = [problem for error in other_errors for problem in _convert_error(error)]
        kinds = sorted({kind for _, _, kind in found})
        yield path, ", or ".join(message for _, message, _ in found), next(iter(kinds), "")


def _list_choices(node: Node) -> Iterator[object]:
    yield from node.get("enum", ())
    for inner in (*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])):
        yield from _list_choices(inner)


def _value_at(value: object, path: list[str | int]) -> Any:
    found: Any = value
    for step in path:
        found = found[step]
    return found
