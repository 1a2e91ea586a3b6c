"""The Python programs of README and guides."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTENSION_PAGE = ROOT / "docs" / "private-models.md"
"""Its program needs a package that the page generates."""
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```python\n" in page.read_text(encoding="utf-8") and page != EXTENSION_PAGE
]


def read_program(page: Path) -> str:
    """Return all Python blocks of a page as one program."""
    return "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
