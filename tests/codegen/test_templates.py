"""What the generator does with templates, good and bad."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest
from oxen_codegen.config import Config, find_template_dir
from oxen_codegen.derive import Derivation
from oxen_codegen.diagnostics import CodegenError
from oxen_codegen.generate import generate
from oxen_codegen.render import docstring

INJECTION = '"""; __import__("os").abort(); """'


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(find_template_dir(), tmp_path / "templates"))


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """One model, whose text tries to become code."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    parameter = {"type": "string", "description": INJECTION, "enum": ["a"]}
    schema = {"type": "object", "properties": {"prompt": parameter}, "required": ["prompt"]}
    (folder / "a.json").write_text(
        json.dumps({"id": "a", "endpoint": "/images/generate", "json_request_schema": schema})
    )
    return folder


def spoil(file: Path, good: str, bad: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert good in text
    file.write_text(text.replace(good, bad), encoding="utf-8")


def test_a_template_that_lets_text_become_code_fails_the_build_and_writes_nothing(
    templates: Path, schemas: Path, tmp_path: Path
) -> None:
    model = templates / "family" / "model.py.jinja"
    spoil(model, "{{ parameter.doc | docstring(4) }}", "{{ parameter.doc }}")
    with pytest.raises(CodegenError, match=r"images/a\.py: API text was rendered as code"):
        generate(Config(tmp_path), schemas, templates)
    assert {entry.name for entry in tmp_path.iterdir()} == {"schemas", "templates"}


@pytest.mark.parametrize("text", ['says "a"', '"""', "ends in \\", "\\N{DASH}", "a\u202eb\0"])
def test_any_text_may_stand_right_before_the_quotes_of_a_docstring(text: str) -> None:
    shown = ast.literal_eval(f'"""{docstring(text)}"""')
    assert shown == text if text.isprintable() else shown.isprintable()


def test_a_template_that_asks_for_what_there_is_not_fails_the_build(
    templates: Path, schemas: Path, tmp_path: Path
) -> None:
    spoil(templates / "family" / "model.py.jinja", "binding.verb", "binding.vreb")
    with pytest.raises(CodegenError, match=r"family/model\.py\.jinja.*vreb"):
        generate(Config(tmp_path), schemas, templates)


def test_a_template_that_is_no_python_fails_the_build(templates: Path, schemas: Path, tmp_path: Path) -> None:
    (templates / "package" / "catalog.py.jinja").write_text("def (")
    with pytest.raises(CodegenError, match="ruff could not format"):
        generate(Config(tmp_path), schemas, templates)
    assert not (tmp_path / "oxen_models").exists()


def test_files_that_are_no_templates_are_copied_byte_for_byte(
    templates: Path, schemas: Path, tmp_path: Path
) -> None:
    generate(Config(tmp_path), schemas, templates)
    package = templates / "package"
    copied = [file for file in package.rglob("*") if file.is_file() and file.suffix in (".py", ".typed")]
    assert len(copied) > 20
    for file in copied:
        assert (tmp_path / "oxen_models" / file.relative_to(package)).read_bytes() == file.read_bytes()


def test_sync_code_is_derived_by_token() -> None:
    source = '''
class AsyncThing:
    """await AsyncThing() in text stays."""

    async def __aenter__(self) -> "AsyncThing":
        async with await open_it() as file:  # await, too
            await self.aclose()
            return [f"{self.part} await" async for part in file.aiter_bytes()]
'''
    derived = Derivation().sync(source)
    assert derived.startswith('\nclass Thing:\n    """await AsyncThing() in text stays."""\n')
    assert "    def __enter__(self)" in derived
    assert "with open_it() as file:  # await, too" in derived
    assert '[f"{self.part} await" for part in file.iter_bytes()]' in derived
    compile(derived, "derived", "exec")


def test_a_rule_that_never_fired_fails_the_build() -> None:
    derivation = Derivation()
    derivation.sync("async def f(): await g()")
    with pytest.raises(CodegenError, match=r"no source has .*__aenter__"):
        derivation.check_all_fired()
