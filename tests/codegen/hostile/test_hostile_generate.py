"""Attacks on `generate`, and on the package that it generates."""

from __future__ import annotations

import re
import shutil
import sys
import unicodedata
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from helpers.codegen import read_files
from helpers.compile import render_module
from helpers.models import PROMPT_SCHEMA, make_model
from helpers.page_elements import Elements
from helpers.raw_server import RawServer
from oxen_codegen.injection import equal_except_literals
from oxen_codegen.records import from_response

from codegen.hostile.attacks import (
    TOO_LARGE,
    Done,
    add_keywords,
    check_errors,
    insert_text,
    make_all_attacks,
    make_removed_models,
    read_json,
    write_records,
)
from codegen.hostile.use import use_package

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there are no memory limits on Windows"),
]


def test_generate_attacks(project: Path, guarded: Callable[..., Done], server: RawServer) -> None:
    """All attacks as recorded files: rejected ones are named and write nothing, the others are harmless.

    The accepted ones, which cost most of the time, are added after the run with rejected files.
    """
    attack, large = make_all_attacks(), TOO_LARGE
    removed = make_removed_models()
    package = project / "out" / "oxen_models"
    schemas = package / "schemas"
    before = read_files(package)
    later = project.parent / "later"
    later.mkdir()
    files = write_records([*attack.models, *large.models, *removed], schemas)
    messages = {**attack.rejected, **large.rejected}
    for model_id in files.keys() - messages.keys():
        (schemas / files[model_id]).rename(later / files[model_id])
    (schemas / "victim.json").unlink()
    (schemas / "large.json").write_bytes(b" " * (10 * 2**20))
    rejected = {files[model_id]: message for model_id, message in messages.items()}
    rejected["large.json"] = "not usable: larger than 1 MB"

    done = guarded("codegen", "generate")

    assert done.code == 2, done.stderr
    check_errors(done, rejected)
    generated = {name: text for name, text in read_files(package).items() if not name.startswith("schemas/")}
    assert generated.items() <= before.items()

    for name in rejected:
        (schemas / name).unlink()
    shutil.copytree(later, schemas, dirs_exist_ok=True)
    done = guarded("codegen", "generate")
    assert done.code == 0, done.stderr
    check_errors(done, {})
    after = read_files(package)
    assert after["images/good.py"] == before["images/good.py"]
    text = "".join(content.decode() for name, content in after.items() if name.endswith(".py"))
    assert {char for char in set(text) if unicodedata.category(char)[0] in "CZ"} <= {"\n", " "}

    pages = [Elements(files["_workbench/page.html"].decode()) for files in (before, after)]
    assert pages[0].found == [*pages[1].found]
    bound = [model for model in (*attack.models, *large.models) if model["id"] not in messages]
    use_package(guarded, server, [*bound, make_model("good")])


def emit_module(schema: object) -> str:
    """Return the module of a model without the digest of its schema."""
    record = from_response(make_model("victim", schema))
    return render_module(record).replace(record.digest[:12], "")


def test_engine_extensions_have_no_effect() -> None:
    """Keywords that only the engine reads do not change the module, apart from literals."""
    schema = insert_text(read_json("positions")["json_request_schema"], "at")
    words: dict[str, Any] = read_json("engine_words")
    ignored = {word: value for word, value in words.items() if word.startswith("x-")}
    assert emit_module(add_keywords(schema, ignored)) == emit_module(
        {**add_keywords(schema, {}), "x-at": "at"}
    )
    for word in words.keys() - ignored.keys():
        module = emit_module(add_keywords(PROMPT_SCHEMA, {word: words[word]}))
        assert equal_except_literals(module, emit_module(add_keywords(PROMPT_SCHEMA, {"unknown": 1})))


@pytest.mark.parametrize(
    ("a", "b"),
    [("x = 1", "x = f()"), ("x = -1", "x = -y"), ("x = [1]", "x = [1, 2]"), ("x = 1", "y = 1")],
)
def test_code_is_not_equal_to_literals(a: str, b: str) -> None:
    """The check for injected code accepts nothing but literals as literals."""
    assert not equal_except_literals(a, b)
    assert not equal_except_literals(b, a)


def test_attack_has_all_engine_words() -> None:
    """The attack has every keyword that the installed engine reads beside those of JSON Schema."""
    engine: Any = import_module("datamodel_code_generator.parser.jsonschema")
    standard: Any = import_module("jsonschema_specifications").REGISTRY
    known = {"nullable", "example"}  # of OpenAPI
    for uri in standard:
        known.update(standard.contents(uri).get("properties", {}))
    fields = {field.alias or name for name, field in engine.JsonSchemaObject.model_fields.items()}
    extensions = {
        word
        for file in Path(engine.__file__).parent.parent.rglob("*.py")
        for word in re.findall(
            r"""["'](x-[A-Za-z-]+|custom[A-Z]\w+Path)["']""", file.read_text(encoding="utf-8")
        )
    }
    assert {"x-python-type", "customTypePath"} <= extensions
    assert (fields - known) | extensions <= read_json("engine_words").keys()
