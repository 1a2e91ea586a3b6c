"""Format a diff as text, as Markdown for a pull request, or as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from ..accepted_values import make_key
from ..diagnostics import make_printable
from ..json_types import is_list
from ..prices import describe_price
from .changes import IMPACTS, Change, Diff, Rename, describe_collision, next_version
from .nodes import describe_count, describe_length, describe_range, describe_values, dump_json

_MAX_TEXT = 160  # characters of a value
_MAX_PRICE = 300  # more, because a price has an amount for each quality and resolution
_MAX_BODY = 60_000  # characters; GitHub accepts 65,536 in a pull request
_SELF_EXPLANATORY = frozenset({"became-optional", "became-required"})
# Kinds whose values are JSON values or texts from the API.
_QUOTED = frozenset(
    "default-added default-changed default-removed description-changed developer-changed "
    "display-name-changed summary-changed title-changed".split()
)
# Kinds whose values are described in words; "" means that there is no limit, or no price.
_DESCRIBE: Mapping[str, tuple[Callable[[Any], str | None], str]] = {
    "range": (describe_range, "unlimited"),
    "length": (describe_length, "unlimited"),
    "count": (describe_count, "unlimited"),
    "price": (describe_price, "not stated"),
    "token": (lambda limits: ", ".join(f"{key} {limits[key]}" for key in limits), "none"),
}


def format_text(diff: Diff, version: str) -> str:
    """Return one line for each change, the most severe first, and a summary."""
    renames = _renames_by_source(diff)
    lines: list[str] = []
    for change in diff.changes:
        subject = " ".join(
            make_printable(truncate(name)) for name in (change.model, change.parameter) if name
        )
        lines.append(f"{change.impact}: {subject}: {_format_kind(change, renames, make_printable)}")
    return "\n".join([*lines, f"diff: {_summarize(diff, version)}"])


def format_markdown(diff: Diff, version: str) -> str:
    """Return Markdown for a pull request. Text from the API appears only in code spans."""
    lines: list[str] = []
    remaining = _MAX_BODY
    for line in _markdown_lines(diff, version):
        remaining -= len(line) + 1
        if remaining < 0:
            lines.extend(["", "Truncated. Run `oxen-codegen diff` for the complete list.", ""])
            break
        lines.append(line)
    return "\n".join(lines)


def _markdown_lines(diff: Diff, version: str) -> Iterator[str]:
    renames = _renames_by_source(diff)

    def format_line(change: Change) -> str:
        parameter = f"{code_span(truncate(change.parameter))}: " if change.parameter else ""
        return f"- {parameter}{_format_kind(change, renames, code_span)}"

    yield "## Model changes"
    yield ""
    summary = _summarize(diff, version)
    yield f"{summary[0].upper()}{summary[1:]}."
    for impact, changes in groupby(diff.changes, key=lambda change: change.impact):
        yield ""
        yield f"### {impact.capitalize()}"
        for models, lines in group_models(changes, format_line):
            yield ""
            yield ", ".join(code_span(truncate(model)) for model in models)
            yield ""
            yield from lines
    yield ""


def format_json(diff: Diff, version: str) -> str:
    """Return the diff as a JSON object; docs/changes.md describes it."""
    counts: dict[str, int] = {impact: diff.count(impact) for impact in IMPACTS}
    document: dict[str, Any] = {
        "changes": [
            {
                "model": change.model,
                "parameter": change.parameter,
                "kind": change.kind,
                "impact": change.impact,
                "old": change.old,
                "new": change.new,
            }
            for change in diff.changes
        ],
        "renames": [
            {
                "model": rename.model,
                "parameter": rename.parameter,
                "old": rename.old,
                "new": rename.new,
                "evidence": list(rename.evidence),
            }
            for rename in diff.renames
        ],
        "summary": {
            **counts,
            "max_impact": diff.max_impact,
            "version": version,
            "next_version": next_version(version, diff.max_impact),
        },
    }
    # ASCII only, so that text from the API cannot control the terminal.
    return json.dumps(document, indent=2)


FORMATS: Mapping[str, Callable[[Diff, str], str]] = {
    "text": format_text,
    "markdown": format_markdown,
    "json": format_json,
}


def group_models(
    changes: Iterable[Change], format_line: Callable[[Change], str]
) -> Iterator[tuple[list[str], tuple[str, ...]]]:
    """Yield the models that changed in the same way together: their ids, and a line for each change."""
    lines: dict[str, list[str]] = {}
    for change in changes:
        lines.setdefault(change.model, []).append(format_line(change))
    groups: dict[tuple[str, ...], list[str]] = {}
    for model, model_lines in lines.items():
        groups.setdefault(tuple(model_lines), []).append(model)
    yield from ((models, group_lines) for group_lines, models in groups.items())


def _format_kind(
    change: Change, renames: Mapping[tuple[str, str | None], Rename], quote: Callable[[str], str]
) -> str:
    details = format_change(change, quote)
    rename = None
    if change.kind in ("model-removed", "parameter-removed"):
        rename = renames.get((change.model, change.parameter))
    hint = ""
    if rename is not None:
        hint = f"; possibly renamed to {quote(truncate(rename.new))} ({', '.join(rename.evidence)})"
    return f"{change.kind}{f': {details}' if details else ''}{hint}"


def format_change(change: Change, quote: Callable[[str], str]) -> str:
    """Return the old and new value in words, or "" if the kind of the change states them.

    Args:
        change: The change.
        quote: Escapes text from the API.
    """
    old, new = change.old, change.new
    if change.kind in _SELF_EXPLANATORY:
        return ""
    if change.kind.endswith(("-added", "-accepted")):
        return quote(_format_value(new, change.kind))
    if change.kind.endswith(("-removed", "-rejected")):
        return quote(_format_value(old, change.kind))
    if change.kind.endswith("model-refused"):
        return quote(_format_value(new, change.kind))
    if change.kind == "name-collision":
        return describe_collision(quote(old), [quote(truncate(model)) for model in new])
    if is_list(old) and is_list(new):
        parts = (("removed", missing_values(old, new)), ("added", missing_values(new, old)))
        return "; ".join(
            f"{verb} {quote(truncate(describe_values(values)))}" for verb, values in parts if values
        )
    return f"{quote(_format_value(old, change.kind))} -> {quote(_format_value(new, change.kind))}"


def missing_values(values: Iterable[Any], others: Iterable[Any]) -> list[Any]:
    """Return the values of an enum that another enum lacks."""
    known = set(map(make_key, others))
    return [value for value in values if make_key(value) not in known]


def _format_value(value: Any, kind: str) -> str:
    if (subject := kind.partition("-")[0]) in _DESCRIBE:
        describe, nothing = _DESCRIBE[subject]
        return truncate(describe(value) or nothing, _MAX_PRICE)
    if value is None and not kind.startswith("default-"):
        return "none"
    if kind not in _QUOTED and isinstance(value, str):
        return truncate(value)
    if kind not in _QUOTED and is_list(value):
        return truncate(f"one of {describe_values(value)}")
    return truncate(dump_json(value))


def truncate(text: str, limit: int = _MAX_TEXT) -> str:
    """Shorten text from the API so that it fits on a line."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def code_span(text: str) -> str:
    """Return a Markdown code span that shows any text literally."""
    line = make_printable(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    # Markdown strips a space on both sides, and would count an adjacent backtick as part of the fence.
    padding = " " if line.startswith("`") or line.endswith("`") or line != line.strip() else ""
    return f"{fence}{padding}{line or ' '}{padding}{fence}"


def _renames_by_source(diff: Diff) -> Mapping[tuple[str, str | None], Rename]:
    return {(rename.model, rename.parameter): rename for rename in diff.renames}


def _summarize(diff: Diff, version: str) -> str:
    if not diff.changes:
        return "no changes"
    counts = ", ".join(f"{diff.count(impact)} {impact}" for impact in IMPACTS)
    return f"{counts}; version {version} -> {next_version(version, diff.max_impact)}"
