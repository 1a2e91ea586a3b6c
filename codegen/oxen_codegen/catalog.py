"""The entries of the catalogue of a package."""

from __future__ import annotations

from .estimates import estimate_cost
from .operations import find_tasks
from .prices import describe_price
from .resolve import ResolvedModel
from .spec import CatalogEntry, ModelSpec


def build_entry(package: str, model: ResolvedModel, spec: ModelSpec | None) -> CatalogEntry:
    """Return the entry of a model.

    Args:
        package: The name of the package.
        model: The model.
        spec: Its typed call; None for a model without one.
    """
    record, operation = model.record, model.operation
    pricing = record.data.get("pricing")
    cost = estimate_cost(pricing, record.schema, {})
    return CatalogEntry(
        id=record.id,
        display_name=record.text("display_name") or record.id,
        summary=record.text("summary") or record.text("description"),
        developer=record.developer,
        family=operation.family if operation else None,
        verb=operation.verb if operation else None,
        verbs=operation.verbs if operation else (),
        inputs=record.media("input"),
        outputs=record.media("output"),
        tasks=find_tasks(model.node, operation.family, record.media("input")) if operation else (),
        parameters=tuple(parameter.name for parameter in spec.request.parameters) if spec else (),
        price=describe_price(pricing),
        default_cost=(f"{cost.low:f}", f"{cost.high:f}") if cost else None,
        module=f"{package}.{spec.family}.{spec.module}" if spec else None,
        schema_digest=None if record.schema is None else record.digest,
        changed=record.changed,
    )
