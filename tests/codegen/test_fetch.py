"""`oxen-codegen fetch`, from the command line, against hubs of every dialect."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from click.testing import CliRunner, Result
from oxen_codegen.cli import main
from oxen_models.testing import Dialect, Hub

IMAGE = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}, "size": {"type": "string", "enum": ["s", "m"]}},
    "required": ["prompt"],
}
MODELS: list[dict[str, Any]] = [
    {
        "id": "painter",
        "object": "model",
        "display_name": "Painter",
        "endpoint": "/images/generate",
        "capabilities": {"input": ["text"], "output": ["image"]},
        "pricing": {"method": "per_image", "cost_per_image": 0.04},
        "deployments": [{"status": "active"}],
        "json_request_schema": IMAGE,
    },
    {
        "id": "oxen:ox-Fine/Tuned",
        "display_name": "Ours",
        "endpoint": "/images/generate",
        "json_request_schema": IMAGE,
    },
    {"id": "talker", "display_name": "Talker", "endpoint": "/chat/completions", "json_request_schema": None},
]
_HINTS: dict[str, Any] = get_type_hints(Dialect)
DIALECTS = [
    Dialect(**{name: value})
    for name, value in (
        pair for name in _HINTS for pair in product([name], get_args(_HINTS[name]))
    )
]  # fmt: skip


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OXEN_API_KEY", "any")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A folder of models, for a hub to answer from."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for number, model in enumerate(MODELS):
        (folder / f"{number}.json").write_text(json.dumps(model))
    return folder


@pytest.fixture
def hub(catalogue: Path) -> Iterator[Hub]:
    with Hub(schemas=catalogue) as hub:
        yield hub


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    return tmp_path / "schemas"


@pytest.fixture
def fetch(hub: Hub, schemas: Path) -> Callable[..., Result]:
    """Runs `fetch` against the hub, into the folder of schemas."""

    def run(*arguments: str, url: str = hub.url) -> Result:
        return CliRunner().invoke(main, ["fetch", *arguments, "--base-url", url, "--schemas", str(schemas)])

    return run


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_every_spelling_of_the_hub_is_recorded_alike(
    dialect: Dialect, catalogue: Path, fetch: Callable[..., Result], schemas: Path
) -> None:
    assert fetch("--all").exit_code == 0
    expected = contents(schemas)
    with Hub(schemas=catalogue, dialect=dialect) as other:
        done = fetch("--all", url=other.url)
    assert done.exit_code == 0, done.output
    found = contents(schemas)
    if dialect.endpoint != "stored":  # the record keeps the hub's own words there
        found, expected = (
            {name: without_endpoint(text) for name, text in each.items()} for each in (found, expected)
        )
    assert found == expected


def without_endpoint(text: str) -> str:
    return json.dumps(
        {key: value for key, value in json.loads(text).items() if key not in ("endpoint", "changed")}
    )


def test_a_record_holds_what_matters_and_not_what_moves(fetch: Callable[..., Result], schemas: Path) -> None:
    assert fetch("painter").exit_code == 0
    text = (schemas / "painter.json").read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["json_request_schema"] == IMAGE
    assert record["pricing"] == MODELS[0]["pricing"]
    assert not {"deployments", "showcase"} & record.keys()
    assert len(record["changed"]) == len("2026-01-01")
    assert text == json.dumps(record, indent=2, sort_keys=True) + "\n"


def test_file_names_are_safe_on_every_file_system(
    fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    ids = ["TALKER", "con", "a/../../b", "ends.", "tilde~", "~", "nul.txt", "mo dèle"]
    for model_id in ids:
        hub.add_model({**MODELS[2], "id": model_id})  # without a typed call, so that no Python names collide
    assert fetch("--all").exit_code == 0
    names = [file.name for file in schemas.iterdir()]
    assert len({name.lower() for name in names}) == len(ids) + len(MODELS)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789%-_.ABCDEF") for name in names)
    assert not any(name.startswith((".", "con.", "nul.")) for name in names)
    assert "%54%41%4C%4B%45%52.json" in names


def test_an_id_that_no_url_can_name_is_an_error(fetch: Callable[..., Result], hub: Hub) -> None:
    hub.add_model({**MODELS[0], "id": ".."})
    done = fetch("--all")
    assert done.exit_code == 1
    assert "error: ..: a model with that id has no URL" in done.stderr
    assert "3 written" in done.stdout


def test_an_unchanged_catalogue_changes_no_byte(fetch: Callable[..., Result], schemas: Path) -> None:
    fetch("--all")
    record = schemas / "painter.json"
    aged = {**json.loads(record.read_text()), "changed": "1999-12-31"}
    record.write_text(json.dumps(aged, indent=2, sort_keys=True) + "\n")
    before = contents(schemas)

    done = fetch("--all")

    assert "0 written, 3 unchanged, 0 removed, 0 failed" in done.stdout
    assert contents(schemas) == before


def test_the_date_moves_with_the_facts_and_not_with_the_prices(
    fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    fetch("--all")
    record = schemas / "painter.json"
    aged = {**json.loads(record.read_text()), "changed": "1999-12-31"}
    record.write_text(json.dumps(aged, indent=2, sort_keys=True) + "\n")

    hub.add_model({**MODELS[0], "pricing": {"cost_per_image": 9}, "context_length": 5})
    assert "1 written" in fetch("painter").stdout
    recorded = json.loads(record.read_text())
    assert (recorded["pricing"], recorded["context_length"]) == ({"cost_per_image": 9}, 5)
    assert recorded["changed"] == "1999-12-31"

    hub.add_model({**MODELS[0], "summary": "Paints."})
    assert "1 written" in fetch("painter").stdout
    assert json.loads(record.read_text())["changed"] > "2026"


def test_a_file_that_is_no_record_is_not_removed(fetch: Callable[..., Result], schemas: Path) -> None:
    schemas.mkdir()
    own = {"package.json": '{"precious": 1}', "tsconfig.json": "{", "model.json": '{"id": "another"}'}
    for name, text in own.items():
        (schemas / name).write_text(text)
    assert "0 removed" in fetch("--all").stdout
    assert own.items() <= contents(schemas).items()


def test_the_record_of_a_model_that_is_known_to_have_left_stays(
    fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    fetch("--all")
    record = schemas / "talker.json"
    marks = {"on": "2026-07-01", "version": "0.2.0", "successor": None}
    record.write_text(json.dumps({**json.loads(record.read_text()), "removed": marks}))
    hub.remove_model("talker")
    assert "0 removed" in fetch("--all").stdout
    assert json.loads(record.read_text())["removed"] == marks
    hub.add_model(MODELS[2])
    assert "1 written" in fetch("--all").stdout
    assert "removed" not in json.loads(record.read_text())


def test_a_hub_cannot_declare_a_model_gone(fetch: Callable[..., Result], hub: Hub, schemas: Path) -> None:
    hub.add_model({**MODELS[0], "removed": {"on": "2026-07-01", "version": "0.2.0", "successor": None}})
    fetch("--all")
    assert "removed" not in json.loads((schemas / "painter.json").read_text())


def test_all_removes_what_the_hub_lacks_and_a_single_fetch_does_not(
    fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    fetch("--all")
    hub.remove_model("talker")
    assert fetch("painter").exit_code == 0
    assert (schemas / "talker.json").exists()
    done = fetch("--all")
    assert "1 removed" in done.stdout
    assert not (schemas / "talker.json").exists()


def test_a_list_that_is_cut_short_removes_nothing(
    fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    fetch("--all")
    before = contents(schemas)
    hub.add_model({**MODELS[2], "summary": "Talks."})
    hub.respond_next(200, body=[{"id": "oxen:ox-Fine/Tuned"}], path="/api/ai/models")
    hub.respond_next(502, body="<html>nginx", path="/api/ai/models/painter", times=3)
    done = fetch("--all")
    assert done.exit_code == 1
    assert "error: painter: the hub returned HTTP 502" in done.stderr
    assert "1 written, 1 unchanged, 0 removed, 1 failed" in done.stdout
    assert contents(schemas)["painter.json"] == before["painter.json"]
    assert contents(schemas)["talker.json"] != before["talker.json"]


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (500, "<h1>Oops</h1>", "the hub returned HTTP 500, 3 times"),
        (404, {"error": {"message": "Model not found: painter"}}, "HTTP 404: Model not found: painter"),
        (200, "<html>", "not JSON"),
        (200, {"id": "another"}, "the hub returned another model: 'another'"),
        (200, {"data": {}}, "it has no id"),
        (200, {**MODELS[0], "json_request_schema": ["x"]}, "the parameter schema must be a JSON object"),
        (200, "[" * 60_000, "JSON nesting exceeds 100 levels"),
        (200, '{"id": "painter", "id": "painter"}', "duplicate key"),
        (200, b" " * (2 * 2**20), "larger than 1 MB"),
    ],
)
def test_a_model_that_cannot_be_had_is_named_and_keeps_its_record(
    status: int, body: object, complaint: str, fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    fetch("--all")
    before = contents(schemas)
    hub.add_model({**MODELS[2], "summary": "Talks."})
    hub.respond_next(status, body=body, path="/api/ai/models/painter", times=3)

    done = fetch("--all")

    assert done.exit_code == 1
    assert "error: painter" in done.stderr
    assert complaint in done.stderr
    assert "1 written, 1 unchanged, 0 removed, 1 failed" in done.stdout
    assert contents(schemas)["painter.json"] == before["painter.json"]
    assert contents(schemas)["talker.json"] != before["talker.json"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_reading_is_tried_again(status: int, fetch: Callable[..., Result], hub: Hub) -> None:
    hub.respond_next(status, body="busy", times=2, path="/api/ai/models/painter")
    assert fetch("painter").exit_code == 0
    assert len(hub.requests) == 3


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (500, "", "the list of models: the hub returned HTTP 500, 3 times"),
        (403, {}, "returned HTTP 403 without a list"),
        (200, {"data": []}, "returned no model"),
        (200, {"data": [{"id": "a"}, {"object": "model"}]}, "models without an id"),
        (200, {"data": "x"}, "without a list"),
        (200, "no JSON", "not JSON"),
        (401, {"error": {"type": "unauthenticated"}}, "rejected the key in OXEN_API_KEY"),
    ],
)
def test_a_list_that_is_none_changes_nothing(
    status: int, body: object, complaint: str, fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    fetch("--all")
    before = contents(schemas)
    hub.respond_next(status, body=body, path="/api/ai/models", times=3)
    done = fetch("--all")
    assert done.exit_code == 2
    assert complaint in done.stderr
    assert contents(schemas) == before


def test_the_older_list_is_asked_only_when_the_first_is_a_404(
    catalogue: Path, fetch: Callable[..., Result]
) -> None:
    with Hub(schemas=catalogue, dialect=Dialect(lists="old")) as old, Hub(schemas=catalogue) as new:
        assert fetch("--all", url=old.url).exit_code == 0
        assert fetch("--all", url=new.url).exit_code == 0
        assert [each.path for each in old.requests[:2]] == ["/api/ai/models", "/api/evaluations/models"]
        assert "/api/evaluations/models" not in [each.path for each in new.requests]


def test_without_a_key_it_names_the_variable_before_any_request(
    fetch: Callable[..., Result], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OXEN_API_KEY")
    done = fetch("--all")
    assert done.exit_code == 2
    assert "OXEN_API_KEY" in done.stderr
    assert hub.requests == []


def test_the_key_and_an_agent_that_is_not_the_hubs_own_are_sent(
    fetch: Callable[..., Result], hub: Hub
) -> None:
    fetch("painter")
    (received,) = hub.requests
    assert received.headers["authorization"] == "Bearer any"
    assert "oxen" not in received.headers["user-agent"].lower()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "expected either model ids or --all"),
        (("painter", "--all"), "expected either model ids or --all"),
    ],
)
def test_ids_or_all(
    arguments: tuple[str, ...], complaint: str, fetch: Callable[..., Result], hub: Hub
) -> None:
    done = fetch(*arguments)
    assert done.exit_code == 2
    assert complaint in done.stderr
    assert hub.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "hub.oxen.ai",
        "file:///etc",
        "http://",
        "http://127.0.0.1:1",
        "http://[::1",
        "http://a..b",
        "http://u:p@a",
    ],
)
def test_an_address_that_is_no_hub_is_told_in_a_sentence(url: str, fetch: Callable[..., Result]) -> None:
    done = fetch("--all", url=url)
    assert done.exit_code == 2
    assert "oxen-codegen: " in done.stderr


def test_eight_at_a_time_and_no_more(schemas: Path) -> None:
    class Answer(BaseHTTPRequestHandler):
        lock = threading.Lock()
        eight = threading.Event()
        active = most = 0

        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            with self.lock:
                Answer.active += 1
                Answer.most = max(Answer.most, Answer.active)
                if Answer.active == 8:
                    self.eight.set()
            self.eight.wait(10)  # nobody is answered before eight have asked
            body = json.dumps({"id": name, "json_request_schema": None}).encode()
            with self.lock:
                Answer.active -= 1
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ids = [f"painter-{number}" for number in range(40)]
        arguments = ["--base-url", f"http://127.0.0.1:{server.server_port}", "--schemas", str(schemas)]
        done = CliRunner().invoke(main, ["fetch", *ids, *arguments])
        server.shutdown()
    assert "40 written" in done.stdout, done.output
    assert Answer.most == 8


def test_ctrl_c_ends_it_though_a_hub_does_not_answer(schemas: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "oxen_codegen", "fetch", "painter", "--base-url", url]
        process = subprocess.Popen([*command, "--schemas", str(schemas)], stderr=subprocess.PIPE)
        connection, _ = silent.accept()
        with connection:  # it has asked, and waits
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=10)
    assert process.returncode == 130
    assert told == b"oxen-codegen: interrupted\n"
