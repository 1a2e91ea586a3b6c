"""What a diff is made of: kinds of changes, what each means for a caller, and the version that follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Impact = Literal["breaking", "behavioural", "additive", "documentation"]

IMPACTS: tuple[Impact, ...] = ("breaking", "behavioural", "additive", "documentation")
"""The gravest first."""

_KINDS: Mapping[Impact, str] = {
    "breaking": (
        "model-removed schema-removed endpoint-changed name-taken python-name-changed class-removed "
        "parameter-removed required-parameter-added became-required became-array became-scalar "
        "type-changed type-narrowed enum-narrowed range-narrowed length-narrowed count-narrowed "
        "media-narrowed other-properties-refused"
    ),
    "behavioural": "default-added default-changed default-removed",
    "additive": (
        "model-added schema-added endpoint-added parameter-added became-optional "
        "type-widened enum-widened range-widened length-widened count-widened other-properties-allowed"
    ),
    "documentation": (
        "display-name-changed summary-changed description-changed title-changed developer-changed "
        "capabilities-changed format-changed deprecation-changed hub-check-changed"
    ),
}
KINDS: Mapping[str, Impact] = {kind: impact for impact in IMPACTS for kind in _KINDS[impact].split()}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was."""

    model: str
    parameter: str | None
    """Where in the model's parameters; None for the model itself."""
    kind: str
    old: Any
    new: Any

    @property
    def impact(self) -> Impact:
        return KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class Rename:
    """A removal and an addition that may be one and the same thing."""

    model: str
    parameter: str | None
    """What is gone: a parameter, or None where it is the model."""
    old: str
    new: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """All that changed between two catalogues."""

    changes: tuple[Change, ...]
    """The gravest first."""
    renames: tuple[Rename, ...]

    def count(self, impact: Impact) -> int:
        return sum(change.impact == impact for change in self.changes)

    @property
    def gravest(self) -> Impact | None:
        return next((impact for impact in IMPACTS if self.count(impact)), None)


def in_order(changes: list[Change]) -> tuple[Change, ...]:
    """The gravest first, then by name."""
    return tuple(
        sorted(
            changes,
            key=lambda each: (IMPACTS.index(each.impact), each.model, each.parameter or "", each.kind),
        )
    )


def next_version(current: str, gravest: Impact | None) -> str:
    """The version after `current`, by semantic versioning; below 1.0.0 a minor one may break."""
    numbers = [int(number) for number in re.findall(r"\d+", current)[:3]]
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    if gravest is None:
        return current
    if gravest == "breaking":
        return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
    if major and gravest != "documentation":
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"
