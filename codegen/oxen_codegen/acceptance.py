"""Decide which models can be recorded: a model that cannot be bound is never recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .build import BoundModel, PackageBuilder, find_name_collisions, find_replaced_models
from .diagnostics import CodegenError, Diagnostic, ModelError
from .records import Record


class UnbindableRecordsError(CodegenError):
    """Recorded models cannot be bound, for example after a change of the generator or of a file by hand.

    Args:
        unreadable: The errors of files that are not records, by file name.
        unbindable: The errors of models that cannot be bound, by id.
        records: The recorded models by id.
    """

    def __init__(
        self,
        unreadable: Mapping[str, ModelError],
        unbindable: Mapping[str, ModelError],
        records: Mapping[str, Record],
    ) -> None:
        errors = {**unreadable, **{records[id].file or id: error for id, error in unbindable.items()}}
        super().__init__(
            f"{len(errors)} of {len(records) + len(unreadable)} recorded models cannot be bound; nothing was "
            "written; fetch the model again, or exclude it in [tool.oxen-codegen] of pyproject.toml",
            [Diagnostic(file, error.path, error.message, "error") for file, error in errors.items()],
        )


@dataclass
class Acceptance:
    """The records to keep, and the models that are bound from them."""

    records: dict[str, Record]
    """By id: accepted candidates, and the other recorded models."""
    accepted: dict[str, Record]
    """The accepted candidates by id."""
    models: dict[str, BoundModel] = field(default_factory=dict[str, BoundModel])
    """The models of the package by id."""
    rejected: list[Diagnostic] = field(default_factory=list[Diagnostic])
    """Why candidates were rejected: errors, and notes for models that the configuration excludes."""
    unbindable: dict[str, ModelError] = field(default_factory=dict[str, ModelError])
    """The recorded models that cannot be bound, by id."""
    replaced: dict[str, str] = field(default_factory=dict[str, str])
    """The removed models whose notice is dropped: the id of the model that has the Python name, by id."""


def accept_records(
    builder: PackageBuilder, recorded: Mapping[str, Record], candidates: Mapping[str, Record]
) -> Acceptance:
    """Accept the candidates that can be bound.

    In place of a candidate that is rejected, the recorded model is kept, if there is one. Of models with
    the same Python name, those that are not recorded are rejected. A removed model has no claim to its Python
    name: if a model of the API has it, the notice is dropped.

    Args:
        builder: Binds the models.
        recorded: The recorded models by id.
        candidates: New and changed models by id.
    """
    result = Acceptance({**recorded, **candidates}, dict(candidates))
    for model_id in result.records:
        _bind(builder, result, model_id)
    while rejected := _choose_rejected(result, recorded):
        for model_id, error in rejected.items():
            del result.records[model_id]
            record = result.accepted.pop(model_id)
            is_selected = builder.config.selection.matches(record)
            result.rejected.append(
                Diagnostic(model_id, error.path, error.message, "error" if is_selected else "note")
            )
            result.models.pop(model_id, None)
            result.unbindable.pop(model_id, None)
            if model_id in recorded:
                result.records[model_id] = recorded[model_id]
                _bind(builder, result, model_id)
    result.replaced = find_replaced_models(result.models)
    for model_id in result.replaced:
        for kept in (result.records, result.accepted, result.models):
            kept.pop(model_id, None)
    result.unbindable |= find_name_collisions(result.models)
    return result


def _bind(builder: PackageBuilder, result: Acceptance, model_id: str) -> None:
    record = result.records[model_id]
    is_selected = builder.config.selection.matches(record)
    is_candidate = model_id in result.accepted
    if not is_selected and not is_candidate:
        return
    try:
        model = builder.bind_model(record)
        if is_candidate:
            builder.check_model(model)
    except ModelError as error:
        result.unbindable[model_id] = error
    else:
        if is_selected:
            result.models[model_id] = model


def _choose_rejected(result: Acceptance, recorded: Mapping[str, Record]) -> dict[str, ModelError]:
    """Return the candidates to reject next, with the reasons."""
    unbindable = {id: error for id, error in result.unbindable.items() if id in result.accepted}
    if unbindable:
        return unbindable
    current = {id: model for id, model in result.models.items() if model.record.removal is None}
    collisions = find_name_collisions(current)
    changed = {id: error for id, error in collisions.items() if id in result.accepted}
    # New models are rejected first, because a changed model may collide with new models only.
    return {id: error for id, error in changed.items() if id not in recorded} or changed
