"""What changed between two catalogues, for a caller of the bindings. Pure; see docs/changes.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..bind import Model, place
from ..diagnostics import CodegenError, ModelError
from ..json_types import json_equal
from ..names import pascal, sharing, taken
from ..parse import parse
from ..records import Record
from . import renames as renaming
from . import schema
from .changes import Change, Diff, Rename, in_order
from .nodes import Place, classes
from .schema import root

_DATES = ("changed", "created", "released_at")
_TEXTS = {
    "display_name": "display-name-changed",
    "summary": "summary-changed",
    "description": "description-changed",
}


def compare(
    old: Mapping[str, Record], new: Mapping[str, Record], names: Mapping[str, str], client: str = ""
) -> Diff:
    """Every change from one catalogue to another.

    Args:
        old: Models by id.
        new: Likewise.
        names: Python names chosen by hand, by model id.
        client: A class of the package that no model's may be called like.

    Raises:
        CodegenError: The schema of a changed model is not that of an object.
    """
    differing = {
        model_id
        for model_id in old.keys() | new.keys()
        if model_id not in old or model_id not in new or not _is_same(old[model_id], new[model_id])
    }
    was, now = (
        _placed(records, names, client, differing, when)
        for records, when in ((old, "before"), (new, "after"))
    )
    found: list[Change] = []
    renames: list[Rename] = []
    gone = [was[model_id] for model_id in sorted(was.keys() - now.keys()) if model_id in differing]
    come = [now[model_id] for model_id in sorted(now.keys() - was.keys()) if model_id in differing]
    found.extend(Change(model.record.id, None, "model-removed", _call(model), None) for model in gone)
    found.extend(Change(model.record.id, None, "model-added", None, _call(model)) for model in come)
    renames.extend(Rename(one, None, one, other, why) for one, other, why in renaming.models(gone, come))
    for model_id in sorted(differing & was.keys() & now.keys()):
        found.extend(_changes(was[model_id], now[model_id]))
        renames.extend(_renames(was[model_id], now[model_id]))
    found.extend(_taken(was, now))
    return Diff(in_order(found), tuple(renames))


def _is_same(old: Record, new: Record) -> bool:
    keys = old.facts.keys() | new.facts.keys()
    return all(json_equal(old.facts.get(key), new.facts.get(key)) for key in keys if key not in _DATES)


def _placed(
    records: Mapping[str, Record], names: Mapping[str, str], client: str, differing: set[str], when: str
) -> dict[str, Model]:
    placed: dict[str, Model] = {}
    for model_id, record in records.items():
        try:
            placed[model_id] = place(record, names, client)
        except ModelError as error:
            # One that is as odd as it was has not changed.
            if model_id in differing:
                where = f" {error.path}" if error.path else ""
                raise CodegenError(
                    f"{model_id}{where}, {when}: {error.message}; nothing was done; "
                    "to go on without it, exclude it in [tool.oxen-codegen] of pyproject.toml"
                ) from None
    return placed


def _call(model: Model) -> str:
    return model.endpoint.path if model.is_bound and model.endpoint else "only listed"


def _changes(old: Model, new: Model) -> Iterator[Change]:
    model_id = old.record.id
    for kind, was, now in (*_calls(old, new), *_facts(old.record, new.record)):
        yield Change(model_id, None, kind, was, now)
    if old.node is None or new.node is None:
        return
    one, other = root(old.node, old.record.schema), root(new.node, new.record.schema)
    for parameter, kind, was, now in schema.changes(one, other):
        yield Change(model_id, parameter, kind, was, now)
    yield from _classes(old, new)


def _calls(old: Model, new: Model) -> Iterator[tuple[str, str | None, str | None]]:
    """Whether there is still a typed call, and the same one."""
    was, now = (model.endpoint.path if model.endpoint else None for model in (old, new))
    if old.node is not None and new.node is None:
        yield "schema-removed", _call(old), _call(new)
    if old.node is None and new.node is not None:
        yield "schema-added", _call(old), _call(new)
    if was is None and now is not None:
        yield "endpoint-added", was, now
    # Nobody called what had no call.
    elif was != now and (old.is_bound or not new.is_bound):
        yield "endpoint-changed", was, now


def _facts(old: Record, new: Record) -> Iterator[tuple[str, object, object]]:
    for key, kind in _TEXTS.items():
        was, now = (" ".join((record.text(key) or "").split()) or None for record in (old, new))
        if was != now:
            yield kind, was, now
    if old.developer != new.developer:
        yield "developer-changed", old.developer, new.developer
    capabilities, others = (
        {direction: sorted(set(record.media(direction))) for direction in ("input", "output")}
        for record in (old, new)
    )
    if capabilities != others:
        yield "capabilities-changed", capabilities, others


def _renames(old: Model, new: Model) -> Iterator[Rename]:
    if old.node is None or new.node is None:
        return
    for path, one, other in schema.objects("", *map(_root, (old, new))):
        for was, now, why in renaming.parameters(path, one, other):
            yield Rename(old.record.id, was, was, now, why)


def _root(model: Model) -> Place:
    assert model.node is not None
    return root(model.node, model.record.schema)


def _classes(old: Model, new: Model) -> Iterator[Change]:
    """Nested classes whose name is another, because others came or went."""
    assert old.node is not None
    assert new.node is not None
    was, now = (list(dict(classes(node))) for node in (old.node, new.node))
    if was == now or not set(was) & set(now) - {""}:
        return
    before, after = _class_names(old), _class_names(new)
    for path in before.keys() & after.keys():
        if before[path] != after[path]:
            yield Change(old.record.id, path, "python-name-changed", before[path], after[path])


def _class_names(model: Model) -> dict[str, str]:
    """The names of the nested classes of a model, by path."""
    node = model.node
    paths = {id(each): path for path, each in classes(node) if path} if node is not None else {}
    if node is None or not paths:
        return {}
    prefix = pascal(model.module)
    try:
        parsed = parse(node, f"{prefix}Request", prefix)
    except Exception as error:  # the engine's own, of whatever kind
        raise CodegenError(
            f"{model.record.id}: datamodel-code-generator fails: {type(error).__name__}: {error}"
        ) from error
    return {paths[id(each.node)]: each.name for each in parsed if id(each.node) in paths}


def _taken(was: Mapping[str, Model], now: Mapping[str, Model]) -> Iterator[Change]:
    """Models that share a Python name since others came: neither can be generated as it is."""
    before = sharing(_names(was))
    for model_id, (name, others) in sharing(_names(now)).items():
        if model_id in was and model_id not in before:
            yield Change(model_id, None, "name-taken", name, others)


def _names(models: Mapping[str, Model]) -> dict[str, list[tuple[str, str]]]:
    """What each bound model takes, but for the names of nested classes."""
    return {
        model_id: taken(model.endpoint.family, model.module)
        for model_id, model in models.items()
        if model.is_bound and model.endpoint
    }
