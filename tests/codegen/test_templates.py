"""The generator with usable and with broken templates, and the derivation of synchronous code."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest
from oxen_codegen.config import Config, find_template_dir
from oxen_codegen.diagnostics import CodegenError
from oxen_codegen.generate import generate
from oxen_codegen.render import format_docstring
from oxen_codegen.unasync import Unasync

# Without spaces, because those of a leading description are replaced by non-breaking ones.
INJECTION = '""";__import__("os").abort();"""'


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A copy of the built-in templates."""
    return Path(shutil.copytree(find_template_dir(), tmp_path / "templates"))


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A folder with one model whose description is an injection."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    parameter = {"type": "string", "description": INJECTION, "enum": ["a"]}
    schema = {"type": "object", "properties": {"prompt": parameter}, "required": ["prompt"]}
    (folder / "a.json").write_text(
        json.dumps({"id": "a", "endpoint": "/images/generate", "json_request_schema": schema})
    )
    return folder


def replace_in(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_generate_with_an_unfiltered_text_fails(templates: Path, schemas: Path, tmp_path: Path) -> None:
    """A template without the filter lets API text become code: nothing is written."""
    fields = templates / "family" / "fields.jinja"
    replace_in(fields, "{{ parameter.doc | docstring(4) }}", "{{ parameter.doc }}")
    with pytest.raises(CodegenError, match=r"images/a\.py: API text was rendered as code"):
        generate(Config(tmp_path), schemas, templates)
    assert {entry.name for entry in tmp_path.iterdir()} == {"schemas", "templates"}


@pytest.mark.parametrize("text", ['says "a"', '"""', "ends in \\", "\\N{DASH}", "a\u202eb\0"])
def test_docstring_evaluates_to_its_text(text: str) -> None:
    """Quotes, backslashes and invisible characters cannot end a docstring or change it."""
    evaluated = ast.literal_eval(f'"""{format_docstring(text)}"""')
    assert evaluated == text if text.isprintable() else evaluated.isprintable()


@pytest.mark.slow
def test_generate_with_an_unknown_variable_fails(templates: Path, schemas: Path, tmp_path: Path) -> None:
    """The message has file and line of the template, as Jinja reports them."""
    replace_in(templates / "family" / "model.py.jinja", "spec.verb", "spec.vreb")
    with pytest.raises(CodegenError, match=r"family/model\.py\.jinja:\d+: .*vreb"):
        generate(Config(tmp_path), schemas, templates)


@pytest.mark.slow
def test_generate_with_invalid_python_fails(templates: Path, schemas: Path, tmp_path: Path) -> None:
    """A built-in template that renders invalid Python is found when the package is formatted."""
    (templates / "package" / "catalog.py.jinja").write_text("def (")
    with pytest.raises(CodegenError, match="ruff could not format"):
        generate(Config(tmp_path), schemas, templates)
    assert not (tmp_path / "oxen_models").exists()


@pytest.mark.slow
def test_copied_files_are_unchanged_after_the_header(templates: Path, schemas: Path, tmp_path: Path) -> None:
    """A file that is not a Jinja template is copied byte for byte, after a line that names its source."""
    generate(Config(tmp_path), schemas, templates)
    package = templates / "package"
    copied = list(package.rglob("*.py"))
    assert len(copied) > 20
    for file in copied:
        path = file.relative_to(package)
        header, content = (tmp_path / "oxen_models" / path).read_bytes().split(b"\n", 1)
        assert header.decode() == f"# Copied by oxen-codegen from templates/package/{path}. Do not edit."
        assert content == file.read_bytes()


def test_unasync_converts_names_but_not_strings() -> None:
    """Keywords are dropped and names replaced; docstrings, comments and f-strings stay as they are."""
    source = '''
class AsyncThing:
    """await AsyncThing() in text stays."""

    async def __aenter__(self) -> "AsyncThing":
        async with await open_it() as file:  # await, too
            await self.aclose()
            return [f"{self.part} await" async for part in file.aiter_raw()]
'''
    converted = Unasync().convert(source)
    assert converted.startswith('\nclass Thing:\n    """await AsyncThing() in text stays."""\n')
    assert "    def __enter__(self)" in converted
    assert "with open_it() as file:  # await, too" in converted
    assert '[f"{self.part} await" for part in file.iter_raw()]' in converted
    compile(converted, "converted", "exec")


def test_unasync_rule_without_effect_fails() -> None:
    """A rule that applies to no module is an error, so that none outlives its reason."""
    unasync = Unasync()
    unasync.convert("async def f(): await g()")
    with pytest.raises(CodegenError, match=r"no module contains .*__aenter__"):
        unasync.check_all_applied()
