"""Bind models: from a resolved model to the specification that its module is rendered from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from .accepted_values import Node, accept_defaults
from .describe import (
    describe_parameter,
    describe_unsupported,
    find_places,
    find_unsupported,
    is_billed_without_result,
    to_sentence,
)
from .diagnostics import Diagnostic, ModelError
from .names import EMITTED_NAMES, parameter_names, pascal, snake
from .operations import COMMON, find_image_parameters
from .parse import ParsedClass, parse
from .records import Record
from .resolve import ResolvedModel, check_renamed
from .spec import (
    EnumAlias,
    EnumType,
    ModelSpec,
    NamedType,
    ObjectSpec,
    Parameter,
    RemovalNotice,
    find_enums,
    name_enums,
)

_COMMON_PARAMETERS = tuple(
    Parameter(
        name=name,
        alias=None,
        type=EnumType(tuple(schema["enum"]), None) if "enum" in schema else NamedType("str"),
        required=False,
        doc=describe_parameter(schema, schema, alias=None, required=False),
    )
    for name, schema in COMMON.items()
)
_OTHER_PARAMETERS = (
    "The schema describes other parameters in these keywords; pass them as JSON values, and to a call in its "
    "`extra_body`."
)
MAX_INLINE_OPTIONS = 50
"""The maximal number of values of an enum that is written where it is used."""
_NO_NAMES: Mapping[str, str] = MappingProxyType({})


def bind_model(model: ResolvedModel, renamed: Mapping[str, str] = _NO_NAMES) -> ModelSpec:
    """Return the specification of a model that has a typed call.

    Args:
        model: The model.
        renamed: New Python names of parameters by their old ones, from the configuration.

    Raises:
        ModelError: The schema cannot be expressed, or has no parameter with a new name of `renamed`.
    """
    record, operation, node = model.record, model.operation, model.node
    assert operation is not None
    assert operation.result is not None
    assert node is not None
    class_name = pascal(model.module)
    accepted = accept_defaults(node)
    try:
        outermost, *nested = parse(accepted, f"{class_name}Request", class_name)
    except Exception as error:  # of any type, because the engine has no base class of its errors
        raise ModelError(f"datamodel-code-generator failed: {type(error).__name__}: {error}") from error
    images = find_image_parameters(node)
    paths = [f"/api/ai{path}" for path in operation.paths]
    source = f"Source: model {record.id!r}, POST {', or '.join(paths)}{' with an image' * (len(paths) > 1)}."
    changed = f", changed {record.changed}" if record.changed else ""
    title = record.text("display_name") or record.id
    summary = to_sentence(record.text("summary") or record.text("description") or title)
    notes = [describe_unsupported(node, is_root=True)] if "unsupported" in node else []
    if node["additionalProperties"] is not False:
        notes.append(_OTHER_PARAMETERS)
    doc = " ".join([summary, *notes])
    request_doc = f"{doc}\n\n{source}"
    request = build_object(outermost, request_doc, add_common=True)
    spec = ModelSpec(
        model_id=record.id,
        module=model.module,
        class_name=class_name,
        family=operation.family,
        verbs=operation.verbs,
        result=operation.result,
        title=to_sentence(title if title == summary.rstrip(".") else f"{title}: {summary}"),
        doc=doc,
        source=f"{source}\n\nSchema {record.digest[:12]}{changed}.",
        removal=_build_removal_notice(record),
        renamed=check_renamed(renamed, {parameter.name for parameter in request.parameters}),
        request=request,
        image_parameters=tuple(
            parameter.name for parameter in request.parameters if parameter.wire_name in images
        )
        if operation.family == "images"
        else (),
        billed_parameters=tuple(
            parameter.name
            for parameter in request.parameters
            if is_billed_without_result(node["annotations"].get(parameter.wire_name, {}))
        ),
        nested=build_nested(accepted, nested, f"Part of a request to {record.id!r}."),
    )
    return _name_long_enums(spec)


def build_nested(node: Node, nested: Iterable[ParsedClass], source: str) -> tuple[ObjectSpec, ...]:
    """Return the specifications of the nested classes of a request, inner classes first.

    Args:
        node: The schema of the request, which was parsed.
        nested: The nested classes, outer classes first.
        source: A sentence that names the request, for the documentation of each class.
    """
    places = {id(inner): (place, meaning) for place, meaning, inner in find_places(node)}
    specs = [
        build_object(parsed, f"{_describe_place(*places[id(parsed.node)])}\n\n{source}") for parsed in nested
    ]
    return tuple(reversed(specs))


def _describe_place(place: str, meaning: str) -> str:
    """Return the parameter that an object is the value of, or an item of, and its meaning."""
    if place.endswith("[]"):
        summary = f"An item of `{place.removesuffix('[]')}`"
        return f"{summary}: {to_sentence(meaning)}" if meaning else f"{summary}."
    return f"`{place}`: {to_sentence(meaning)}" if meaning else f"The value of `{place}`."


def _name_long_enums(spec: ModelSpec) -> ModelSpec:
    """Return a specification in which each long enum has a name, because it would be written twice."""
    used = EMITTED_NAMES | {nested.class_name for nested in spec.nested}
    aliases: dict[str, EnumAlias] = {}
    for object_ in (spec.request, *spec.nested):
        for parameter in object_.parameters:
            for enum in find_enums(parameter.type):
                is_long = enum.base is None and len(enum.values) > MAX_INLINE_OPTIONS
                if not is_long or repr(enum.values) in aliases:
                    continue
                plain = name = f"{spec.class_name}{pascal(snake(parameter.name))}Options"
                number = 1
                while name in used:
                    number += 1
                    name = f"{plain}{number}"
                used |= {name}
                aliases[repr(enum.values)] = EnumAlias(name, enum.values)
    return name_enums(spec, tuple(aliases.values())) if aliases else spec


def list_diagnostics(model: ResolvedModel) -> list[Diagnostic]:
    """Return what a maintainer should know about a model that is bound or listed."""
    record, node = model.record, model.node
    if node is None:
        return []
    if not model.is_bound:
        family = model.operation.family if model.operation else "unknown"
        return [
            Diagnostic(
                record.id, "", f"listed without a typed call, though it has a schema (family: {family})"
            )
        ]
    found = [
        Diagnostic(record.id, pointer, f"validated by the server only: {', '.join(keywords)}")
        for pointer, keywords in find_unsupported(node)
    ]
    if "model" in node["annotations"]:
        message = "the parameter model is omitted, because the request body contains the model id there"
        found.append(Diagnostic(record.id, "/properties/model", message, "note"))
    return found


def build_object(parsed: ParsedClass, doc: str, *, add_common: bool = False) -> ObjectSpec:
    """Return the specification of a class.

    Args:
        parsed: The class.
        doc: Its documentation.
        add_common: Whether to add the parameters that every model has.
    """
    wire_names = parsed.types.keys()
    common = [
        parameter for parameter in _COMMON_PARAMETERS if add_common and parameter.name not in wire_names
    ]
    names = parameter_names([*wire_names, *(parameter.name for parameter in common)])
    required = set(parsed.node["required"])
    parameters: list[Parameter] = []
    for wire_name, type_ in parsed.types.items():
        node = parsed.node["properties"][wire_name]
        alias = None if names[wire_name] == wire_name else wire_name
        is_required = wire_name in required
        parameters.append(
            Parameter(
                name=names[wire_name],
                alias=alias,
                type=type_,
                required=is_required,
                doc=describe_parameter(
                    node, parsed.node["annotations"].get(wire_name, {}), alias=alias, required=is_required
                ),
            )
        )
    return ObjectSpec(parsed.name, doc, (*parameters, *common), parsed.extra)


def _build_removal_notice(record: Record) -> RemovalNotice | None:
    removal = record.removal
    if removal is None:
        return None
    replacement = f"; use {removal.successor!r}" if removal.successor else ""
    text = f"{record.id!r} was removed from the API on {removal.on}{replacement}"
    return RemovalNotice(removal.on, removal.successor, text)
