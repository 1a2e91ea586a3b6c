"""Attacks on `fetch`: what a hub may answer instead of models."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from helpers.codegen import read_files
from helpers.models import make_model
from helpers.raw_server import RawServer, Response
from oxen_codegen.cli import main

from codegen.hostile.attacks import GROWING, Attack, Done, complaints, stored

MODELS = "/api/ai/models"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limits of memory to set there")


def blanks(count: int) -> bytes:
    """A deflated text of `count` MB of blanks: a small one, flushed so that it can be repeated."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    part = deflate.compress(b" " * 2**20) + deflate.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + part * count


GZIP = {"content-encoding": "gzip"}
WRONG: dict[str, tuple[Response, str]] = {
    "a deflate bomb": (Response(body=blanks(2_000), headers=GZIP), "the answer is larger than 1 MB"),
    # As many as are fetched at once: together they must not be larger, either.
    **{
        f"a deflate bomb, {number}": (
            Response(body=blanks(2_000), headers=GZIP), "the answer is larger than 1 MB",
        )
        for number in range(2, 9)
    },
    "a deflate bomb in small parts": (
        Response(body=gzip.compress(b"[" + b"[]," * 340_000), headers=GZIP), "holds more than 65536 values",
    ),
    "deflated twice": (
        Response(body=gzip.compress(blanks(100)), headers={"content-encoding": "gzip, gzip"}),
        "the answer is encoded as 'gzip, gzip', which was not asked for",
    ),
    "another encoding": (Response(body=b"x", headers={"content-encoding": "br"}), "is encoded as 'br'"),
    "an encoding that it has not": (Response(body=b"{}", headers=GZIP), "the answer cannot be inflated"),
    "half a deflated text": (Response(body=gzip.compress(b"{}" * 99)[:20], headers=GZIP), "not JSON"),
    "50 MB of blanks": (Response(body=b" " * (50 * 2**20)), "the answer is larger than 1 MB"),
    "50 MB of one text": (Response(body=b'{"id": "' + b"x" * (50 * 2**20)), "the answer is larger than 1 MB"),
    "empty lists": (Response(body=b"[" + b"[]," * 340_000 + b"1]"), "the JSON holds more than 65536 values"),
    "100,000 levels": (Response(body=b"[" * 60_000), "nested too deeply"),
    "NaN": (Response(body=b'{"id": "NaN", "created": NaN}'), "NaN is not a JSON value"),
    "infinity": (Response(body=b'{"id": "x", "created": -Infinity}'), "-Infinity is not a JSON value"),
    "a huge fraction": (Response(body=b'{"id": "x", "created": 1e999}'), "beyond the range of a number"),
    "a huge integer": (Response(body=b'{"id": "x", "created": 1%s}' % (b"0" * 500_000)), "not JSON"),
    "a key twice": (Response(body=b'{"id": "x", "id": "a key twice"}'), "stands twice"),
    "a key twice, escaped": (Response(body=b'{"id": "x", "\\u0069d": "y"}'), "stands twice"),
    "half a pair": (Response(body=b'{"id": "half a pair", "summary": "\\ud800"}'), "not valid Unicode"),
    "yaml": (Response(body=b"id: !!python/object/apply:os.system ['touch canary']\n"), "not JSON"),
    "xml": (
        Response(body=b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'), "not JSON",
    ),
    "python": (Response(body=b"__import__('pathlib').Path('canary').touch()"), "not JSON"),
    "a pickle": (Response(body=b"cos\nsystem\n(S'touch canary'\ntR."), "not JSON"),
    "nothing": (Response(), "not JSON"),
    "half": (Response(body=b'{"id": "half"}', delivery="half"), "no answer from"),
    "cut": (Response(delivery="cut"), "no answer from"),
    "elsewhere": (Response(302, headers={"location": "file:///etc/passwd"}), "the hub answered HTTP 302"),
    "another address": (Response(307, headers={"location": "http://127.0.0.1:9/"}), "answered HTTP 307"),
    "another model": (Response(body=make_model("good", summary="Not good.")), "with another model: 'good'"),
    "another path": (Response(body=make_model("../../good")), "answered with another model: '../../good'"),
    "an error that is code": (
        Response(404, body={"error": "\x1b[2J\n__import__('os')"}), r"HTTP 404: \x1b[2J\n__import__('os')",
    ),
    "long headers": (Response(headers={"x-long": "x" * 300_000}), "no answer from"),
    "a record that grows": (
        Response(body=GROWING),
        "its record would be larger than 1 MB",
    ),
}  # fmt: skip


def serve(server: RawServer, models: Mapping[str, Response]) -> None:
    listed = [{"id": model_id} for model_id in models]
    server.responses = {MODELS: [Response(body={"data": listed})]}
    for model_id, each in models.items():
        server.responses[f"{MODELS}/{quote(model_id, safe='')}"] = [each]


def test_attacks_on_fetch(folder: Path, guarded: Callable[..., Done], server: RawServer) -> None:
    """All of them at once, eight at a time, as `fetch` does it."""
    schemas = folder / "schemas"
    ids = Attack(stored("ids")["models"])
    # What no file can be named after; names of Python's are no matter of `fetch`.
    unusual = {name: "the id is too long" for name in stored("ids")["rejected"] if len(name) > 200}
    taken = {model["id"]: Response(body=model) for model in ids.models if model["id"] not in unusual}
    wrong = {name: each for name, (each, _) in WRONG.items()}
    untaken = {name: Response(body=make_model(name)) for name in unusual}
    better = make_model("good", summary="Better.", removed={"on": "2000-01-01"})  # which is no hub's to say
    serve(server, {"good": Response(body=better), **wrong, **taken, **untaken})
    listed: Any = server.responses[MODELS][0].body
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


LISTS: dict[str, tuple[Response, str]] = {
    "a deflate bomb": (Response(body=blanks(2_000), headers=GZIP), "the answer is larger than 8 MB"),
    "50 MB": (Response(body=b" " * (50 * 2**20)), "the answer is larger than 8 MB"),
    "empty objects": (Response(body=b"[" + b"{}," * 2_700_000 + b"{}]"), "holds more than 524288 values"),
    "as many objects as may be": (
        Response(body=b"[" + b'{"a":{}},' * 170_000 + b"{}]"), "some without an id"),
    "20,000 models": (
        Response(body=[{"id": f"model-{number}"} for number in range(20_000)]),
        "named more than 10000 models",
    ),
    "numbers for ids": (Response(body=[{"id": 5}, {"id": ["a"]}, {"id": {"a": 1}}]), "some without an id"),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_an_attack_on_the_list_changes_nothing(
    name: str, folder: Path, guarded: Callable[..., Done], server: RawServer
) -> None:
    server.responses = {MODELS: [LISTS[name][0]]}
    before = read_files(folder / "schemas")
    done = guarded(
        "codegen", "fetch", "--all", "--base-url", server.url, "--schemas", str(folder / "schemas")
    )
    assert done.code == 2
    assert done.told.startswith("oxen-codegen: the list of models: ")
    assert LISTS[name][1] in done.told
    assert read_files(folder / "schemas") == before
    assert len(server.requests) == 1


def test_a_hub_that_never_comes_to_an_end_is_left(
    server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXEN_API_KEY", "any")
    monkeypatch.setattr("oxen_codegen.fetch._SECONDS_IN_ALL", 0.2)
    serve(
        server,
        {
            "good": Response(body=make_model("good")),
            "slow": Response(body=make_model("slow"), delivery="slow"),
        },
    )
    arguments = ["--base-url", server.url, "--schemas", str(tmp_path / "schemas")]
    done = CliRunner().invoke(main, ["fetch", "--all", *arguments])
    assert done.exit_code == 1
    assert "error: slow: the answer was not whole after 0 s" in done.stderr
    assert [file.name for file in (tmp_path / "schemas").iterdir()] == ["good.json"]


def test_a_file_of_50_mb_is_named(folder: Path, guarded: Callable[..., Done]) -> None:
    (folder / "schemas" / "victim.json").write_bytes(b" " * (50 * 2**20))
    old = read_files(folder / "out" / "oxen_models")
    done = guarded(
        "codegen", "generate", "--schemas", str(folder / "schemas"), "--output", str(folder / "out")
    )
    assert done.code == 1
    complaints(done, {"victim.json": "not usable: larger than 1 MB"})
    new = read_files(folder / "out" / "oxen_models")
    for name in ("images/good.py", "images/victim.py", "images/__init__.py", "_client.py"):
        assert new[name] == old[name], name
