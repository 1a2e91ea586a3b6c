"""The output formats of `oxen-codegen diff`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from helpers.codegen import run_codegen
from helpers.models import make_model, object_schema

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
CHOICE: dict[str, Any] = {"type": "string", "enum": ["a", "b"]}
WriteFolder = Callable[..., Path]


def diff(*arguments: object) -> Result:
    return run_codegen("diff", *arguments)


HOSTILE = "`</code>](https://x) @oxen <b>|\n# \x1b[31m\u202e ``"


def test_json_document(write_folder: WriteFolder) -> None:
    """The JSON format has the documented structure."""
    old = write_folder("old", make_model("m", object_schema("p", p=STRING)), make_model("gone"))
    new = write_folder("new", make_model("m", object_schema("p", p=CHOICE)))
    result = diff("--from", old, "--to", new, "--format", "json")
    assert json.loads(result.stdout) == {
        "changes": [
            {
                "model": "gone",
                "parameter": None,
                "kind": "model-removed",
                "impact": "breaking",
                "old": "images.generate",
                "new": None,
            },
            {
                "model": "m",
                "parameter": "p",
                "kind": "enum-narrowed",
                "impact": "breaking",
                "old": "string",
                "new": ["a", "b"],
            },
        ],
        "renames": [],
        "summary": {
            "breaking": 2,
            "behavioural": 0,
            "additive": 0,
            "documentation": 0,
            "max_impact": "breaking",
            "version": "0.1.0",
            "next_version": "0.2.0",
        },
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_output_escapes_control_characters(form: str, write_folder: WriteFolder) -> None:
    """Text from the API is escaped before it is printed."""
    old = write_folder("old", make_model(HOSTILE, object_schema(p={**STRING, "description": HOSTILE})))
    new = write_folder("new", make_model(HOSTILE, object_schema(**{HOSTILE: {**STRING, "enum": [HOSTILE]}})))
    result = diff("--from", old, "--to", new, "--format", form)
    assert result.exit_code == 4
    assert all(char == "\n" or char.isprintable() for char in result.stdout)
    if form == "text":
        assert len(result.stdout.splitlines()) == 3


@pytest.mark.slow
def test_markdown_quotes_api_text(write_folder: WriteFolder) -> None:
    """Markdown has text from the API in code spans only."""
    old = write_folder(
        "old", make_model("`", object_schema(a=STRING, p={**STRING, "description": HOSTILE})), make_model("z")
    )
    new = write_folder("new", make_model("`", object_schema(a=STRING, **{HOSTILE: STRING, "": STRING})))
    lines = diff("--from", old, "--to", new, "--format", "markdown").stdout.splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "## Model changes",
        "### Breaking",
        "### Additive",
    ]
    markdown_it = pytest.importorskip("markdown_it")
    tokens = markdown_it.MarkdownIt("commonmark").parse("\n".join(lines))
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in inline} == {"text", "code_inline"}
    ours = "".join(token.content for token in inline if token.type == "text")
    assert not set(ours) & set("@<[]|`")
    assert {"`", "z", "p"} <= {token.content for token in inline if token.type == "code_inline"}


@pytest.mark.slow
def test_markdown_is_truncated(write_folder: WriteFolder) -> None:
    """Markdown that is too long for a pull request is truncated at the end; breaking changes come first."""
    many = {f"parameter_{number}": STRING for number in range(2_000)}
    old = write_folder("old", make_model("m", object_schema(**many, gone=STRING)))
    new = write_folder(
        "new", make_model("m", object_schema(**{name: {**STRING, "title": "New"} for name in many}))
    )
    output = diff("--from", old, "--to", new, "--format", "markdown").stdout
    assert len(output) < 65_536
    assert "- `gone`: parameter-removed" in output
    assert "2000 documentation" in output
    assert output.rstrip().endswith("Truncated. Run `oxen-codegen diff` for the complete list.")


def test_markdown_groups_models(write_folder: WriteFolder) -> None:
    """Models that changed in the same way are listed together."""
    old = write_folder("old", *(make_model(name, object_schema(p=INTEGER)) for name in "abc"))
    new = write_folder(
        "new",
        make_model("a", object_schema(p=NUMBER)),
        make_model("b", object_schema()),
        make_model("c", object_schema(p=NUMBER)),
    )
    output = diff("--from", old, "--to", new, "--format", "markdown").stdout
    assert "\n`a`, `c`\n\n- `p`: type-widened: `integer` -> `number`\n" in output


def test_text_ends_with_summary(write_folder: WriteFolder) -> None:
    """The text format has a line for each change, then the counts and the next version."""
    old = write_folder("old", make_model("m", object_schema(p=STRING, q=INTEGER)))
    new = write_folder("new", make_model("m", object_schema(p=CHOICE, q={**NUMBER, "default": 1})))
    assert diff("--from", old, "--to", new).stdout.splitlines() == [
        'breaking: m p: enum-narrowed: string -> one of "a", "b"',
        "behavioural: m q: default-added: 1",
        "additive: m q: type-widened: integer -> number",
        "diff: 1 breaking, 1 behavioural, 1 additive, 0 documentation; version 0.1.0 -> 0.2.0",
    ]
