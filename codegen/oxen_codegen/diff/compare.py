"""Compare two catalogues from the point of view of a caller of the bindings; see docs/changes.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..bind import ResolvedModel, resolve_model
from ..diagnostics import CodegenError, ModelError
from ..json_types import json_equal
from ..names import find_collisions, pascal, reserved_names
from ..parse import parse
from ..prices import describe_price
from ..records import Record
from .changes import Change, Diff, Rename, sort_changes
from .nodes import Schema, find_classes
from .parameters import common_objects, compare_parameters, root_schema
from .renames import find_model_renames, find_parameter_renames

_IGNORED = ("changed", "created", "released_at")
_TOKEN_LIMITS = ("context_length", "max_output_tokens")
_TEXTS = {
    "display_name": "display-name-changed",
    "summary": "summary-changed",
    "description": "description-changed",
}


def compare(
    old: Mapping[str, Record], new: Mapping[str, Record], names: Mapping[str, str], client: str = ""
) -> Diff:
    """Return every change between two catalogues.

    Args:
        old: The old models by id.
        new: The new models by id.
        names: Python names chosen by hand, by model id.
        client: The name of the client class, which no model class may have.

    Raises:
        CodegenError: The schema of a changed model is not that of an object.
    """
    changed = _find_changed(old, new)
    return compare_models(
        _resolve_models(old, names, client, changed, "old"),
        _resolve_models(new, names, client, changed, "new"),
    )


def compare_models(old: Mapping[str, ResolvedModel], new: Mapping[str, ResolvedModel]) -> Diff:
    """Return every change between the resolved models of two catalogues, by id."""
    changed = _find_changed(
        *({model_id: model.record for model_id, model in models.items()} for models in (old, new))
    )
    removed = [old[model_id] for model_id in sorted(changed - new.keys())]
    added = [new[model_id] for model_id in sorted(changed - old.keys())]
    changes = [Change(model.record.id, None, "model-removed", _call(model), None) for model in removed]
    changes.extend(Change(model.record.id, None, "model-added", None, _call(model)) for model in added)
    renames = [
        Rename(old_id, None, old_id, new_id, evidence)
        for old_id, new_id, evidence in find_model_renames(removed, added)
    ]
    for model_id in sorted(changed & old.keys() & new.keys()):
        changes.extend(_compare_model(old[model_id], new[model_id]))
        renames.extend(_find_renames(old[model_id], new[model_id]))
    changes.extend(_find_new_collisions(old, new))
    return Diff(sort_changes(changes), tuple(renames))


def _find_changed(old: Mapping[str, Record], new: Mapping[str, Record]) -> set[str]:
    return {
        model_id
        for model_id in old.keys() | new.keys()
        if model_id not in old or model_id not in new or not _is_equal(old[model_id], new[model_id])
    }


def _is_equal(old: Record, new: Record) -> bool:
    keys = old.data.keys() | new.data.keys()
    return all(json_equal(old.data.get(key), new.data.get(key)) for key in keys if key not in _IGNORED)


def _resolve_models(
    records: Mapping[str, Record], names: Mapping[str, str], client: str, changed: set[str], side: str
) -> dict[str, ResolvedModel]:
    models: dict[str, ResolvedModel] = {}
    for model_id, record in records.items():
        try:
            models[model_id] = resolve_model(record, names, client)
        except ModelError as error:
            if model_id in changed:  # an invalid schema that did not change is no difference
                path = f" {error.path}" if error.path else ""
                raise CodegenError(
                    f"invalid {side} schema of {model_id}{path}: {error.message}; nothing was compared; "
                    "to ignore the model, exclude it in [tool.oxen-codegen.exclude]"
                ) from None
    return models


def _call(model: ResolvedModel) -> str:
    calls = ", ".join(sorted(_list_calls(model)))
    return calls if model.is_bound else f"{calls} (no typed call)".strip()


def _list_calls(model: ResolvedModel) -> set[str]:
    operation = model.operation
    return {f"{operation.family}.{verb}" for verb in operation.verbs} if operation else set()


def _family(model: ResolvedModel) -> str | None:
    return model.operation.family if model.operation else None


def _compare_model(old: ResolvedModel, new: ResolvedModel) -> Iterator[Change]:
    model_id = old.record.id
    for kind, before, after in (*_compare_calls(old, new), *_compare_metadata(old.record, new.record)):
        yield Change(model_id, None, kind, before, after)
    if old.node is None or new.node is None:
        return
    for parameter, kind, before, after in compare_parameters(_root(old), _root(new)):
        yield Change(model_id, parameter, kind, before, after)
    yield from _compare_class_names(old, new)


def _compare_calls(old: ResolvedModel, new: ResolvedModel) -> Iterator[tuple[str, str | None, str | None]]:
    if old.node is not None and new.node is None:
        yield "schema-removed", _call(old), _call(new)
    if old.node is None and new.node is not None:
        yield "schema-added", _call(old), _call(new)
    a, b = _list_calls(old), _list_calls(new)
    is_schema_kept = (old.node is None) == (new.node is None)
    if a == b or (not is_schema_kept and _family(old) == _family(new)):
        return
    # A model that was not callable breaks no call.
    is_additive = a <= b or (new.is_bound and not old.is_bound)
    yield "call-added" if is_additive else "call-changed", _call(old), _call(new)


def _compare_metadata(old: Record, new: Record) -> Iterator[tuple[str, object, object]]:
    for key, kind in _TEXTS.items():
        old_text, new_text = (" ".join((record.text(key) or "").split()) or None for record in (old, new))
        if old_text != new_text:
            yield kind, old_text, new_text
    if describe_price(old.data.get("pricing")) != describe_price(new.data.get("pricing")):
        yield "price-changed", old.data.get("pricing"), new.data.get("pricing")
    old_limits, new_limits = (
        {key: record.data[key] for key in _TOKEN_LIMITS if record.data.get(key) is not None}
        for record in (old, new)
    )
    if not json_equal(old_limits, new_limits):
        yield "token-limits-changed", old_limits, new_limits
    if old.developer != new.developer:
        yield "developer-changed", old.developer, new.developer
    old_capabilities, new_capabilities = (
        {direction: sorted(set(record.media(direction))) for direction in ("input", "output")}
        for record in (old, new)
    )
    if old_capabilities != new_capabilities:
        yield "capabilities-changed", old_capabilities, new_capabilities


def _find_renames(old: ResolvedModel, new: ResolvedModel) -> Iterator[Rename]:
    if old.node is None or new.node is None:
        return
    for path, a, b in common_objects("", _root(old), _root(new)):
        for old_path, new_path, evidence in find_parameter_renames(path, a, b):
            yield Rename(old.record.id, old_path, old_path, new_path, evidence)


def _root(model: ResolvedModel) -> Schema:
    assert model.node is not None
    return root_schema(model.node, model.record.schema)


def _compare_class_names(old: ResolvedModel, new: ResolvedModel) -> Iterator[Change]:
    """Yield nested classes that are renamed because other classes were added or removed."""
    assert old.node is not None
    assert new.node is not None
    old_paths, new_paths = (list(dict(find_classes(node))) for node in (old.node, new.node))
    if old_paths == new_paths or not set(old_paths) & set(new_paths) - {""}:
        return
    old_names, new_names = _class_names(old), _class_names(new)
    for path in old_names.keys() & new_names.keys():
        if old_names[path] != new_names[path]:
            yield Change(old.record.id, path, "python-name-changed", old_names[path], new_names[path])


def _class_names(model: ResolvedModel) -> dict[str, str]:
    """Return the names of the nested classes of a model, by path."""
    node = model.node
    paths = {id(child): path for path, child in find_classes(node) if path} if node is not None else {}
    if node is None or not paths:
        return {}
    prefix = pascal(model.module)
    try:
        classes = parse(node, f"{prefix}Request", prefix)
    except Exception as error:  # datamodel-code-generator does not document what it raises
        raise CodegenError(
            f"{model.record.id}: datamodel-code-generator failed: {type(error).__name__}: {error}"
        ) from error
    return {paths[id(parsed.node)]: parsed.name for parsed in classes if id(parsed.node) in paths}


def _find_new_collisions(
    old: Mapping[str, ResolvedModel], new: Mapping[str, ResolvedModel]
) -> Iterator[Change]:
    """Yield old models whose Python name collides with that of a new model; neither can be generated."""
    known = find_collisions(_python_names(old))
    for model_id, (name, others) in find_collisions(_python_names(new)).items():
        if model_id in old and model_id not in known:
            yield Change(model_id, None, "name-collision", name, others)


def _python_names(models: Mapping[str, ResolvedModel]) -> dict[str, list[tuple[str, str]]]:
    """Return the Python names of each model with a typed call, except those of nested classes."""
    return {
        model_id: reserved_names(model.operation.family, model.module)
        for model_id, model in models.items()
        if model.is_bound and model.operation
    }
