"""`oxen-codegen fetch`, from the command line, against hubs of every dialect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import stamina
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
# The fields of a dialect that concern model objects and lists; each of their values but the default.
DIALECTS = {
    f"{name}={value}": Dialect(**{name: value})
    for name in ("schema_key", "detail", "endpoint", "developer", "lists", "list_access")
    for value in get_args(_HINTS[name])[1:]
}


@pytest.fixture(autouse=True)
def set_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set an API key, and retry without delays."""
    monkeypatch.setenv("OXEN_API_KEY", "any")
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """The folder of the hub's models."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for number, model in enumerate(MODELS):
        (folder / f"{number}.json").write_text(json.dumps(model))
    return folder


@pytest.fixture
def hub(catalogue: Path) -> Iterator[Hub]:
    """A hub with the models of the catalogue."""
    with Hub(schemas=catalogue) as hub:
        yield hub


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """The folder of recorded models, which does not exist yet."""
    return tmp_path / "schemas"


@pytest.fixture
def fetch(hub: Hub, schemas: Path) -> Callable[..., Result]:
    """A function that runs `fetch` against the hub, into the folder of schemas."""

    def run(*arguments: str, url: str = hub.url) -> Result:
        return CliRunner().invoke(main, ["fetch", *arguments, "--base-url", url, "--schemas", str(schemas)])

    return run


def read_texts(folder: Path) -> dict[str, str]:
    """Return the content of each file by name."""
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


@pytest.mark.slow
def test_fetch_dialects_give_same_records(
    catalogue: Path, fetch: Callable[..., Result], schemas: Path
) -> None:
    """The records do not depend on the dialect of the hub, except for the spelling of the path."""
    assert fetch("--all").exit_code == 0
    recorded = read_texts(schemas)
    for name, dialect in DIALECTS.items():
        with Hub(schemas=catalogue, dialect=dialect) as other:
            done = fetch("--all", url=other.url)
        assert done.exit_code == 0, done.output
        actual, expected = read_texts(schemas), recorded
        if dialect.endpoint != "stored":  # a record has the path as the hub spells it
            actual, expected = (
                {file: remove_endpoint(text) for file, text in texts.items()} for texts in (actual, expected)
            )
        assert actual == expected, name
        for file, text in recorded.items():
            (schemas / file).write_text(text, encoding="utf-8")


def remove_endpoint(text: str) -> str:
    """Return a record without its path and its date of change."""
    return json.dumps(
        {key: value for key, value in json.loads(text).items() if key not in ("endpoint", "changed")}
    )


@pytest.mark.slow
def test_fetch_records_relevant_keys(fetch: Callable[..., Result], schemas: Path) -> None:
    """A record has the keys that concern callers, in a fixed layout."""
    assert fetch("painter").exit_code == 0
    text = (schemas / "painter.json").read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["json_request_schema"] == IMAGE
    assert record["pricing"] == MODELS[0]["pricing"]
    assert not {"deployments", "showcase"} & record.keys()
    assert len(record["changed"]) == len("2026-01-01")
    assert text == json.dumps(record, indent=2, sort_keys=True) + "\n"


@pytest.mark.slow
def test_fetch_file_names_are_portable(fetch: Callable[..., Result], hub: Hub, schemas: Path) -> None:
    """File names are valid and distinct on every file system."""
    ids = ["TALKER", "con", "a/../../b", "ends.", "tilde~", "~", "nul.txt", "mo dèle"]
    for model_id in ids:
        hub.add_model({**MODELS[2], "id": model_id})  # without a typed call, so that no Python names collide
    assert fetch("--all").exit_code == 0
    names = [file.name for file in schemas.iterdir()]
    assert len({name.lower() for name in names}) == len(ids) + len(MODELS)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789%-_.ABCDEF") for name in names)
    assert not any(name.startswith((".", "con.", "nul.")) for name in names)
    assert "%54%41%4C%4B%45%52.json" in names


@pytest.mark.slow
def test_fetch_id_without_url_is_an_error(fetch: Callable[..., Result], hub: Hub) -> None:
    """An id that cannot be part of a URL is reported, and the other models are recorded."""
    hub.add_model({**MODELS[0], "id": ".."})
    done = fetch("--all")
    assert done.exit_code == 1
    assert "error: ..: a model with that id has no URL" in done.stderr
    assert "3 written" in done.stdout


@pytest.mark.slow
def test_fetch_unchanged_models_changes_nothing(fetch: Callable[..., Result], schemas: Path) -> None:
    """Without changes on the hub, no file changes, and the date of change is kept."""
    fetch("--all")
    record = schemas / "painter.json"
    aged = {**json.loads(record.read_text()), "changed": "1999-12-31"}
    record.write_text(json.dumps(aged, indent=2, sort_keys=True) + "\n")
    before = read_texts(schemas)

    done = fetch("--all")

    assert "0 written, 3 unchanged, 0 removed, 0 failed" in done.stdout
    assert read_texts(schemas) == before


@pytest.mark.slow
def test_fetch_date_ignores_prices(fetch: Callable[..., Result], hub: Hub, schemas: Path) -> None:
    """The date of change changes with the model, and not with its price or its limits."""
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


@pytest.mark.slow
def test_fetch_records_change_of_json_type(fetch: Callable[..., Result], hub: Hub, schemas: Path) -> None:
    """A change from `1` to `true` is a change, although both are equal in Python."""
    for default in (1, True):
        properties = {"n": {"default": default}}
        hub.add_model({**MODELS[0], "json_request_schema": {"type": "object", "properties": properties}})
        assert "1 written" in fetch("painter").stdout
    record = json.loads((schemas / "painter.json").read_text())
    assert record["json_request_schema"]["properties"]["n"]["default"] is True


@pytest.mark.slow
def test_fetch_keeps_other_files(fetch: Callable[..., Result], schemas: Path) -> None:
    """Files that `fetch` did not write are kept."""
    schemas.mkdir()
    other = {"package.json": '{"precious": 1}', "tsconfig.json": "{", "model.json": '{"id": "another"}'}
    for name, text in other.items():
        (schemas / name).write_text(text)
    assert "0 removed" in fetch("--all").stdout
    assert other.items() <= read_texts(schemas).items()


@pytest.mark.slow
def test_fetch_keeps_removal_notice(fetch: Callable[..., Result], hub: Hub, schemas: Path) -> None:
    """The record of a model that is marked as removed is kept until the hub has the model again."""
    fetch("--all")
    record = schemas / "talker.json"
    removal = {"on": "2026-07-01", "version": "0.2.0", "successor": None}
    record.write_text(json.dumps({**json.loads(record.read_text()), "removed": removal}))
    hub.remove_model("talker")
    assert "0 removed" in fetch("--all").stdout
    assert json.loads(record.read_text())["removed"] == removal
    hub.add_model(MODELS[2])
    assert "1 written" in fetch("--all").stdout
    assert "removed" not in json.loads(record.read_text())


@pytest.mark.slow
def test_fetch_ignores_removal_from_hub(fetch: Callable[..., Result], hub: Hub, schemas: Path) -> None:
    """The hub cannot mark a model as removed."""
    hub.add_model({**MODELS[0], "removed": {"on": "2026-07-01", "version": "0.2.0", "successor": None}})
    fetch("--all")
    assert "removed" not in json.loads((schemas / "painter.json").read_text())


@pytest.mark.slow
def test_fetch_all_deletes_removed_models(fetch: Callable[..., Result], hub: Hub, schemas: Path) -> None:
    """Only `fetch --all` deletes the records of models that the hub does not have."""
    fetch("--all")
    hub.remove_model("talker")
    assert fetch("painter").exit_code == 0
    assert (schemas / "talker.json").exists()
    done = fetch("--all")
    assert "1 removed" in done.stdout
    assert not (schemas / "talker.json").exists()


@pytest.mark.slow
def test_fetch_incomplete_list_deletes_nothing(fetch: Callable[..., Result], hub: Hub, schemas: Path) -> None:
    """A model that the list lacks is deleted only if a request for it returns 404."""
    fetch("--all")
    before = read_texts(schemas)
    hub.add_model({**MODELS[2], "summary": "Talks."})
    hub.respond_next(200, body=[{"id": "oxen:ox-Fine/Tuned"}], path="/api/ai/models")
    hub.respond_next(502, body="<html>nginx", path="/api/ai/models/painter", times=3)
    done = fetch("--all")
    assert done.exit_code == 1
    assert "error: painter: the server returned HTTP 502" in done.stderr
    assert "1 written, 1 unchanged, 0 removed, 1 failed" in done.stdout
    assert read_texts(schemas)["painter.json"] == before["painter.json"]
    assert read_texts(schemas)["talker.json"] != before["talker.json"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, "<h1>Oops</h1>", "the server returned HTTP 500, 3 times"),
        (404, {"error": {"message": "Model not found: painter"}}, "HTTP 404: Model not found: painter"),
        (200, "<html>", "not JSON"),
        (200, {"id": "another"}, "the server returned another model: 'another'"),
        (200, {"data": {}}, "it has no id"),
        (200, "[" * 60_000, "JSON nesting exceeds 100 levels"),
        (200, '{"id": "painter", "id": "painter"}', "duplicate key"),
        (200, b" " * (2 * 2**20), "larger than 1 MB"),
    ],
)
def test_fetch_failed_model_keeps_record(
    status: int, body: object, message: str, fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    """A model that cannot be read is reported, its record is kept, and the others are recorded."""
    fetch("--all")
    before = read_texts(schemas)
    hub.add_model({**MODELS[2], "summary": "Talks."})
    hub.respond_next(status, body=body, path="/api/ai/models/painter", times=3)

    done = fetch("--all")

    assert done.exit_code == 1
    assert "error: painter" in done.stderr
    assert message in done.stderr
    assert "1 written, 1 unchanged, 0 removed, 1 failed" in done.stdout
    assert read_texts(schemas)["painter.json"] == before["painter.json"]
    assert read_texts(schemas)["talker.json"] != before["talker.json"]


@pytest.mark.slow
@pytest.mark.parametrize(("status", "times"), [(429, 5), (500, 2), (503, 2)])
def test_fetch_retries_transient_errors(
    status: int, times: int, fetch: Callable[..., Result], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server error is retried twice, and a rate limit until it ends."""
    monkeypatch.setattr("oxen_codegen.rate_limit.MIN_PAUSE", 0.0)
    hub.respond_next(status, body="busy", times=times, path="/api/ai/models/painter")
    assert fetch("painter").exit_code == 0
    assert len(hub.requests) == times + 1


def test_fetch_long_rate_limit_is_an_error(fetch: Callable[..., Result], hub: Hub) -> None:
    """A rate limit of more than two minutes is not waited for."""
    hub.respond_next(429, headers={"retry-after": "121"}, path="/api/ai/models/painter")
    done = fetch("painter")
    assert (done.exit_code, len(hub.requests)) == (1, 1)
    assert "the server limits the rate of requests (HTTP 429); try again later" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, "", "the list of models: the server returned HTTP 500, 3 times"),
        (403, {}, "returned HTTP 403 without a list"),
        (200, {"data": []}, "returned no model"),
        (200, {"data": [{"id": ""}, {"object": "model"}]}, "models without an id"),
        (200, {"data": "x"}, "without a list"),
        (
            200,
            "<p>Log in",
            "not JSON: Expecting value: line 1 column 1 (char 0); the response of {url} begins with '<p>Log",
        ),
        (401, {"error": {"type": "unauthenticated"}}, "rejected the API key (HTTP 401): set OXEN_API_KEY"),
    ],
)
def test_fetch_invalid_list_changes_nothing(
    status: int, body: object, message: str, fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    """Without a complete list of models, nothing changes."""
    fetch("--all")
    before = read_texts(schemas)
    hub.respond_next(status, body=body, path="/api/ai/models", times=3)
    done = fetch("--all")
    assert done.exit_code == 2
    assert message.format(url=hub.url) in done.stderr
    assert read_texts(schemas) == before


@pytest.mark.slow
@pytest.mark.parametrize("entry", [{}, {"id": None}, {"id": 5}, {"id": " "}, "painter", [], None], ids=repr)
def test_fetch_skips_list_entry_without_id(
    entry: object, fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    """An entry without a usable id is reported; the other models are recorded."""
    hub.respond_next(200, body={"data": [{"id": "painter"}, entry]}, path="/api/ai/models")
    done = fetch("--all")
    assert done.exit_code == 1
    assert "error: the list of models /1: skipped, because it has no usable id" in done.stderr
    assert [file.name for file in schemas.iterdir()] == ["painter.json"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"NaN", "NaN is not a JSON value"),
        (b"1e999", "out of the range of a number"),
        (b"1" * 5_000, "not JSON"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b'"\xff"', "not JSON"),
        (b"[" * 150 + b"]" * 150, "JSON nesting exceeds 100 levels"),
    ],
    ids=["constant", "number", "integer", "key", "encoding", "depth"],
)
def test_fetch_list_with_invalid_model(
    value: bytes, message: str, fetch: Callable[..., Result], hub: Hub, schemas: Path
) -> None:
    """A model that is not strict JSON is reported; the list that contains it is used."""
    model = b'{"id": "broken", "fine_tuning": ' + value + b"}"
    hub.respond_next(200, body=b'[{"id": "painter"}, ' + model + b", " + value + b"]", path="/api/ai/models")
    hub.respond_next(200, body=model, path="/api/ai/models/broken")
    done = fetch("--all")
    assert done.exit_code == 1
    assert "the list of models /2: skipped" in done.stderr
    assert "error: broken: not " in done.stderr
    assert message in done.stderr
    assert [file.name for file in schemas.iterdir()] == ["painter.json"]


@pytest.mark.slow
def test_fetch_reports_few_entries_without_id(fetch: Callable[..., Result], hub: Hub) -> None:
    """Of thousands of entries without an id, the first are listed and the others are counted."""
    hub.respond_next(200, body=[{"id": "painter"}, *[{}] * 5_000], path="/api/ai/models")
    done = fetch("--all")
    assert done.exit_code == 1
    assert "4980 more entries without a usable id" in done.stderr
    assert done.stderr.count("no usable id") == 20


@pytest.mark.slow
def test_fetch_writes_through_no_link(tmp_path: Path, fetch: Callable[..., Result], schemas: Path) -> None:
    """A link at the path of a temporary file is replaced; its target is not changed."""
    victim = tmp_path / "victim"
    victim.write_text("years of work")
    schemas.mkdir(exist_ok=True)
    for name in ("painter.json", "painter.json.part"):
        (schemas / name).symlink_to(victim)
    assert fetch("painter").exit_code == 0
    assert victim.read_text() == "years of work"
    assert [(file.name, file.is_symlink()) for file in schemas.iterdir()] == [("painter.json", False)]


@pytest.mark.slow
def test_fetch_falls_back_to_older_list(catalogue: Path, fetch: Callable[..., Result]) -> None:
    """The older list is requested only if the newer one returns 404."""
    with Hub(schemas=catalogue, dialect=Dialect(lists="old")) as old, Hub(schemas=catalogue) as new:
        assert fetch("--all", url=old.url).exit_code == 0
        assert fetch("--all", url=new.url).exit_code == 0
        assert [request.path for request in old.requests[:2]] == ["/api/ai/models", "/api/evaluations/models"]
        assert "/api/evaluations/models" not in [request.path for request in new.requests]


@pytest.mark.slow
def test_fetch_works_without_a_key(
    fetch: Callable[..., Result], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an API key, none is sent, because the list of models is public."""
    monkeypatch.delenv("OXEN_API_KEY")
    assert fetch("--all").exit_code == 0
    assert len(hub.requests) > 1
    assert not any("authorization" in request.headers for request in hub.requests)


@pytest.mark.slow
def test_fetch_without_required_key_fails(
    catalogue: Path, fetch: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub whose list is not public is an error that names the ways to pass a key."""
    monkeypatch.delenv("OXEN_API_KEY")
    with Hub(schemas=catalogue, dialect=Dialect(list_access="key")) as hub:
        done = fetch("--all", url=hub.url)
    assert done.exit_code == 2
    assert "requires an API key (HTTP 401): set OXEN_API_KEY" in done.stderr
    assert "auth_config.toml" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["OXEN_BASE_URL", "OXEN_HOST"])
def test_fetch_uses_login_and_environment(
    schemas: Path, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Address and key come from the environment and the login file, as those of the client do."""
    host = hub.url.removeprefix("http://")
    login = f'[[host_configs]]\nhost = "{host}"\nauth_token = "of-the-file"\n'
    (tmp_path / "auth_config.toml").write_text(login)
    monkeypatch.delenv("OXEN_API_KEY")
    monkeypatch.setenv("OXEN_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv(variable, host if variable == "OXEN_HOST" else f"{hub.url}/api/ai")
    done = CliRunner().invoke(main, ["fetch", "painter", "--schemas", str(schemas)])
    assert done.exit_code == 0, done.output
    assert hub.requests[0].headers["authorization"] == "Bearer of-the-file"


@pytest.mark.slow
def test_fetch_sends_key_and_user_agent(fetch: Callable[..., Result], hub: Hub) -> None:
    """Requests have the key, and a user agent that the hub does not take for its own tool."""
    fetch("painter")
    (request,) = hub.requests
    assert request.headers["authorization"] == "Bearer any"
    assert "oxen" not in request.headers["user-agent"].lower()


@pytest.mark.parametrize("arguments", [(), ("painter", "--all")])
def test_fetch_requires_ids_or_all(
    arguments: tuple[str, ...], fetch: Callable[..., Result], hub: Hub
) -> None:
    """Either ids or `--all` must be given."""
    done = fetch(*arguments)
    assert done.exit_code == 2
    assert "expected either model ids or --all" in done.stderr
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
def test_fetch_invalid_address(url: str, fetch: Callable[..., Result]) -> None:
    """An address that is not that of a hub is an error on one line."""
    done = fetch("--all", url=url)
    assert done.exit_code == 2
    assert "oxen-codegen: " in done.stderr
