"""A diff as text, as Markdown for a pull request, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from ..diagnostics import make_printable
from ..json_types import is_list
from .changes import IMPACTS, Change, Diff, Rename, next_version

_LONGEST = 160
_LARGEST_BODY = 60_000  # characters: GitHub takes 65,536 for a pull request
# Kinds whose strings are the hub's own words, not ours.
_QUOTING = frozenset(
    "default-added default-changed default-removed description-changed developer-changed "
    "display-name-changed summary-changed title-changed".split()
)


def text(diff: Diff, version: str) -> str:
    """One line for each change, the gravest first, and a summary."""
    renames = _by_old(diff)
    lines = [f"{change.impact}: {_line(change)}{_maybe(renames, change)}" for change in diff.changes]
    return "\n".join([*lines, f"diff: {_counts(diff)}; {_version(diff, version)}"])


def markdown(diff: Diff, version: str) -> str:
    """For a pull request; what the hub says stands in code spans, where nothing means anything."""
    lines: list[str] = []
    room = _LARGEST_BODY
    for line in _markdown(diff, version):
        room -= len(line) + 1
        if room < 0:
            lines.extend(["", "The rest does not fit here: `oxen-codegen diff` shows it.", ""])
            break
        lines.append(line)
    return "\n".join(lines)


def as_json(diff: Diff, version: str) -> str:
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
            "gravest": diff.gravest,
            "version": version,
            "next_version": next_version(version, diff.gravest),
        },
    }
    # ASCII only: no terminal takes it for anything but text.
    return json.dumps(document, indent=2)


FORMATS: Mapping[str, Callable[[Diff, str], str]] = {"text": text, "markdown": markdown, "json": as_json}


def _line(change: Change) -> str:
    where = make_printable(short(change.model))
    if change.parameter is not None:
        where = f"{where} {make_printable(short(change.parameter))}"
    return f"{where}: {change.kind}: {moved(change, make_printable)}"


def moved(change: Change, quoted: Callable[[str], str]) -> str:
    """Old and new, as far as the kind of change does not say; `quoted` makes text of the hub harmless."""
    old, new = change.old, change.new
    if change.kind.endswith(("-added", "-allowed")):
        return quoted(_value(new, change))
    if change.kind.endswith(("-removed", "-refused")):
        return quoted(_value(old, change))
    if is_list(old) and is_list(new):
        lost, gained = _lacking(old, new), _lacking(new, old)
        parts = ((word, values) for word, values in (("lost", lost), ("gained", gained)) if values)
        return ", ".join(f"{word} {quoted(short(_dumps(values)[1:-1]))}" for word, values in parts)
    return f"{quoted(_value(old, change))} -> {quoted(_value(new, change))}"


def _lacking(some: Any, others: Any) -> list[Any]:
    known = {json.dumps(value, sort_keys=True) for value in others}
    return [value for value in some if json.dumps(value, sort_keys=True) not in known]


def _value(value: object, change: Change) -> str:
    is_phrase = change.kind not in _QUOTING and isinstance(value, str)
    return short(str(value) if is_phrase else _dumps(value))


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def short(text: str) -> str:
    """Text of the hub that fits a line."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _maybe(renames: _Renames, change: Change, quoted: Callable[[str], str] = make_printable) -> str:
    """The rename that a removal may be."""
    if change.kind not in ("model-removed", "parameter-removed"):
        return ""
    found = renames.get((change.model, change.parameter))
    if found is None:
        return ""
    return f"; maybe renamed to {quoted(short(found.new))}, because of {', '.join(found.evidence)}"


_Renames = Mapping[tuple[str, str | None], Rename]


def _by_old(diff: Diff) -> _Renames:
    return {(rename.model, rename.parameter): rename for rename in diff.renames}


def _counts(diff: Diff) -> str:
    return ", ".join(f"{diff.count(impact)} {impact}" for impact in IMPACTS)


def _version(diff: Diff, version: str) -> str:
    following = next_version(version, diff.gravest)
    return f"the version stays {version}" if following == version else f"version {version} -> {following}"


def _markdown(diff: Diff, version: str) -> Iterator[str]:
    renames = _by_old(diff)
    yield "## Changes of the models"
    yield ""
    yield f"{_counts(diff)}; {_version(diff, version)}."
    for impact, changes in groupby(diff.changes, key=lambda change: change.impact):
        yield ""
        yield f"### {impact.capitalize()}"
        for model, each in groupby(changes, key=lambda change: change.model):
            yield ""
            yield code(short(model))
            yield ""
            for change in each:
                where = "" if change.parameter is None else f"{code(short(change.parameter))}: "
                yield f"- {where}{change.kind}: {moved(change, code)}{_maybe(renames, change, code)}"
    yield ""


def code(text: str) -> str:
    """Text of the hub as a code span that holds whatever it says."""
    line = make_printable(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    # Blanks beside a backtick are taken for the fence's own.
    pad = " " if line.startswith("`") or line.endswith("`") or line != line.strip() else ""
    return f"{fence}{pad}{line or ' '}{pad}{fence}"
