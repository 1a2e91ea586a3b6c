"""Write the changelog entry of an update: by impact and model, with what callers have to change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from .config import Config
from .diff.changes import IMPACTS, Change, Diff
from .diff.formats import code_span, format_change, group_models, truncate
from .json_types import is_list
from .names import parameter_names
from .records import Record

_MAX_VALUES = 20  # of an enum; the documentation of the parameter has them all
_MAX_LINE = 110
# What a caller has to do, if the old and new value do not show it.
_ADVICE: Mapping[str, str] = {
    "schema-removed": "the typed call is removed",
    "parameter-removed": "omit it",
    "required-parameter-added": "pass it",
    "became-required": "pass it",
    "became-array": "pass a list",
    "became-scalar": "pass a single value",
    "additional-properties-rejected": "omit other properties",
}


def format_entry(diff: Diff, expired: Iterable[Record], config: Config, today: str) -> str:
    """Return the entry of an update. Changes of documentation are only counted, except prices.

    Args:
        diff: The changes.
        expired: Models that left the API in an earlier minor version, and whose modules are now removed.
        config: The accepted successors and renames.
        today: The date, as YYYY-MM-DD.
    """
    sections: dict[str, list[str]] = {impact: [] for impact in IMPACTS}
    for impact, changes in groupby(diff.changes, key=lambda change: change.impact):
        listed = [change for change in changes if _is_listed(change)]
        for models, lines in group_models(listed, lambda change: _format_line(diff, change, config)):
            sections[impact].extend(_list_models(models))
            sections[impact].extend(f"  - {line}." for line in lines)
    if expired_ids := [record.id for record in expired]:
        sections["breaking"].extend(_list_models(expired_ids))
        sections["breaking"].append("  - Module removed: the model left the API in an earlier minor version.")
    if count := sum(not _is_listed(change) for change in diff.changes):
        sections["documentation"].append(f"- {count} change{'s' if count > 1 else ''} of documentation.")
    headings = (f"#### {impact.capitalize()}\n\n" for impact in IMPACTS)
    texts = ("\n".join(lines) for lines in sections.values())
    parts = (f"{heading}{text}" for heading, text in zip(headings, texts, strict=True) if text)
    return "\n\n".join([f"### Models, {today}", *([_summarize(diff)] if diff.changes else []), *parts])


def _summarize(diff: Diff) -> str:
    added, removed = (
        sum(change.kind == kind for change in diff.changes) for kind in ("model-added", "model-removed")
    )
    changed = len({change.model for change in diff.changes}) - added - removed
    return f"Models: {added} added, {removed} removed, {changed} changed."


def _is_listed(change: Change) -> bool:
    return change.impact != "documentation" or change.kind == "price-changed"


def _list_models(models: Iterable[str]) -> list[str]:
    """Return a list item with model ids, wrapped between the ids."""
    lines = ["-"]
    for model in models:
        item = f" {code_span(truncate(model))}"
        if len(lines[-1]) + len(item) >= _MAX_LINE and lines[-1].strip(" -"):
            lines[-1] += ","
            lines.append(" ")
        elif lines[-1].strip(" -"):
            item = f",{item}"
        lines[-1] += item
    return lines


def _format_line(diff: Diff, change: Change, config: Config) -> str:
    kind = change.kind.replace("-", " ")
    parameter = f"{code_span(truncate(change.parameter))}: " if change.parameter else ""
    details = format_change(change, code_span)
    line = f"{parameter}{kind if parameter else kind.capitalize()}{f': {details}' if details else ''}"
    return "; ".join([line, *_advise(diff, change, config)])


def _advise(diff: Diff, change: Change, config: Config) -> list[str]:
    """Return what a caller has to do about a breaking change."""
    if change.impact != "breaking":
        return []
    if change.kind == "model-removed" and change.model in config.successors:
        return [f"use {code_span(config.successors[change.model])}"]
    if change.kind == "parameter-removed" and (name := _accepted_rename(change, config)):
        return [f"use {code_span(name)}; the old name is accepted at run time, with a `DeprecationWarning`"]
    advice = [_ADVICE[change.kind]] if change.kind in _ADVICE else []
    if change.kind == "enum-narrowed" and is_list(change.old) and is_list(change.new):
        advice.append(f"pass one of {_format_values(change.new)}")
    renames = [
        f"possibly renamed to {code_span(truncate(rename.new))}"
        for rename in diff.renames
        if (rename.model, rename.parameter) == (change.model, change.parameter)
    ]
    return [*advice, *renames]


def _accepted_rename(change: Change, config: Config) -> str | None:
    """Return the new name of a parameter whose rename is accepted in the configuration."""
    [old] = parameter_names([change.parameter or ""]).values()
    return config.renamed.get(change.model, {}).get(old)


def _format_values(values: list[Any]) -> str:
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    more = [f"{len(texts) - _MAX_VALUES} more"] if len(texts) > _MAX_VALUES else []
    return ", ".join([*(code_span(truncate(text)) for text in texts[:_MAX_VALUES]), *more])
