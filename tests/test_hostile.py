"""Attacks of a hub on whoever generates from its answers, and on whoever imports what was generated.

Each is rejected with a clear message or is harmless, and costs the good models beside it nothing: no code of
the hub runs, nothing is opened or reached but what belongs to the command, within 15 seconds and 300 MB.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import oxen_codegen
import pytest
from click.testing import CliRunner
from compiled import module_source
from conftest import Answer, RawServer
from generating import PROMPT, answer, files
from oxen_codegen.cli import main
from oxen_codegen.generate import templates_folder
from oxen_codegen.proof import equal_but_for_literals
from oxen_codegen.records import from_answer, is_list, is_object
from oxen_codegen.report import printable

HOSTILE = Path(__file__).parent / "hostile"
SECONDS = 15
MEGABYTES = 300
CANARY = "canary"
MODELS = "/api/ai/models"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limits of memory to set there")


@dataclass(frozen=True)
class Attack:
    """What a hub answers, and what becomes of it."""

    models: list[Any]
    rejected: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is said of the models that are left out, by id; all others are bound."""


@dataclass(frozen=True)
class Done:
    """What a guarded command came to."""

    code: int
    told: str
    """What it wrote to its standard error."""
    said: str
    """What it wrote to its standard output."""


def stored(name: str) -> Any:
    return json.loads((HOSTILE / f"{name}.json").read_text(encoding="utf-8"))


def from_file(name: str) -> Attack:
    told = stored(name)
    return Attack(told["models"], told.get("rejected", {}))


def put(value: Any, text: str) -> Any:
    """`value` with `text` wherever a string or a key has an @."""
    if isinstance(value, str):
        return value.replace("@", text)
    if is_list(value):
        return [put(item, text) for item in value]
    if is_object(value):
        return {put(key, text): put(item, text) for key, item in value.items()}
    return value


def strings() -> Attack:
    positions = stored("positions")
    return Attack(
        # A short beginning, so that the id becomes a name, and one of its own.
        [{**put(positions, text), "id": f"{text[:50]} {name}"} for name, text in stored("strings").items()]
    )


def removed() -> Attack:
    """The same of models that left the hub, which say when and what to use instead."""
    marks = {"on": "@", "version": "@", "successor": "@"}
    texts = list(stored("strings").values())
    models = [put({**answer("@"), "removed": marks}, text) for text in texts]
    return Attack([{**model, "id": f"left {number}"} for number, model in enumerate(models)])


def engine_words() -> Attack:
    """All that the engine reads beside JSON Schema, in all places that a schema has."""
    return Attack(
        [answer("words", with_words(stored("positions")["json_request_schema"], stored("engine_words")))]
    )


def with_words(schema: Any, words: Mapping[str, Any]) -> Any:
    """`schema` with `words` in it and in all schemas in it."""
    if not is_object(schema):
        return schema
    changed = {**schema, **words}
    if "properties" in schema:
        changed["properties"] = {name: with_words(each, words) for name, each in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            changed[key] = with_words(schema[key], words)
    return changed


def with_properties(model_id: str, properties: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    return answer(model_id, {"type": "object", "properties": properties}, **facts)


def choices(count: int) -> Iterator[tuple[str, list[Any]]]:
    yield "texts", [f"value-{number}" for number in range(count)]
    yield "objects", [{"a": number} for number in range(count)]
    yield "one hash", [number * (2**61 - 1) for number in range(count)]


TEXT = {"type": "string"}
PART = {"type": "object", "properties": {"a": TEXT}}
NUMBERS = {"type": "array", "items": {"enum": list(range(10_000))}, "default": [-1] * 20_000}
SIZES = {
    "choices": Attack(
        [
            *(with_properties(name, {"a": {"enum": values}}) for name, values in choices(10_000)),
            with_properties("default", {"a": NUMBERS}),
        ]
    ),
    "properties": Attack([with_properties("victim", {f"p{number}": TEXT for number in range(2_000)})]),
    "names": Attack(
        [
            with_properties("alike", {f"{'-' * (number % 50)}{'.' * number}": TEXT for number in range(800)}),
            with_properties("parts alike", {"-" * number: PART for number in range(800)}),
        ]
    ),
    "texts": Attack(
        [
            with_properties("name", {"a" * 500_000: PART}),
            with_properties("description", {"a": {**TEXT, "description": "word " * 180_000}}),
            with_properties("titles", {"a": TEXT}, display_name="w" * 300_000, summary="w " * 150_000),
            with_properties("levels", {"a": json.loads('{"items":' * 90 + "{}" + "}" * 90)}),
        ]
    ),
    "too large": Attack(
        [
            with_properties("victim", {"a": {"enum": list(range(20_000))}}),
            with_properties("parts", {f"p{number}": TEXT for number in range(10_000)}),
            with_properties("fits", {"a": TEXT}),
            with_properties("bytes", {"a": {**TEXT, "description": "w" * 2**20}}),
        ],
        {
            "victim": "more than 10000 choices",
            "parts": "more than 4000 parts",
            "attack-3.json": "not usable: larger than 1 MB",
        },
    ),
}
STORED = ["ids", "references", "shapes"]
ATTACKS: dict[str, Callable[[], Attack]] = {
    "strings": strings,
    "strings of models that left": removed,
    "engine words": engine_words,
    **{name: partial(from_file, name) for name in STORED},
    **{name: partial(SIZES.__getitem__, name) for name in SIZES},
}


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package that there was before the attack."""
    folder = tmp_path_factory.mktemp("before")
    (folder / "schemas").mkdir()
    for name in ("good", "victim"):
        (folder / "schemas" / f"{name}.json").write_text(json.dumps(answer(name)))
    done = CliRunner().invoke(
        main, ["generate", "--schemas", str(folder / "schemas"), "--output", str(folder / "out")]
    )
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def folder(before: Path, tmp_path: Path) -> Path:
    """A copy of that, to attack."""
    return Path(shutil.copytree(before, tmp_path / "attacked"))


@pytest.fixture
def guarded(folder: Path, server: RawServer, tmp_path: Path) -> Callable[..., Done]:
    """Runs a command or a script in the folder, under guard."""

    def run(kind: str, *arguments: str, path: Path = Path(oxen_codegen.__file__).parent.parent) -> Done:
        log, temporary, home = (tmp_path / name for name in ("log.json", "temporary", "home"))
        temporary.mkdir(exist_ok=True)
        home.mkdir(exist_ok=True)
        roots = [
            sys.prefix, sys.base_prefix, path, templates_folder(), temporary,
            folder / "schemas", folder / "out",
        ]  # fmt: skip
        environment = {
            **os.environ,
            "OXEN_API_KEY": "any",
            "PYTHONPATH": str(path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(temporary),
            "HOME": str(home),
        }
        port = server.url.rpartition(":")[2]
        limits = [log, os.pathsep.join(map(str, roots)), port, SECONDS]
        watched = [HOSTILE / "guard.py", *limits, kind, *arguments]
        done = subprocess.run(
            [sys.executable, "-P", *map(str, watched)],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=4 * SECONDS,  # where others are at work on the machine; guard.py counts its own
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr[-3000:]
        assert done.returncode >= 0, "it took too long"
        noted = json.loads(log.read_text(encoding="utf-8"))
        assert noted["offences"] == [], "\n".join(noted["offences"])
        assert noted["megabytes"] < MEGABYTES
        assert list(home.iterdir()) == [], "something was written where the command was run"
        assert {entry.name for entry in folder.iterdir()} == {"schemas", "out"}
        assert [entry.name for entry in (folder / "out").iterdir()] == ["oxen_models"]
        return Done(done.returncode, done.stderr, done.stdout)

    return run


def install(attack: Attack, schemas: Path) -> None:
    for number, model in enumerate(attack.models):
        if model["id"] == "victim":
            (schemas / "victim.json").unlink()
        (schemas / f"attack-{number}.json").write_text(json.dumps(model))


def complaints(done: Done, rejected: Mapping[str, str]) -> None:
    """Each model that is left out is named, with the reason, on one line that a terminal can show."""
    lines = done.told.splitlines()
    for model_id, reason in rejected.items():
        shown = printable(model_id)
        assert any(shown in line and line.startswith("error: ") and reason in line for line in lines), (
            model_id,
            [line for line in lines if line.startswith("error: ")],
        )
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == len(rejected), errors
    assert all(line.isprintable() and len(line) < 1_000 for line in lines)


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
    old = files(package)

    done = guarded(
        "codegen", "generate", "--schemas", str(folder / "schemas"), "--output", str(folder / "out")
    )

    assert done.code == (1 if attack.rejected else 0), done.told
    complaints(done, attack.rejected)
    new = files(package)
    assert new["images/good.py"] == old["images/good.py"]
    if "victim" in attack.rejected:
        assert new["images/victim.py"] == old["images/victim.py"]
    seen = "".join(text.decode() for file, text in new.items() if file.endswith(".py"))
    assert {char for char in set(seen) if unicodedata.category(char)[0] in "CZ"} <= {"\n", " "}

    server.answers = {"/api/ai/images/generate": [Answer(body={"images": [{"url": f"{server.url}/a.png"}]})]}
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


def blanks(count: int) -> bytes:
    """A deflated text of `count` MB of blanks: a small one, flushed so that it can be repeated."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    part = deflate.compress(b" " * 2**20) + deflate.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + part * count


GZIP = {"content-encoding": "gzip"}
WRONG: dict[str, tuple[Answer, str]] = {
    "a deflate bomb": (Answer(body=blanks(2_000), headers=GZIP), "the answer is larger than 1 MB"),
    # As many as are fetched at once: together they must not be larger, either.
    **{
        f"a deflate bomb, {number}": (
            Answer(body=blanks(2_000), headers=GZIP), "the answer is larger than 1 MB",
        )
        for number in range(2, 9)
    },
    "a deflate bomb in small parts": (
        Answer(body=gzip.compress(b"[" + b"[]," * 340_000), headers=GZIP), "holds more than 65536 values",
    ),
    "deflated twice": (
        Answer(body=gzip.compress(blanks(100)), headers={"content-encoding": "gzip, gzip"}),
        "the answer is encoded as 'gzip, gzip', which was not asked for",
    ),
    "another encoding": (Answer(body=b"x", headers={"content-encoding": "br"}), "is encoded as 'br'"),
    "an encoding that it has not": (Answer(body=b"{}", headers=GZIP), "the answer cannot be inflated"),
    "half a deflated text": (Answer(body=gzip.compress(b"{}" * 99)[:20], headers=GZIP), "not JSON"),
    "50 MB of blanks": (Answer(body=b" " * (50 * 2**20)), "the answer is larger than 1 MB"),
    "50 MB of one text": (Answer(body=b'{"id": "' + b"x" * (50 * 2**20)), "the answer is larger than 1 MB"),
    "empty lists": (Answer(body=b"[" + b"[]," * 340_000 + b"1]"), "the JSON holds more than 65536 values"),
    "100,000 levels": (Answer(body=b"[" * 60_000), "nested too deeply"),
    "NaN": (Answer(body=b'{"id": "NaN", "created": NaN}'), "NaN is not a JSON value"),
    "infinity": (Answer(body=b'{"id": "x", "created": -Infinity}'), "-Infinity is not a JSON value"),
    "a huge fraction": (Answer(body=b'{"id": "x", "created": 1e999}'), "beyond the range of a number"),
    "a huge integer": (Answer(body=b'{"id": "x", "created": 1%s}' % (b"0" * 500_000)), "not JSON"),
    "a key twice": (Answer(body=b'{"id": "x", "id": "a key twice"}'), "stands twice"),
    "a key twice, escaped": (Answer(body=b'{"id": "x", "\\u0069d": "y"}'), "stands twice"),
    "half a pair": (Answer(body=b'{"id": "half a pair", "summary": "\\ud800"}'), "not valid Unicode"),
    "yaml": (Answer(body=b"id: !!python/object/apply:os.system ['touch canary']\n"), "not JSON"),
    "xml": (
        Answer(body=b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'), "not JSON",
    ),
    "python": (Answer(body=b"__import__('pathlib').Path('canary').touch()"), "not JSON"),
    "a pickle": (Answer(body=b"cos\nsystem\n(S'touch canary'\ntR."), "not JSON"),
    "nothing": (Answer(), "not JSON"),
    "half": (Answer(body=b'{"id": "half"}', how="half"), "no answer from"),
    "cut": (Answer(how="cut"), "no answer from"),
    "elsewhere": (Answer(302, headers={"location": "file:///etc/passwd"}), "the hub answered HTTP 302"),
    "another address": (Answer(307, headers={"location": "http://127.0.0.1:9/"}), "answered HTTP 307"),
    "another model": (Answer(body=answer("good", summary="Not good.")), "with another model: 'good'"),
    "another path": (Answer(body=answer("../../good")), "answered with another model: '../../good'"),
    "an error that is code": (
        Answer(404, body={"error": "\x1b[2J\n__import__('os')"}), r"HTTP 404: \x1b[2J\n__import__('os')",
    ),
    "long headers": (Answer(headers={"x-long": "x" * 300_000}), "no answer from"),
    "a record that grows": (
        Answer(
            body=answer("a record that grows", {"a": json.loads(f"{'[' * 90}1{',1' * 20_000}{']' * 90}")})
        ),
        "its record would be larger than 1 MB",
    ),
}  # fmt: skip


def serve(server: RawServer, models: Mapping[str, Answer]) -> None:
    listed = [{"id": model_id} for model_id in models]
    server.answers = {MODELS: [Answer(body={"data": listed})]}
    for model_id, each in models.items():
        server.answers[f"{MODELS}/{quote(model_id, safe='')}"] = [each]


def test_attacks_on_fetch(folder: Path, guarded: Callable[..., Done], server: RawServer) -> None:
    """All of them at once, eight at a time, as `fetch` does it."""
    schemas = folder / "schemas"
    ids = Attack(stored("ids")["models"])
    # What no file can be named after; names of Python's are no matter of `fetch`.
    unusual = {name: "the id is too long" for name in stored("ids")["rejected"] if len(name) > 200}
    taken = {model["id"]: Answer(body=model) for model in ids.models if model["id"] not in unusual}
    wrong = {name: each for name, (each, _) in WRONG.items()}
    untaken = {name: Answer(body=answer(name)) for name in unusual}
    better = answer("good", summary="Better.", removed={"on": "2000-01-01"})  # which is no hub's to say
    serve(server, {"good": Answer(body=better), **wrong, **taken, **untaken})
    listed: Any = server.answers[MODELS][0].body
    for name, complaint in (("\ud800", "not valid Unicode"), ("..", "no URL can name")):
        listed["data"].append({"id": name})
        unusual[name] = complaint

    done = guarded("codegen", "fetch", "--all", "--base-url", server.url, "--schemas", str(schemas))

    assert done.code == 1
    complaints(done, {**{name: complaint for name, (_, complaint) in WRONG.items()}, **unusual})
    recorded = [json.loads(file.read_text(encoding="utf-8"))["id"] for file in schemas.iterdir()]
    assert sorted(recorded) == sorted(["good", *taken])
    good = json.loads((schemas / "good.json").read_text(encoding="utf-8"))
    assert (good["summary"], good.get("removed")) == ("Better.", None)
    assert not [path for _, path, _ in server.requests if quote("x" * 300) in path]


LISTS: dict[str, tuple[Answer, str]] = {
    "a deflate bomb": (Answer(body=blanks(2_000), headers=GZIP), "the answer is larger than 8 MB"),
    "50 MB": (Answer(body=b" " * (50 * 2**20)), "the answer is larger than 8 MB"),
    "empty objects": (Answer(body=b"[" + b"{}," * 2_700_000 + b"{}]"), "holds more than 524288 values"),
    "as many objects as may be": (Answer(body=b"[" + b'{"a":{}},' * 170_000 + b"{}]"), "some without an id"),
    "20,000 models": (
        Answer(body=[{"id": f"model-{number}"} for number in range(20_000)]), "named more than 10000 models",
    ),
    "numbers for ids": (Answer(body=[{"id": 5}, {"id": ["a"]}, {"id": {"a": 1}}]), "some without an id"),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_an_attack_on_the_list_changes_nothing(
    name: str, folder: Path, guarded: Callable[..., Done], server: RawServer
) -> None:
    server.answers = {MODELS: [LISTS[name][0]]}
    before = files(folder / "schemas")
    done = guarded(
        "codegen", "fetch", "--all", "--base-url", server.url, "--schemas", str(folder / "schemas")
    )
    assert done.code == 2
    assert done.told.startswith("oxen-codegen: the list of models: ")
    assert LISTS[name][1] in done.told
    assert files(folder / "schemas") == before
    assert len(server.requests) == 1


def test_a_hub_that_never_comes_to_an_end_is_left(
    server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXEN_API_KEY", "any")
    monkeypatch.setattr("oxen_codegen.fetch._SECONDS_IN_ALL", 0.2)
    serve(server, {"good": Answer(body=answer("good")), "slow": Answer(body=answer("slow"), how="slow")})
    arguments = ["--base-url", server.url, "--schemas", str(tmp_path / "schemas")]
    done = CliRunner().invoke(main, ["fetch", "--all", *arguments])
    assert done.exit_code == 1
    assert "error: slow: the answer was not whole after 0 s" in done.stderr
    assert [file.name for file in (tmp_path / "schemas").iterdir()] == ["good.json"]


def test_a_file_of_50_mb_is_named(folder: Path, guarded: Callable[..., Done]) -> None:
    (folder / "schemas" / "victim.json").write_bytes(b" " * (50 * 2**20))
    old = files(folder / "out" / "oxen_models")
    done = guarded(
        "codegen", "generate", "--schemas", str(folder / "schemas"), "--output", str(folder / "out")
    )
    assert done.code == 1
    complaints(done, {"victim.json": "not usable: larger than 1 MB"})
    new = files(folder / "out" / "oxen_models")
    for name in ("images/good.py", "images/victim.py", "images/__init__.py", "_client.py"):
        assert new[name] == old[name], name


def test_hundreds_of_ids_of_one_name(folder: Path, guarded: Callable[..., Done]) -> None:
    alike = {"-" * number + "a": "would have the name a" for number in range(150)}
    install(Attack(list(map(answer, alike))), folder / "schemas")
    done = guarded(
        "codegen", "generate", "--schemas", str(folder / "schemas"), "--output", str(folder / "out")
    )
    assert done.code == 1
    complaints(done, alike)
    assert "2 bound" in done.said


def emitted(schema: object) -> str:
    """The module of a model, less the digest of its schema."""
    record = from_answer(answer("victim", schema))
    return module_source(record).replace(record.digest[:12], "")


def test_no_extension_of_the_engine_has_an_effect() -> None:
    schema = put(stored("positions")["json_request_schema"], "at")
    words: dict[str, Any] = stored("engine_words")
    ignored = {word: value for word, value in words.items() if word.startswith("x-")}
    assert emitted(with_words(schema, ignored)) == emitted({**with_words(schema, {}), "x-at": "at"})
    # The others are words of nobody's, which the hub may mean something by.
    for word in words.keys() - ignored.keys():
        module = emitted(with_words(PROMPT, {word: words[word]}))
        assert equal_but_for_literals(module, emitted(with_words(PROMPT, {"nobody's": 1})))


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


def test_the_canary_sings(tmp_path: Path, guarded: Callable[..., Done], folder: Path) -> None:
    """The code in the attacks would be seen, if it ran."""
    with pytest.raises(AssertionError, match=CANARY):
        guarded("script", stored("strings")["plain code"], path=folder / "out")
    assert (tmp_path / "home" / CANARY).exists()


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("open('/etc/passwd')", "open /etc/passwd"),
        ("import pathlib; pathlib.Path('../beside').touch()", "open ../beside"),
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "connect"),
        ("import os; os.system('true')", "os.system"),
        ("import subprocess; subprocess.run(['true'])", "run"),
        ("x = bytearray(400 * 2**20)", "< 300"),
        ("1 / 0", "Traceback"),
    ],
)
def test_the_guard_sees_what_it_has_to_see(
    code: str, seen: str, guarded: Callable[..., Done], folder: Path
) -> None:
    with pytest.raises(AssertionError, match=seen):
        guarded("script", code, path=folder / "out")
