"""Attacks on `generate`, and on what it made."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from helpers.codegen import read_files
from helpers.compile import module_source
from helpers.models import PROMPT_SCHEMA, make_model
from helpers.raw_server import RawServer, Response
from oxen_codegen.proof import equal_but_for_literals
from oxen_codegen.records import from_answer

from codegen.hostile.attacks import ATTACKS, Attack, Done, complaints, install, put, stored, with_words

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limits of memory to set there")


USE = """
import inspect, json, pydoc, typing
from oxen_models import InvalidRequestError, Oxen, catalog, images
for name in images.__all__:
    pydoc.render_doc(getattr(images, name))
oxen = Oxen("any", base_url={url!r})
told = {{}}
for model in catalog.models(bound=True):
    stub = getattr(getattr(oxen, model.family), model.module.rpartition(".")[2])
    call = getattr(stub, model.verb)
    module = inspect.getmodule(type(stub))
    request = getattr(module, type(stub).__name__ + "Request")
    for each in (type(stub), call, request):
        pydoc.render_doc(each)
    typing.get_type_hints(call, vars(module))
    told[model.id] = [
        name if field.alias is None else field.alias for name, field in request.model_fields.items()
    ]
    for arguments in ({{}}, {{"prompt": "x"}}, dict.fromkeys(request.model_fields, "x")):
        try:
            call(**arguments)
        except (InvalidRequestError, TypeError) as error:
            repr(error), str(error)
print(json.dumps(told))
"""


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_generate(
    name: str, folder: Path, guarded: Callable[..., Done], server: RawServer
) -> None:
    attack = ATTACKS[name]()
    install(attack, folder / "schemas")
    package = folder / "out" / "oxen_models"
    old = read_files(package)

    done = guarded(
        "codegen", "generate", "--schemas", str(folder / "schemas"), "--output", str(folder / "out")
    )

    assert done.code == (1 if attack.rejected else 0), done.told
    complaints(done, attack.rejected)
    new = read_files(package)
    assert new["images/good.py"] == old["images/good.py"]
    if "victim" in attack.rejected:
        assert new["images/victim.py"] == old["images/victim.py"]
    seen = "".join(text.decode() for file, text in new.items() if file.endswith(".py"))
    assert {char for char in set(seen) if unicodedata.category(char)[0] in "CZ"} <= {"\n", " "}

    server.responses = {
        "/api/ai/images/generate": [Response(body={"images": [{"url": f"{server.url}/a.png"}]})]
    }
    used = guarded("script", USE.format(url=server.url), path=folder / "out")
    assert used.code == 0, used.told
    wires = json.loads(used.said)
    bound = {
        model["id"]
        for number, model in enumerate(attack.models)
        if not {model["id"], f"attack-{number}.json"} & attack.rejected.keys() and "removed" not in model
    }
    assert wires.keys() == bound | {"good", "victim"}
    for model in attack.models:
        if model["id"] in bound:
            assert model["json_request_schema"].get("properties", {}).keys() <= {*wires[model["id"]], "model"}


def test_hundreds_of_ids_of_one_name(folder: Path, guarded: Callable[..., Done]) -> None:
    alike = {"-" * number + "a": "would have the name a" for number in range(150)}
    install(Attack(list(map(make_model, alike))), folder / "schemas")
    done = guarded(
        "codegen", "generate", "--schemas", str(folder / "schemas"), "--output", str(folder / "out")
    )
    assert done.code == 1
    complaints(done, alike)
    assert "2 bound" in done.said


def emitted(schema: object) -> str:
    """The module of a model, less the digest of its schema."""
    record = from_answer(make_model("victim", schema))
    return module_source(record).replace(record.digest[:12], "")


def test_no_extension_of_the_engine_has_an_effect() -> None:
    schema = put(stored("positions")["json_request_schema"], "at")
    words: dict[str, Any] = stored("engine_words")
    ignored = {word: value for word, value in words.items() if word.startswith("x-")}
    assert emitted(with_words(schema, ignored)) == emitted({**with_words(schema, {}), "x-at": "at"})
    # The others are words of nobody's, which the hub may mean something by.
    for word in words.keys() - ignored.keys():
        module = emitted(with_words(PROMPT_SCHEMA, {word: words[word]}))
        assert equal_but_for_literals(module, emitted(with_words(PROMPT_SCHEMA, {"nobody's": 1})))


@pytest.mark.parametrize(
    ("one", "other"),
    [("x = 1", "x = f()"), ("x = -1", "x = -y"), ("x = [1]", "x = [1, 2]"), ("x = 1", "y = 1")],
)
def test_the_proof_takes_nothing_for_a_literal_that_is_none(one: str, other: str) -> None:
    assert not equal_but_for_literals(one, other)
    assert not equal_but_for_literals(other, one)


def test_the_attack_has_every_word_that_the_engine_reads() -> None:
    engine: Any = import_module("datamodel_code_generator.parser.jsonschema")
    standard: Any = import_module("jsonschema_specifications").REGISTRY
    known = {"nullable", "example"}  # of OpenAPI
    for uri in standard:
        known.update(standard.contents(uri).get("properties", {}))
    fields = {each.alias or name for name, each in engine.JsonSchemaObject.model_fields.items()}
    extensions = {
        word
        for file in Path(engine.__file__).parent.parent.rglob("*.py")
        for word in re.findall(
            r"""["'](x-[A-Za-z-]+|custom[A-Z]\w+Path)["']""", file.read_text(encoding="utf-8")
        )
    }
    assert {"x-python-type", "customTypePath"} <= extensions
    assert (fields - known) | extensions <= stored("engine_words").keys()
