"""The data of the page: models, their schemas and examples, the table of aliases, and frames of programs."""

from __future__ import annotations

import runpy
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..accepted_values import Node, is_number
from ..composition import expand_schema
from ..diagnostics import Diagnostic
from ..json_types import is_list, is_object
from ..normalize import normalize
from ..operations import COMMON
from ..reference.frames import render_frames
from ..reference.pages import build_page, choose_slugs
from ..reference.site import load_templates
from ..resolve import ResolvedModel
from ..spec import ModelSpec
from .compact import compact_models
from .schemas import build_schema

_COMMON_SCHEMA: dict[str, Any] = {"properties": dict(COMMON)}
Models = Iterable[tuple[ResolvedModel, ModelSpec | None]]
"""Models with the specification of their typed call, if they have one."""


def select_models(models: Models) -> tuple[list[tuple[ResolvedModel, ModelSpec]], list[Diagnostic]]:
    """Return the models that the page has, and why it does not have others.

    Models without a typed call and removed ones are not on the page either.
    """
    selected: list[tuple[ResolvedModel, ModelSpec]] = []
    notes: list[Diagnostic] = []
    for model, spec in sorted(models, key=lambda pair: pair[0].record.id):
        if spec is None or spec.removal is not None:
            continue
        if _has_large_number(model.node):
            message = "not in the workbench, because a number of its schema is too large for JavaScript"
            notes.append(Diagnostic(model.record.id, "", message, "note"))
        else:
            selected.append((model, spec))
    return selected, notes


def _has_large_number(value: object) -> bool:
    """Return whether a value has a number between which and the next one JavaScript may not distinguish."""
    if is_object(value):
        return any(map(_has_large_number, value.values()))
    return any(map(_has_large_number, value)) if is_list(value) else is_number(value) and abs(value) >= 2**53


def build_data(models: Iterable[tuple[ResolvedModel, ModelSpec]], template_dir: Path) -> dict[str, Any]:
    """Return the data of the page.

    Args:
        models: The models that it has.
        template_dir: The folder of built-in templates.
    """
    return {
        **compact_models(build_models(models)),
        "common": build_schema(normalize(_COMMON_SCHEMA), _COMMON_SCHEMA),
        "aliases": read_aliases(template_dir),
        "programs": render_frames(load_templates(template_dir)),
    }


def build_models(models: Iterable[tuple[ResolvedModel, ModelSpec]]) -> list[dict[str, Any]]:
    """Return models as `engine.find` returns them."""
    models = list(models)
    slugs = choose_slugs(model.record.id for model, _ in models)
    return [_build_model(model, spec, slugs[model.record.id]) for model, spec in models]


def read_aliases(template_dir: Path) -> dict[str, Any]:
    """Return the names that models have for the same parameter, as the runtime has them."""
    module = runpy.run_path(str(template_dir / "package" / "_runtime" / "aliases.py"))
    return {
        "aliases": [asdict(alias) for alias in module["ALIASES"]],
        "shapes": dict(module["SHAPES"]),
        "automatic": sorted(module["AUTOMATIC"]),
        "same_formats": dict(module["SAME_FORMATS"]),
    }


def _build_model(model: ResolvedModel, spec: ModelSpec, slug: str) -> dict[str, Any]:
    assert model.node is not None
    page = build_page(model, slug)
    record = model.record
    schema = expand_schema(record.schema)
    operation = page.operation
    assert operation is not None
    *without_image, path = operation.paths
    classes = (nested.class_name for nested in reversed(spec.nested))
    return {
        "id": page.id,
        "reference": page.slug,
        "name": page.title,
        "description": page.summary,
        "developer": page.developer,
        "task": ", ".join(page.tasks),
        "family": page.family,
        "module": page.module,
        "verb": page.verbs[0],
        "path": path,
        **({"path_without_image": without_image[0]} if without_image else {}),
        "image_parameters": list(page.image_parameters) if page.family == "images" else [],
        "price": page.price or None,
        "rate": page.rate and {"unit": page.rate[0], "amount": f"{page.rate[1]:f}"},
        "pricing": record.data.get("pricing"),
        "basic": _list_basic(schema, model.node),
        "citations": [
            {"mark": citation.mark, "parameters": list(citation.parameters)} for citation in page.citations
        ],
        "names": {
            parameter.wire_name: parameter.name
            for parameter in page.parameters
            if parameter.name != parameter.wire_name
        },
        "example": page.values.basic if page.values else {},
        "schema": build_schema(model.node, schema, classes),
    }


def _list_basic(schema: object, node: Node) -> list[str]:
    """Return the wire names of the parameters that a form shows first."""
    names: Any = schema.get("basic") if is_object(schema) else None
    basic = names if is_list(names) else []
    return [name for name in node["properties"] if name in basic]
