"""The changelog entry of an update: by model, breaking changes first, with what to write instead."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from .config import Config
from .diagnostics import CodegenError
from .diff.changes import IMPACTS, Change, Diff
from .diff.show import code, moved, short
from .json_types import is_list
from .names import parameter_names
from .records import Record

# Kinds that say it all.
_PLAIN = frozenset({"became-optional", "became-required"})
_MOST_TOLD = 20  # of the values of a parameter; its documentation has them all
_SECTION = re.compile(r"^## .*$", re.MULTILINE)
# What a caller does instead; {new} is what holds now.
_INSTEAD: Mapping[str, str] = {
    "schema-removed": "there is no typed call any more",
    "endpoint-changed": "call it at {new}",
    "python-name-changed": "write {new}",
    "parameter-removed": "leave it out",
    "required-parameter-added": "pass it",
    "became-required": "pass it",
    "became-array": "pass a list",
    "became-scalar": "pass one value",
    "type-changed": "pass {new}",
    "type-narrowed": "pass {new}",
    "enum-narrowed": "choose from {new}",
    "range-narrowed": "stay within the new one",
    "length-narrowed": "stay within the new one",
    "count-narrowed": "stay within the new one",
    "media-narrowed": "pass {new}",
    "other-properties-refused": "leave other properties out",
}


def entry(diff: Diff, expired: Iterable[Record], config: Config, today: str) -> str:
    """The entry of an update. Texts that changed are counted only: no caller has to do anything.

    Args:
        diff: What changed.
        expired: Models that left a minor version ago, and whose modules go now.
        config: Successors and renames that were accepted.
        today: The day, as YYYY-MM-DD.
    """
    by_model: defaultdict[str, list[Change]] = defaultdict(list)
    for change in diff.changes:  # the gravest first
        if change.impact != "documentation":
            by_model[change.model].append(change)
    lines = [f"### Models, {today}", ""]
    for changes in sorted(by_model.values(), key=lambda each: IMPACTS.index(each[0].impact)):
        lines.append(f"- {code(short(changes[0].model))}")
        lines.extend(f"  - {_line(change)}{_instead(diff, change, config)}." for change in changes)
    for record in expired:
        lines.append(f"- Breaking: {code(record.id)}: its module, which said that it had left, is gone.")
    if texts := diff.count("documentation"):
        lines.append(f"- {texts} {'texts and capabilities' if texts > 1 else 'text or capability'} changed.")
    return "\n".join(lines)


def read(file: Path) -> str:
    """The text of a changelog, empty where the file is missing.

    Raises:
        CodegenError: It is not UTF-8.
    """
    try:
        return file.read_bytes().decode() if file.exists() else ""
    except UnicodeDecodeError:
        raise CodegenError(f"{file}: not UTF-8: save it as such") from None


def with_entry(changelog: str, text: str) -> str:
    """A changelog with the entry at the end of what is not released yet: the first section, if it is that."""
    if "\r\n" in changelog:
        return with_entry(changelog.replace("\r\n", "\n"), text).replace("\n", "\r\n")
    starts = [section.start() for section in _SECTION.finditer(changelog)]
    begin, end, *_ = [*starts, len(changelog), len(changelog)]
    if "unreleased" not in changelog[begin:end].partition("\n")[0].lower():
        end = begin
    parts = [
        changelog[:begin].strip() or "# Changelog",
        changelog[begin:end].strip() or "## Unreleased",
        text,
        changelog[end:].strip(),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _line(change: Change) -> str:
    where = "" if change.parameter is None else f"{code(short(change.parameter))}: "
    how = "" if change.kind in _PLAIN else f": {moved(change, code)}"
    return f"{change.impact.capitalize()}: {where}{change.kind.replace('-', ' ')}{how}"


def _instead(diff: Diff, change: Change, config: Config) -> str:
    if change.impact != "breaking":
        return ""
    if change.kind == "model-removed" and change.model in config.successors:
        return f"; use {code(config.successors[change.model])}"
    if change.kind == "parameter-removed" and (name := _accepted(change, config)):
        return f"; write {code(name)}; the old name still works at run time, with a DeprecationWarning"
    advice = _INSTEAD.get(change.kind)
    maybe = [
        f"maybe {code(short(rename.new))} is what it is called now"
        for rename in diff.renames
        if (rename.model, rename.parameter) == (change.model, change.parameter)
    ]
    said = [advice.format(new=_values(change.new))] if advice else []
    return f"; {'; '.join([*said, *maybe])}" if said or maybe else ""


def _accepted(change: Change, config: Config) -> str | None:
    """The new name of a parameter, if its rename was accepted."""
    [old] = parameter_names([change.parameter or ""]).values()
    return config.renamed.get(change.model, {}).get(old)


def _values(new: object) -> str:
    values = new if is_list(new) else [new]
    told = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    more = [f"{len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    return ", ".join([*(code(short(each)) for each in told[:_MOST_TOLD]), *more])
