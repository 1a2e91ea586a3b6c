"""docs/changes.md: every kind of change has an example, and every example prints its line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from helpers.models import make_model
from oxen_codegen.diff.changes import IMPACTS, KINDS, next_version
from oxen_codegen.diff.compare import compare
from oxen_codegen.diff.formats import format_text
from oxen_codegen.json_types import is_list
from oxen_codegen.records import Record, from_response

PAGE = (Path(__file__).parents[3] / "docs" / "changes.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"### (\S+)\n\n(.+?)\n\n```json\n(.*)\n(.*)\n```\n```text\n(.*)\n```\n", re.DOTALL)
EXAMPLES = [match.groups() for match in map(EXAMPLE.match, re.split(r"(?=^### )", PAGE, flags=re.M)) if match]


def parse_catalogue(example: str) -> dict[str, Record]:
    """Return the records of an example: a parameter schema, or a list of models as the API returns them."""
    value: Any = json.loads(example)
    models = value if is_list(value) else [make_model("m", value)]
    return {record.id: record for record in map(from_response, models)}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_example_prints_line(example: tuple[str, ...]) -> None:
    """The two catalogues of an example differ by one change of its kind, printed as on the page."""
    kind, meaning, old, new, line = example
    diff = compare(parse_catalogue(old), parse_catalogue(new), {})
    assert meaning.strip()
    assert line in format_text(diff, "0.1.0").splitlines()[:-1]
    (change,) = (change for change in diff.changes if change.kind == kind)
    assert line.startswith(f"{KINDS[kind]}: {change.model}")


def test_kinds_have_examples_in_order() -> None:
    """Every kind has an example in the section of its impact, in the order of `KINDS`."""
    assert [kind for kind, *_ in EXAMPLES] == list(KINDS)
    for impact, section in zip(IMPACTS, re.split(r"^## ", PAGE, flags=re.M)[1:], strict=True):
        assert section.startswith(impact.capitalize())
        assert re.findall(r"^### (\S+)", section, re.M) == [
            kind for kind, kind_impact in KINDS.items() if kind_impact == impact
        ]


def test_table_of_versions() -> None:
    """The next version is the one that the table of the page states."""
    rows = re.findall(
        r"^\| (breaking|documentation|behavioural or additive) \| (\w+) \| (\w+) \|", PAGE, re.M
    )
    for impacts, below, above in rows:
        for impact in IMPACTS:
            if impact in impacts.split(" or "):
                assert next_version("0.4.2", impact) == {"minor": "0.5.0", "patch": "0.4.3"}[below]
                parts = {"major": "3.0.0", "minor": "2.5.0", "patch": "2.4.3"}
                assert next_version("2.4.2", impact) == parts[above]
    assert len(rows) == 3
