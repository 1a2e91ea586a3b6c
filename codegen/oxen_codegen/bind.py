"""From a record to all that its module is rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import normalize
from .describe import describe_unsupported, find_unsupported, parameter_doc, sentence
from .diagnostics import Diagnostic, ModelError
from .endpoints import COMMON, Endpoint, find_endpoint
from .names import module_name, parameter_names, pascal
from .normalize import Node
from .parse import Class, parse
from .records import Record
from .shape import Binding, Choice, Object, Parameter, Plain, Removal

_COMMON = (
    Parameter(
        name="response_format",
        alias=None,
        type=Choice(tuple(COMMON["response_format"]["enum"]), None),
        required=False,
        takes_media=False,
        doc="Whether the answer links to the result or holds it in base64. Left out, the hub takes 'url'.",
    ),
    Parameter(
        name="target_namespace",
        alias=None,
        type=Plain("str"),
        required=False,
        takes_media=False,
        doc="Who is billed and where results are kept. Left out, the owner of the key.",
    ),
)
_LONGEST_MODULE = 150


_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Model:
    """A model with its place in the package."""

    record: Record
    module: str
    endpoint: Endpoint | None
    node: Node | None
    """Its normalized schema; None for a model without one."""

    @property
    def is_bound(self) -> bool:
        return self.node is not None and self.endpoint is not None and self.endpoint.result is not None


def place(record: Record, names: Mapping[str, str], client: str = "") -> Model:
    """The name and the endpoint of a model.

    Args:
        record: The model.
        names: Python names chosen by hand, by model id.
        client: A class of the package that no model's may be called like.

    Raises:
        ModelError: Its schema is not that of an object.
    """
    node = None if record.schema is None else normalize.normalize(record.schema, record.media("input"))
    endpoint = find_endpoint(
        record.text("endpoint"),
        record.media("input"),
        record.media("output"),
        requires_image=node is not None and normalize.requires_image(node),
    )
    module = names.get(record.id) or module_name(record.id, client)
    if len(module) > _LONGEST_MODULE:
        raise ModelError(f"the id is too long: its Python name would have {len(module)} characters")
    return Model(record, module, endpoint, node)


def bind(model: Model, renamed: Mapping[str, str] = _NOTHING) -> Binding:
    """What the module of a bound model is rendered from.

    Args:
        model: The model.
        renamed: New Python names of its parameters, by the old ones.

    Raises:
        ModelError: The schema is beyond what can be emitted, or has no parameter of a new name.
    """
    record, endpoint, node = model.record, model.endpoint, model.node
    assert endpoint is not None
    assert endpoint.result is not None
    assert node is not None
    class_name = pascal(model.module)
    try:
        outermost, *nested = parse(normalize.accept_defaults(node), f"{class_name}Request", class_name)
    except Exception as error:  # the engine's own, of whatever kind: one model must not stop the others
        raise ModelError(f"datamodel-code-generator fails: {type(error).__name__}: {error}") from error
    source = f"Source: model {record.id!r}, POST /api/ai{endpoint.path}."
    changed = f", changed {record.changed}" if record.changed else ""
    title = record.text("display_name") or record.id
    summary = sentence(record.text("summary") or record.text("description") or title)
    request_doc = f"{summary}\n\n{source}"
    if "unsupported" in node:
        request_doc = f"{summary} {describe_unsupported(node['unsupported'])}\n\n{source}"
    request = _object(outermost, request_doc, common=True)
    return Binding(
        model_id=record.id,
        module=model.module,
        class_name=class_name,
        family=endpoint.family,
        verb=endpoint.verb,
        path=endpoint.path,
        result=endpoint.result,
        title=sentence(title if title == summary.rstrip(".") else f"{title}: {summary}"),
        doc=summary,
        source=f"{source} Schema {record.digest[:12]}{changed}.",
        is_queued=endpoint.is_queued,
        removal=_removal(record),
        renamed=_renamed(renamed, request),
        request=request,
        # The engine names the outer ones first; Python wants the inner ones first.
        nested=tuple(_object(each, f"Part of a request to {record.id!r}.") for each in reversed(nested)),
    )


def _renamed(renamed: Mapping[str, str], request: Object) -> tuple[tuple[str, str], ...]:
    names = {parameter.name for parameter in request.parameters}
    for old, new in renamed.items():
        said = f"[tool.oxen-codegen.renamed] {old} = {new!r}"
        if new not in names:
            raise ModelError(f"{said}: there is no parameter {new}; if the hub has it: oxen-codegen update")
        if old in names:
            raise ModelError(f"{said}: there is a parameter {old}")
    return tuple(sorted(renamed.items()))


def _removal(record: Record) -> Removal | None:
    removal = record.removal
    if removal is None:
        return None
    instead = f"; use {removal.successor!r}" if removal.successor else ""
    notice = f"{record.id!r} left the hub on {removal.on}{instead}"
    return Removal(removal.on, removal.successor, notice)


def findings(model: Model) -> list[Diagnostic]:
    """What whoever regenerates should know about a model that is bound or listed."""
    record, node = model.record, model.node
    if node is None:
        return []
    found: list[Diagnostic] = []
    if not model.is_bound:
        said = record.text("endpoint") or "no endpoint"
        found.append(
            Diagnostic(record.id, "", f"only listed, though it has a schema: no typed call for {said}")
        )
        return found
    for pointer, keywords in find_unsupported(node):
        found.append(Diagnostic(record.id, pointer, f"checked by the hub only: {', '.join(keywords)}"))
    if "model" in node["annotations"]:
        text = "a parameter named model is left out: the body has the model's id there"
        found.append(Diagnostic(record.id, "/properties/model", text, "note"))
    return found


def _object(shown: Class, doc: str, *, common: bool = False) -> Object:
    wires = shown.types.keys()
    added = [parameter for parameter in _COMMON if common and parameter.name not in wires]
    names = parameter_names([*wires, *(parameter.name for parameter in added)])
    required = set(shown.node["required"])
    parameters = [
        Parameter(
            name=names[wire],
            alias=alias,
            type=type_,
            required=wire in required,
            takes_media=any(normalize.find_media(shown.node["properties"][wire])),
            doc=parameter_doc(
                shown.node["properties"][wire],
                shown.node["annotations"].get(wire, {}),
                alias=alias,
                required=wire in required,
            ),
        )
        for wire, type_ in shown.types.items()
        for alias in [None if names[wire] == wire else wire]
    ]
    return Object(shown.name, doc, (*parameters, *added), shown.extra)
