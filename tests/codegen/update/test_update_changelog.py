"""The changelog entry of `update`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.models import make_model
from oxen_codegen.changelog_file import add_entry
from oxen_codegen.cli import main
from oxen_models.testing import Hub

from codegen.update.projects import NARROWED, PROJECT, read_changelog, schemas_folder


@pytest.mark.slow
def test_entry_contains_advice(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """The entry states what callers have to do about each breaking change."""
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
    assert read_changelog(project).endswith(
        """
#### Breaking

- `painter`
  - `n`: became required; pass it.
  - `n`: range narrowed: `1 to 9` -> `1 to 5`.
  - `size`: enum narrowed: removed `"l"`; pass one of `s`, `m`.
  - `text`: became array: `string` -> `array of string`; pass a list.
  - `x`: parameter removed: `integer (1 to 9)`; omit it.
"""
    )


@pytest.mark.slow
def test_entry_groups_and_wraps_models(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """Models that changed in the same way are listed together, on lines of limited length."""
    names = [f"model-with-a-long-name-{letter}" for letter in "abcdefgh"]
    for name in names:
        hub.add_model(make_model(name))
    assert update().exit_code == 0
    entry = read_changelog(project).rpartition("#### Additive\n\n")[2]
    assert " ".join(entry.split()) == (
        f"- {', '.join(f'`{name}`' for name in names)} - Model added: `images.generate`."
    )
    assert 80 < max(map(len, entry.splitlines())) <= 110


@pytest.mark.slow
def test_price_change_is_listed_without_new_module(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    """A price change is in the entry, the record and the catalogue, but not in the module or the date."""
    price = {"method": "per_image", "cost_per_image": 0.03}
    hub.add_model({**make_model("painter"), "pricing": price})
    assert update().exit_code == 0
    old = {path: path.read_bytes() for path in (project / "generated").rglob("*") if path.is_file()}
    hub.add_model({**make_model("painter"), "pricing": {**price, "cost_per_image": 0.04}})
    assert update().exit_code == 0
    assert read_changelog(project).endswith(
        """
#### Documentation

- `painter`
  - Price changed: `$0.03 per image` -> `$0.04 per image`.
"""
    )
    new = {path: path.read_bytes() for path in (project / "generated").rglob("*") if path.is_file()}
    assert sorted(path.name for path in old if old[path] != new[path]) == ["catalog.py", "painter.json"]
    assert b'"cost_per_image": 0.04' in new[schemas_folder(project) / "painter.json"]


@pytest.mark.slow
def test_entry_names_accepted_rename(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """The entry names the new parameter if the configuration accepts the rename."""
    wanted = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    hub.add_model(make_model("painter", wanted))
    (project / "pyproject.toml").write_text(
        f'{PROJECT}[tool.oxen-codegen.renamed]\npainter = {{ prompt = "text" }}\n'
    )
    assert "run `oxen-codegen update` if the API has it" in CliRunner().invoke(main, ["check"]).stderr
    assert update().exit_code == 0
    assert "`prompt`: parameter removed: `string`; use `text`; the old name" in read_changelog(project)


ENTRY = "### Models\n\n- New."


@pytest.mark.parametrize(
    ("old", "new"),
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
def test_entry_is_added_to_unreleased_section(old: str, new: str) -> None:
    """An entry is added to the first section if that one is unreleased, else to a new section."""
    assert add_entry(old, ENTRY) == new


@pytest.mark.slow
def test_rest_of_changelog_is_unchanged(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """Adding an entry changes no other byte of the changelog."""
    file = project / "CHANGELOG.md"
    file.write_bytes("\ufeff# Änderungen\r\n\r\n## 1.0.0\r\n\r\n- Früher.\r\n".encode())
    hub.add_model(make_model("painter", NARROWED))
    assert update().exit_code == 0
    head, new, rest = re.split(rb"(## Unreleased\r\n.*?)(?=## 1)", file.read_bytes(), flags=re.DOTALL)
    assert (head + rest).decode() == "\ufeff# Änderungen\r\n\r\n## 1.0.0\r\n\r\n- Früher.\r\n"
    assert new.count(b"\r\n") == new.count(b"\n")


@pytest.mark.slow
def test_entry_quotes_api_text(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """The entry has text from the API in code spans only."""
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
    result = update()
    assert result.exit_code == 0, result.output
    text = read_changelog(project)
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
    assert set(re.findall(r"[^\w\s.,:;()-]", outside)) <= {"#", ">"}, outside
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Unreleased"]
    assert all(char.isprintable() or char == "\n" for char in text)
