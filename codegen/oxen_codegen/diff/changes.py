"""Changes between two catalogues, their impact on callers, and the version that follows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Impact = Literal["breaking", "behavioural", "additive", "documentation"]

IMPACTS: tuple[Impact, ...] = ("breaking", "behavioural", "additive", "documentation")
"""From the most to the least severe."""

_KINDS: Mapping[Impact, str] = {
    "breaking": (
        "model-removed schema-removed call-changed model-refused name-collision python-name-changed "
        "class-removed parameter-removed required-parameter-added became-required became-array became-scalar "
        "type-changed type-narrowed enum-narrowed range-narrowed length-narrowed count-narrowed "
        "media-narrowed additional-properties-rejected"
    ),
    "behavioural": "became-media default-added default-changed default-removed",
    "additive": (
        "model-added schema-added call-added parameter-added became-optional "
        "type-widened enum-widened range-widened length-widened count-widened "
        "additional-properties-accepted"
    ),
    "documentation": (
        "new-model-refused price-changed token-limits-changed display-name-changed summary-changed "
        "description-changed title-changed annotation-changed developer-changed capabilities-changed "
        "format-changed deprecation-changed server-validation-changed"
    ),
}
KINDS: Mapping[str, Impact] = {kind: impact for impact in IMPACTS for kind in _KINDS[impact].split()}


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between two catalogues."""

    model: str
    parameter: str | None
    """The path of the parameter, such as `loras[].scale`; None if the model itself changed."""
    kind: str
    old: Any
    new: Any

    @property
    def impact(self) -> Impact:
        return KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class Rename:
    """A removal and an addition that may be a rename."""

    model: str
    parameter: str | None
    """The path of the removed parameter; None if the model itself may have been renamed."""
    old: str
    new: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """The changes between two catalogues."""

    changes: tuple[Change, ...]
    """As sorted by `sort_changes`: the most severe first."""
    renames: tuple[Rename, ...]

    def count(self, impact: Impact) -> int:
        """Return the number of changes with this impact."""
        return sum(change.impact == impact for change in self.changes)

    @property
    def max_impact(self) -> Impact | None:
        """The most severe impact; None if nothing changed."""
        return self.changes[0].impact if self.changes else None


def describe_collision(name: str, others: Iterable[str]) -> str:
    """Return a statement that a model has the Python name of others."""
    return f"{name} is also the Python name of {', '.join(others)}"


def sort_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Sort changes by impact, the most severe first, then by model, parameter and kind.

    Removed and added models are the first of their impact.
    """
    return tuple(
        sorted(
            changes,
            key=lambda change: (
                IMPACTS.index(change.impact),
                change.kind not in ("model-removed", "model-added"),
                change.model,
                change.parameter or "",
                change.kind,
            ),
        )
    )


def next_version(current: str, impact: Impact | None) -> str:
    """Return the version after `current` by semantic versioning; below 1.0.0, a minor version may break.

    Args:
        current: The current version.
        impact: The most severe impact of the changes; None if nothing changed.
    """
    numbers = [int(number) for number in re.findall(r"\d+", current)[:3]]
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    if impact is None:
        return current
    if impact == "breaking":
        return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
    if major and impact != "documentation":
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"
