"""The entry that `update` makes in the changelog."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.models import make_model
from oxen_codegen.changelog import with_entry
from oxen_codegen.cli import main
from oxen_models.testing import Hub

from codegen.update.projects import NARROWED, PROJECT, changelog


def test_what_is_to_be_written_instead_is_in_the_entry(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    number = {"type": "integer", "minimum": 1, "maximum": 9}
    before = {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "n": number,
            "size": {"enum": ["s", "m", "l"]},
            "x": number,
        },
    }
    after = {
        "type": "object",
        "properties": {
            "text": {"type": "array", "items": {"type": "string"}},
            "n": {**number, "maximum": 5},
            "size": {"enum": ["s", "m"]},
        },
        "required": ["n"],
    }
    hub.add_model(make_model("painter", before))
    assert update().exit_code == 0
    hub.add_model(make_model("painter", after))
    assert update().exit_code == 0
    said = changelog(project)
    for expected in (
        "`n`: became required; pass it.",
        '`n`: range narrowed: `{"minimum": 1, "maximum": 9}` -> `{"minimum": 1, "maximum": 5}`; stay within',
        '`size`: enum narrowed: lost `"l"`; choose from `s`, `m`.',
        "`text`: became array: ",
        "pass a list",
        "`x`: parameter removed: `integer`; leave it out.",
    ):
        assert expected in said, said
    assert "{'" not in said  # as Python shows it


def test_an_accepted_rename_is_what_is_to_be_written(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    wanted = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    hub.add_model(make_model("painter", wanted))
    (project / "pyproject.toml").write_text(
        f'{PROJECT}[tool.oxen-codegen.renamed]\npainter = {{ prompt = "text" }}\n'
    )
    assert "if the hub has it: oxen-codegen update" in CliRunner().invoke(main, ["check"]).stderr
    assert update().exit_code == 0
    assert "`prompt`: parameter removed: `string`; write `text`; the old name" in changelog(project)


ENTRY = "### Models\n\n- New."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "# Changelog\n\n## Unreleased\n\n### Models\n\n- New.\n"),
        ("# Ours\n\nWords.\n", "# Ours\n\nWords.\n\n## Unreleased\n\n### Models\n\n- New.\n"),
        (
            "# Ours\n\n## [Unreleased]\n\n- Old.\n\n## 1.0.0\n\n- Older.\n",
            "# Ours\n\n## [Unreleased]\n\n- Old.\n\n### Models\n\n- New.\n\n## 1.0.0\n\n- Older.\n",
        ),
        (
            "# Ours\n\n## 0.1.0 (unreleased)\n\n- Old.\n",
            "# Ours\n\n## 0.1.0 (unreleased)\n\n- Old.\n\n### Models\n\n- New.\n",
        ),
        (
            "# Ours\n\n## 1.0.0\n\nNo longer unreleased.\n",
            "# Ours\n\n## Unreleased\n\n### Models\n\n- New.\n\n## 1.0.0\n\nNo longer unreleased.\n",
        ),
        (
            "# Ours\r\n\r\n## 1.0.0\r\n",
            "# Ours\r\n\r\n## Unreleased\r\n\r\n### Models\r\n\r\n- New.\r\n\r\n## 1.0.0\r\n",
        ),
    ],
)
def test_an_entry_goes_under_what_is_not_released(before: str, after: str) -> None:
    assert with_entry(before, ENTRY) == after


def test_a_changelog_keeps_every_other_byte(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    file = project / "CHANGELOG.md"
    file.write_bytes("\ufeff# Änderungen\r\n\r\n## 1.0.0\r\n\r\n- Früher.\r\n".encode())
    hub.add_model(make_model("painter", NARROWED))
    assert update().exit_code == 0
    head, new, rest = re.split(rb"(## Unreleased\r\n.*?)(?=## 1)", file.read_bytes(), flags=re.DOTALL)
    assert (head + rest).decode() == "\ufeff# Änderungen\r\n\r\n## 1.0.0\r\n\r\n- Früher.\r\n"
    assert new.count(b"\r\n") == new.count(b"\n")


def test_nothing_that_a_hub_says_means_anything_in_the_entry(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    texts = [
        "`",
        "``` @admin",
        "<script>alert(1)</script>",
        "a\n## 9.9.9\n\n- x",
        "@admin #1 ![x](http://a)",
        "\u202e\x1b[31m",
        "{0.a}",
    ]
    before = {text: {"enum": [text, "b", "c"]} for text in texts}
    hub.add_model(make_model("painter", {"type": "object", "properties": before}))
    for text in texts:
        hub.add_model(make_model(text.replace("\n", " ")))
    assert update().exit_code == 0
    after = {text: {"enum": [text]} for text in texts[::2]} | {"new": {"default": "".join(texts)}}
    hub.add_model(make_model("painter", {"type": "object", "properties": after, "required": texts[:3:2]}))
    done = update()
    assert done.exit_code == 0, done.output
    said = changelog(project)
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", said)
    assert set(re.findall(r"[^\w\s.,:;()-]", outside)) <= {"#", ">"}, outside
    assert [line for line in said.splitlines() if line.startswith("## ")] == ["## Unreleased"]
    assert all(char.isprintable() or char == "\n" for char in said)
