"""The pages of the API reference name everything that the package exports."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import oxen_models

API = Path(__file__).parents[2] / "docs" / "api"
MODULES = (
    "oxen_models.catalog",
    "oxen_models.chat",
    "oxen_models.compare",
    "oxen_models.journal",
    "oxen_models.ray",
    "oxen_models.tables",
    "oxen_models.testing",
)
UNLISTED = {"__version__"}


def list_exports() -> set[str]:
    """Return the full names of what the package and its public modules export, without modules."""
    exports = {f"oxen_models.{name}" for name in set(oxen_models.__all__) - UNLISTED}
    exports = {name for name in exports if not isinstance(getattr(oxen_models, name[12:]), ModuleType)}
    for module in MODULES:
        exports |= {f"{module}.{name}" for name in import_module(module).__all__}
    # A TypedDict has the fields of the class beside it.
    return {name for name in exports if not (name.endswith("Dict") and name.removesuffix("Dict") in exports)}


def test_api_pages_name_each_export_once() -> None:
    """Every public name has one directive; `OMIT`, its type and `ChatModel` have a text instead."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted(API.glob("*.md")))
    directives = re.findall(r"^::: (\S+)$", text, re.MULTILINE)
    assert len(directives) == len(set(directives))
    assert set(directives) == list_exports() - {
        "oxen_models.OMIT",
        "oxen_models.Omit",
        "oxen_models.chat.ChatModel",
    }
    assert "`OMIT` is the default" in text
    assert "`ChatModel` is the literal type" in text
