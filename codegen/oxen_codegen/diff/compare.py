"""Compare two catalogues from the point of view of a caller of the bindings; see docs/changes.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ..composition import expand_schema
from ..diagnostics import ModelError
from ..engine_input import name_classes
from ..json_types import is_object, json_equal
from ..names import find_collisions, parameter_names, pascal, rename_nested_classes, reserved_names
from ..prices import describe_price
from ..records import Record
from ..resolve import ResolvedModel, check_renamed, resolve_model
from .changes import Change, Diff, Rename, describe_collision, sort_changes
from .nodes import Schema, find_classes
from .parameters import common_objects, compare_parameters, root_schema
from .renames import find_model_renames, find_parameter_renames

_NO_RENAMES: Mapping[str, Mapping[str, str]] = MappingProxyType({})
_IGNORED = ("changed", "created", "released_at")
_TOKEN_LIMITS = ("context_length", "max_output_tokens")
_TEXTS = {
    "display_name": "display-name-changed",
    "summary": "summary-changed",
    "description": "description-changed",
}


def compare(
    old: Mapping[str, Record],
    new: Mapping[str, Record],
    names: Mapping[str, str],
    client: str = "",
    renamed: Mapping[str, Mapping[str, str]] = _NO_RENAMES,
) -> Diff:
    """Return every change between two catalogues.

    Args:
        old: The old models by id.
        new: The new models by id.
        names: Python names chosen by hand, by model id.
        client: The name of the client class, which no model class may have.
        renamed: New Python names of parameters of the new catalogue by their old ones, by model id.
    """
    changed = _find_changed(old, new)
    new_models, new_errors = _resolve_models(new, names, client, renamed)
    # The configuration describes the new catalogue; an old one may lack the new name of a parameter.
    old_models, old_errors = _resolve_models(
        {model_id: record for model_id, record in old.items() if model_id in changed},
        names,
        client,
        _NO_RENAMES,
    )
    # Most models are the same in both catalogues, and are not resolved a second time.
    unchanged = {model_id: model for model_id, model in new_models.items() if model_id not in changed}
    # An invalid schema that did not change is no difference.
    refused = new_errors.keys() & changed
    comparable = {model_id: model for model_id, model in old_models.items() if model_id not in refused}
    diff = compare_models({**unchanged, **comparable}, new_models)
    changes = [
        *diff.changes,
        *(
            Change(model_id, None, _refused_kind(model_id, old_models), None, new_errors[model_id].message)
            for model_id in refused
        ),
        *(Change(model_id, None, "model-removed", None, None) for model_id in old_errors.keys() - new.keys()),
    ]
    return Diff(sort_changes(changes), diff.renames)


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
        try:
            found, found_renames = _compare_model(old[model_id], new[model_id])
        except (ModelError, RecursionError, TypeError, ValueError) as error:
            message = f"cannot be compared: {type(error).__name__}: {error}"
            found, found_renames = [Change(model_id, None, "model-refused", None, message)], []
        changes.extend(found)
        renames.extend(found_renames)
    changes.extend(_find_new_collisions(old, new))
    changes.extend(_compare_class_names(old, new))
    return Diff(sort_changes(changes), tuple(renames))


def _find_changed(old: Mapping[str, Record], new: Mapping[str, Record]) -> set[str]:
    return {
        model_id
        for model_id in old.keys() | new.keys()
        if model_id not in old or model_id not in new or not _is_equal(old[model_id], new[model_id])
    }


def _is_equal(old: Record, new: Record) -> bool:
    keys = old.data.keys() | new.data.keys()
    return old is new or all(
        json_equal(old.data.get(key), new.data.get(key)) for key in keys if key not in _IGNORED
    )


def _resolve_models(
    records: Mapping[str, Record],
    names: Mapping[str, str],
    client: str,
    renamed: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, ResolvedModel], dict[str, ModelError]]:
    """Return the resolved models, and the errors of those that `generate` refuses, by id."""
    models: dict[str, ResolvedModel] = {}
    errors: dict[str, ModelError] = {}
    for model_id, record in records.items():
        try:
            model = resolve_model(record, names, client)
            if model.is_bound and model_id in renamed:
                properties = _root(model).node["properties"]
                check_renamed(renamed[model_id], parameter_names(properties).values())
        except ModelError as error:
            errors[model_id] = error
        except (RecursionError, TypeError, ValueError) as error:
            errors[model_id] = ModelError(f"{type(error).__name__}: {error}")
        else:
            models[model_id] = model
    return models, errors


def _refused_kind(model_id: str, old: Mapping[str, ResolvedModel]) -> str:
    """Return the kind of the change of a model that `generate` refuses: no call of a new one is broken."""
    return "model-refused" if model_id in old else "new-model-refused"


def _call(model: ResolvedModel) -> str:
    calls = ", ".join(sorted(_list_calls(model)))
    return calls if model.is_bound else f"{calls} (no typed call)".strip()


def _list_calls(model: ResolvedModel) -> set[str]:
    operation = model.operation
    return {f"{operation.family}.{verb}" for verb in operation.verbs} if operation else set()


def _family(model: ResolvedModel) -> str | None:
    return model.operation.family if model.operation else None


def _compare_model(old: ResolvedModel, new: ResolvedModel) -> tuple[list[Change], list[Rename]]:
    """Return the changes of a model, and the renames of parameters that they may be."""
    model_id = old.record.id
    changes = [
        Change(model_id, None, kind, before, after)
        for kind, before, after in (*_compare_calls(old, new), *_compare_metadata(old.record, new.record))
    ]
    if old.node is None or new.node is None:
        return changes, []
    a, b = _root(old), _root(new)
    changes.extend(Change(model_id, *change) for change in compare_parameters(a, b))
    renames = [
        Rename(model_id, old_path, old_path, new_path, evidence)
        for path, *objects in common_objects("", a, b)
        for old_path, new_path, evidence in find_parameter_renames(path, *objects)
    ]
    return changes, renames


def _compare_calls(old: ResolvedModel, new: ResolvedModel) -> Iterator[tuple[str, str | None, str | None]]:
    if old.node is not None and new.node is None:
        yield "schema-removed" if old.is_bound else "server-validation-changed", _call(old), _call(new)
    if old.node is None and new.node is not None:
        yield "schema-added", _call(old), _call(new)
    a, b = _list_calls(old), _list_calls(new)
    is_schema_kept = (old.node is None) == (new.node is None)
    if a == b or (not is_schema_kept and _family(old) == _family(new)):
        return
    # A model that was not callable breaks no call; every chat model is callable.
    was_callable = old.is_bound or _family(old) == "chat"
    is_additive = a <= b or (new.is_bound and not was_callable)
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


def _root(model: ResolvedModel) -> Schema:
    assert model.node is not None
    schema = model.record.schema
    return root_schema(model.node, expand_schema(schema) if is_object(schema) else schema)


def _compare_class_names(
    old: Mapping[str, ResolvedModel], new: Mapping[str, ResolvedModel]
) -> Iterator[Change]:
    """Yield nested classes that are renamed because other classes were added or removed."""
    old_names, new_names = _class_names(old), _class_names(new)
    for model_id in sorted(old_names.keys() & new_names.keys()):
        if old[model_id].module != new[model_id].module:
            continue
        a, b = old_names[model_id], new_names[model_id]
        for path in sorted(a.keys() & b.keys()):
            if a[path] != b[path]:
                yield Change(model_id, path, "python-name-changed", a[path], b[path])


def _class_names(models: Mapping[str, ResolvedModel]) -> dict[str, dict[str, str]]:
    """Return the names of the nested classes of each model, by path."""
    classes: dict[str, dict[str, str]] = {}
    nested: dict[str, tuple[str, str, list[str]]] = {}
    for model_id, model in models.items():
        if model.is_bound and model.node is not None and model.operation is not None:
            paths = {id(child): path for path, child in find_classes(model.node) if path}
            named = name_classes(model.node, pascal(model.module)) if paths else []
            classes[model_id] = {paths[id(node)]: name for name, node in named if id(node) in paths}
            nested[model_id] = (model.operation.family, model.module, [name for name, _ in named])
    for model_id, renamed in rename_nested_classes(nested).items():
        for path, name in classes[model_id].items():
            classes[model_id][path] = renamed.get(name, name)
    return classes


def _find_new_collisions(
    old: Mapping[str, ResolvedModel], new: Mapping[str, ResolvedModel]
) -> Iterator[Change]:
    """Yield models whose Python name collides with that of a new model; neither can be generated.

    If a new model has the name of an old one, only the old one is yielded, because its calls break.
    """
    known = find_collisions(_python_names(old))
    for model_id, (name, others) in find_collisions(_python_names(new)).items():
        if model_id in old and model_id not in known:
            yield Change(model_id, None, "name-collision", name, others)
        elif model_id not in old and not old.keys() & {*others}:
            message = describe_collision(name, others)
            yield Change(model_id, None, "new-model-refused", None, message)


def _python_names(models: Mapping[str, ResolvedModel]) -> dict[str, list[tuple[str, str]]]:
    """Return the Python names of each model with a typed call, except those of nested classes."""
    return {
        model_id: reserved_names(model.operation.family, model.module)
        for model_id, model in models.items()
        if model.is_bound and model.operation
    }
