"""Attacks on `fetch`: responses of a hub in place of models."""

from __future__ import annotations

import gzip
import itertools
import json
import sys
import threading
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
from helpers.socket_server import Peer, Request, encode_response, run_socket_server
from oxen_codegen.cli import main

from codegen.hostile.attacks import GROWING, MODELS, Done, check_errors, read_attack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there are no memory limits on Windows"),
]


def compress_spaces(megabytes: int) -> bytes:
    """Return a gzip text of spaces, made of one flushed part that is repeated."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    part = compressor.compress(b" " * 2**20) + compressor.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + part * megabytes


GZIP = {"content-encoding": "gzip"}
BOMB = Response(body=compress_spaces(2_000), headers=GZIP)
SPACES = Response(body=b" " * (10 * 2**20))
INVALID: dict[str, tuple[Response, str]] = {
    "a gzip bomb": (BOMB, "the response is larger than 1 MB"),
    # As many as are read concurrently, because the memory limit is for all of them.
    **{
        f"a gzip bomb, {number}": (BOMB, "the response is larger than 1 MB")
        for number in range(2, 9)
    },
    "a gzip bomb in small parts": (
        Response(body=gzip.compress(b"[" + b"[]," * 340_000), headers=GZIP), "has more than 65536 values",
    ),
    "gzip twice": (
        Response(body=gzip.compress(compress_spaces(100)), headers={"content-encoding": "gzip, gzip"}),
        "the response has the encoding 'gzip, gzip', which was not requested",
    ),
    "another encoding": (Response(body=b"x", headers={"content-encoding": "br"}), "has the encoding 'br'"),
    "a wrong encoding": (Response(body=b"{}", headers=GZIP), "cannot be decompressed"),
    "half a gzip text": (Response(body=gzip.compress(b"{}" * 99)[:20], headers=GZIP), "not JSON"),
    "10 MB of spaces": (SPACES, "the response is larger than 1 MB"),
    "10 MB of one string": (Response(body=b'{"id": "' + b"x" * (10 * 2**20)), "is larger than 1 MB"),
    "empty lists": (Response(body=b"[" + b"[]," * 340_000 + b"1]"), "the JSON has more than 65536 values"),
    "100,000 levels": (Response(body=b"[" * 60_000), "JSON nesting exceeds 100 levels"),
    "NaN": (Response(body=b'{"id": "NaN", "created": NaN}'), "NaN is not a JSON value"),
    "infinity": (Response(body=b'{"id": "x", "created": -Infinity}'), "-Infinity is not a JSON value"),
    "a huge fraction": (Response(body=b'{"id": "x", "created": 1e999}'), "out of the range of a number"),
    "a huge integer": (Response(body=b'{"id": "x", "created": 1%s}' % (b"0" * 500_000)), "not JSON"),
    "a duplicate key": (Response(body=b'{"id": "x", "id": "a duplicate key"}'), "duplicate key"),
    "a duplicate key, escaped": (Response(body=b'{"id": "x", "\\u0069d": "y"}'), "duplicate key"),
    "a lone surrogate": (Response(body=b'{"id": "a lone surrogate", "summary": "\\ud800"}'), "Unicode"),
    "yaml": (Response(body=b"id: !!python/object/apply:os.system ['touch canary']\n"), "not JSON"),
    "xml": (
        Response(body=b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'), "not JSON",
    ),
    "python": (Response(body=b"__import__('pathlib').Path('canary').touch()"), "not JSON"),
    "a pickle": (Response(body=b"cos\nsystem\n(S'touch canary'\ntR."), "not JSON"),
    "an empty body": (Response(), "not JSON"),
    "half a body": (Response(body=b'{"id": "half a body"}', delivery="half"), "no response from"),
    "a closed connection": (Response(delivery="cut"), "no response from"),
    "a redirect to a file": (Response(302, headers={"location": "file:///etc/passwd"}), "returned HTTP 302"),
    "a redirect to an address": (Response(307, headers={"location": "http://127.0.0.1:9/"}), "HTTP 307"),
    "another model": (Response(body=make_model("good", summary="Not good.")), "another model: 'good'"),
    "a path as the id": (Response(body=make_model("../../good")), "another model: '../../good'"),
    "an error that is code": (
        Response(404, body={"error": "\x1b[2J\n__import__('os')"}), r"HTTP 404: \x1b[2J\n__import__('os')",
    ),
    "long headers": (Response(headers={"x-long": "x" * 300_000}), "no response from"),
    "a record that grows": (
        Response(body=GROWING),
        "the record would be larger than 1 MB",
    ),
}  # fmt: skip


def serve(server: RawServer, models: Mapping[str, Response]) -> None:
    """Serve the responses as models, and list their ids."""
    listed = [{"id": model_id} for model_id in models]
    server.responses = {MODELS: [Response(body={"data": listed})]}
    for model_id, response in models.items():
        server.responses[f"{MODELS}/{quote(model_id, safe='')}"] = [response]


def test_fetch_attacks(project: Path, guarded: Callable[..., Done], server: RawServer) -> None:
    """All invalid responses at once, eight of them concurrently; the valid models are recorded."""
    schemas = project / "out" / "oxen_models" / "schemas"
    ids = read_attack("ids")
    valid = {model["id"]: Response(body=model) for model in ids.models if model["id"] not in ids.rejected}
    unbindable = {model_id: Response(body=make_model(model_id)) for model_id in ids.rejected}
    # The hub cannot mark a model as removed.
    better = make_model("good", summary="Better.", removed={"on": "2000-01-01"})
    invalid = {name: response for name, (response, _) in INVALID.items()}
    serve(server, {"good": Response(body=better), **invalid, **valid, **unbindable})
    listed: Any = server.responses[MODELS][0].body
    without_url = {"\ud800": "not valid Unicode", "..": "has no URL"}
    listed["data"].extend({"id": model_id} for model_id in without_url)

    done = guarded("codegen", "fetch", "--all", "--base-url", server.url)

    assert done.code == 1, done.stderr
    check_errors(
        done, {**{name: message for name, (_, message) in INVALID.items()}, **ids.rejected, **without_url}
    )
    recorded = [json.loads(file.read_text(encoding="utf-8"))["id"] for file in schemas.iterdir()]
    assert sorted(recorded) == sorted(["good", *valid])  # the hub has no model "victim" any more
    good = json.loads((schemas / "good.json").read_text(encoding="utf-8"))
    assert (good["summary"], good.get("removed")) == ("Better.", None)
    assert not [path for _, path, _ in server.requests if quote("x" * 300) in path]


LISTS: dict[str, tuple[Response, str]] = {
    "a gzip bomb": (BOMB, "the response is larger than 8 MB"),
    "10 MB": (SPACES, "the response is larger than 8 MB"),
    "empty objects": (Response(body=b"[" + b"{}," * 2_700_000 + b"{}]"), "has more than 524288 values"),
    "the maximal number of objects": (
        Response(body=b"[" + b'{"a":{}},' * 170_000 + b"{}]"), "models without an id"),
    "20,000 models": (
        Response(body=[{"id": f"model-{number}"} for number in range(20_000)]),
        "returned more than 10000 models",
    ),
    "numbers for ids": (Response(body=[{"id": 5}, {"id": ["a"]}, {"id": {"a": 1}}]), "models without an id"),
}  # fmt: skip


def test_fetch_invalid_list_changes_nothing(
    project: Path, guarded: Callable[..., Done], server: RawServer
) -> None:
    """An invalid list of models is rejected after one request."""
    before = read_files(project)
    for number, (name, (response, message)) in enumerate(LISTS.items(), 1):
        server.responses = {MODELS: [response]}
        done = guarded("codegen", "fetch", "--all", "--base-url", server.url)
        assert done.code == 2, name
        assert done.stderr.startswith("oxen-codegen: the list of models: "), name
        assert message in done.stderr, name
        assert read_files(project) == before, name
        assert len(server.requests) == number, name


class CountingClock(threading.local):
    """A clock that advances by a second with each call of a thread."""

    seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


def test_fetch_limits_total_time(server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that is sent byte by byte ends with an error, and the other models are recorded."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    monkeypatch.setattr("oxen_codegen.hub.TOTAL_TIMEOUT", 5.0)
    monkeypatch.setattr("oxen_codegen.hub.monotonic", CountingClock())
    slow = Response(body=make_model("slow"), delivery="slow")
    serve(server, {"good": Response(body=make_model("good")), "slow": slow})
    arguments = ["--base-url", server.url, "--schemas", str(tmp_path / "schemas")]
    done = CliRunner().invoke(main, ["fetch", "--all", *arguments])
    assert done.exit_code == 1
    assert "error: slow: the response was not complete after 5 s" in done.stderr
    assert [file.name for file in (tmp_path / "schemas").iterdir()] == ["good.json"]


def test_fetch_limits_time_of_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response whose headers are sent line by line ends with an error as well."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    monkeypatch.setattr("oxen_codegen.hub.TOTAL_TIMEOUT", 2.0)

    def respond(peer: Peer, request: Request) -> None:
        if request.path == MODELS:
            peer.send(encode_response({"data": [{"id": "good"}, {"id": "slow"}]}))
        elif request.path == f"{MODELS}/good":
            peer.send(encode_response(make_model("good")))
        else:
            peer.send(b"HTTP/1.1 200 OK\r\n")
            peer.drip(b"x: y\r\n" for _ in itertools.count())

    with run_socket_server(respond) as server:
        arguments = ["--base-url", server.url, "--schemas", str(tmp_path / "schemas")]
        done = CliRunner().invoke(main, ["fetch", "--all", *arguments])
    assert done.exit_code == 1
    assert "error: slow: the response was not complete after 2 s" in done.stderr
    assert [file.name for file in (tmp_path / "schemas").iterdir()] == ["good.json"]
