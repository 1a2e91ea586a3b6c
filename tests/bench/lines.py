"""Count what the generator writes."""

from __future__ import annotations

from collections.abc import Iterator

from .measure import PACKAGE, Row

_MAX_LINES = 124
"""For each model: 13,000 lines for 105 models."""


def measure(*, full: bool) -> Iterator[Row]:
    """Count the lines of all model modules."""
    from oxen_models import catalog

    modules = {model.module for model in catalog.models() if model.module}
    files = [PACKAGE.parent / f"{module.replace('.', '/')}.py" for module in modules]
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    average = lines / len(files)
    yield Row(f"lines of the modules of {len(files)} models", f"{lines:,}")
    yield Row("  of each model", f"{average:.0f}", goal=f"<= {_MAX_LINES}", met=average <= _MAX_LINES)
