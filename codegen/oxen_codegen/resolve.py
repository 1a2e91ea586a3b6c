"""Resolve models: their Python names, their calls and their normalized schemas."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .accepted_values import Node
from .diagnostics import ModelError
from .names import module_name
from .normalize import normalize
from .operations import Operation, resolve_operation
from .records import Record, file_name

MAX_MODULE_NAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model with its Python name, its call and its normalized schema."""

    record: Record
    module: str
    operation: Operation | None
    node: Node | None
    """The normalized schema; None for a model without one."""

    @property
    def is_bound(self) -> bool:
        """Whether the model has a typed call."""
        return self.node is not None and self.operation is not None and self.operation.result is not None


def resolve_model(record: Record, names: Mapping[str, str], client: str = "") -> ResolvedModel:
    """Return the Python name, the call and the normalized schema of a model.

    Args:
        record: The model.
        names: Python names from the configuration, by model id.
        client: The name of the package's client class, which no class of a model may have.

    Raises:
        ModelError: The schema is not that of an object, the name is too long, or the model has no file.
    """
    file_name(record.id)
    record.check_size()
    node = None if record.schema is None else normalize(record.schema, record.media("input"))
    operation = resolve_operation(node, record.media("output"), record.text("endpoint"))
    module = names.get(record.id) or module_name(record.id, client)
    if len(module) > MAX_MODULE_NAME_LENGTH:
        raise ModelError(
            f"the Python name of the model must have at most {MAX_MODULE_NAME_LENGTH} characters, "
            f"got {len(module)}"
        )
    return ResolvedModel(record, module, operation, node)


def check_renamed(renamed: Mapping[str, str], names: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return the accepted renames of parameters, sorted.

    Args:
        renamed: New Python names of parameters by their old ones, from the configuration.
        names: The Python names of the model's parameters.

    Raises:
        ModelError: A new name is not one of a parameter, or an old name is one.
    """
    for old, new in renamed.items():
        entry = f"[tool.oxen-codegen.renamed] {old} = {new!r}"
        if new not in names:
            raise ModelError(f"{entry}: no parameter {new!r}; run `oxen-codegen update` if the API has it")
        if old in names:
            raise ModelError(f"{entry}: the model still has a parameter {old!r}")
    return tuple(sorted(renamed.items()))
