"""The other commands: models, history, costs, chat, login, upload and compare."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from helpers.hub_api import read_bodies
from oxen_models import Oxen, catalog
from oxen_models._cli.login import store_key
from oxen_models._runtime.api_key import APIKey
from oxen_models.testing import Hub
from PIL import Image

from .conftest import NEW, Run, read_example

PRICED = "z-image-turbo"
KEY = "k3y-of-the-user"


def read_json(run: Run, *arguments: str) -> Any:
    return json.loads(run(*arguments).stdout)


def test_list_filters_the_catalogue(run: Run, hub: Hub) -> None:
    """The filters are those of the catalogue, and nothing is sent."""
    filters = ("--task", "image-edit", "--developer", "qwen", "--accepts", "seed", "--makes", "image")
    expected = catalog.models(task="image-edit", developer="qwen", accepts={"seed"}, output="image")
    assert [model["id"] for model in read_json(run, "list", *filters)] == [model.id for model in expected]
    cheap = run("list", "--max-price", "0.02", "--output", "quiet").stdout.split()
    assert cheap == [model.id for model in catalog.models(max_price=Decimal("0.02"))]
    assert hub.requests == []


@pytest.mark.slow
def test_list_of_the_server_has_new_models(run: Run) -> None:
    """With `--live`, the models are those that the server lists now."""
    assert NEW["id"] in run("list", "--live", "--output", "quiet").stdout.split()
    run("list", "--live", "--task", "image-edit", code=2)


def test_search_finds_all_words(run: Run) -> None:
    """Every word is in the model; a name that none has is corrected for readers."""
    found = {model["id"] for model in read_json(run, "search", "qwen", "edit")}
    assert "qwen-image-edit-plus" in found
    assert read_json(run, "search", "qwen-imagg") == []
    assert "words; did you mean 'qwen-image'?" in run("search", "qwen-imagg", "--output", "human").stderr


def test_show_describes_a_model(run: Run) -> None:
    """A model is described with its price, its parameters and an example; control characters are escaped."""
    shown = read_json(run, "show", PRICED)
    assert (shown["id"], shown["price"], shown["in_package"]) == (PRICED, "$0.01 per image", True)
    assert "prompt" in shown["schema"]["properties"]
    text = run("show", NEW["id"], "--output", "human").stdout
    assert text.startswith("Paint \\x1b[31mred (acme/paint:1)\n")
    assert f"oxen-models run {NEW['id']} --prompt" in text
    assert "--param-output" in text  # `run` has an option --output of its own
    assert "oxen-models chat gpt-4o" in run("show", "gpt-4o", "--output", "human").stdout


def test_example_of_show_is_quoted_for_a_shell(run: Run, own_hub: Hub) -> None:
    """The options of the example give each required parameter its value."""
    values = {"output": "@it's\n$HOME", "sharp": False, "tags": ["x", "@y"], "size": {"x": 1}}
    kinds: dict[str, Any] = {
        "output": {"type": "string"},
        "sharp": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "size": {"type": "object", "properties": {"x": {"type": "integer"}}},
    }
    properties = {name: {**node, "default": values[name]} for name, node in kinds.items()}
    own_hub.add_model(
        {**NEW, "json_request_schema": {"type": "object", "required": [*kinds], "properties": properties}}
    )
    server = ("--base-url", own_hub.url)
    example = read_example(run, str(NEW["id"]), *server)
    assert read_json(run, *example, *server, "--dry-run")["body"] == {"model": NEW["id"], **values}


@pytest.mark.slow
def test_history_lists_jobs_with_costs(run: Run, own_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The history and the costs are those of the server; jobs lists those that have not ended."""
    monkeypatch.setenv("OXEN_BASE_URL", own_hub.url)
    ids = [run("submit", PRICED, "--prompt", "a\x1bb", "--output", "quiet").stdout.strip() for _ in range(3)]
    run("wait", *ids)
    own_hub.inject_fault("job-stuck", times=1)
    stuck = run("submit", PRICED, "--prompt", "x", "--output", "quiet").stdout.strip()
    assert run("history", "--limit", "2", "--output", "quiet").stdout.split() == [stuck, ids[2]]
    assert len(read_json(run, "history", "--limit", "9" * 30)) == 4
    text = run("history", "--status", "succeeded", "--output", "human").stdout
    assert text.count("$0.01") == 3
    assert "a\\x1bb" in text
    assert [job["generation_id"] for job in read_json(run, "jobs")] == [stuck]
    assert stuck in run("jobs", "--output", "human").stdout
    assert read_json(run, "costs", "--since", "1d") == [{"model": PRICED, "cost": "0.03"}]
    assert "total: $0.03" in run("costs", "--by", "day", "--output", "human").stderr
    assert read_json(run, "costs", "--since", "2100-01-01T00:00") == []


@pytest.mark.slow
def test_chat_prints_the_answer(run: Run, hub: Hub) -> None:
    """Readers see the streamed text, programs the completion; instructions and images are sent."""
    hub.chat("Moo \x1b[31m", times=2)
    assert run("chat", "gpt-4o", "Hello", "--output", "human").stdout == "Moo \\x1b[31m\n"
    options = ("--system", "Be short", "--image", "https://example.com/a.png", "--max-tokens", "5")
    completion = read_json(run, "chat", "gpt-4o", "Hello", *options)
    assert completion["choices"][0]["message"]["content"] == "Moo \x1b[31m"
    body = read_bodies(hub)[-1]
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert [part["type"] for part in body["messages"][1]["content"]] == ["image_url", "text"]
    assert body["max_tokens"] == 5


def test_chat_reads_the_prompt_from_input(run: Run, hub: Hub) -> None:
    """Without a prompt, the standard input is the message."""
    run("chat", "gpt-4o", input="From input")
    assert read_bodies(hub)[-1]["messages"] == [{"role": "user", "content": "From input"}]


def test_chat_with_unknown_outcome_names_no_job(run: Run, hub: Hub) -> None:
    """A chat call that got no response is not looked for in the history, because it is no job."""
    hub.inject_fault("cut-before-response", method="POST", path="/api/ai/chat/completions")
    result = run("chat", "gpt-4o", "Hello", "--output", "human", code=5)
    assert "may have been accepted" in result.stderr
    assert "history" not in result.stderr


def test_login_stores_a_key_that_works(run: Run, hub: Hub, folder: Path, monkeypatch: Any) -> None:
    """The key is in the file of the vendor, which only its owner can read, and is not printed."""
    monkeypatch.delenv("OXEN_API_KEY")
    result = run("login", input=f"{KEY}\n")
    assert KEY not in result.output
    file = folder / "auth_config.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    host = hub.url.removeprefix("http://")
    table = {"host": host, "auth_token": KEY}
    assert tomllib.loads(file.read_text()) == {"default_host": host, "host_configs": [table]}
    run("jobs")
    assert hub.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    with Oxen(base_url=hub.url) as oxen:
        assert oxen.check_key().name


def test_login_keeps_other_hosts(run: Run, hub: Hub, folder: Path) -> None:
    """Other hosts and the default host stay, the old key is replaced, and a link is followed."""
    host = hub.url.removeprefix("http://")
    real = folder / "real.toml"
    real.write_text(
        'default_host = "hub.oxen.ai"\n\n[[host_configs]]\nhost = "hub.oxen.ai"\nauth_token = "o\\"ne"\n'
        f'\n[[host_configs]]\nhost = "{host}"\nauth_token = "old"\nextra-1 = true\n'
    )
    (folder / "auth_config.toml").symlink_to(real)
    run("login", input=KEY)
    assert tomllib.loads(real.read_text()) == {
        "default_host": "hub.oxen.ai",
        "host_configs": [{"host": "hub.oxen.ai", "auth_token": 'o"ne'}, {"host": host, "auth_token": KEY}],
    }
    assert sorted(os.listdir(folder)) == ["auth_config.toml", "real.toml"]


def test_logins_at_once_keep_all_hosts(folder: Path) -> None:
    """No key is lost if several processes store keys at the same time."""
    file = folder / "new" / "auth_config.toml"
    start = Barrier(4)

    def store_keys(number: int) -> None:
        start.wait()
        for port in range(4):
            store_key(file, f"host-{number}:{port}", APIKey(KEY))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store_keys, range(4)))
    assert len(tomllib.loads(file.read_text())["host_configs"]) == 16


@pytest.mark.parametrize(
    "content", ["[x", "[other]\na = 1\n", "host_configs = 5\n", '[[host_configs]]\nx = "y"\n']
)
def test_login_does_not_replace_unknown_files(run: Run, folder: Path, content: str) -> None:
    """A file with other content is an error and stays as it is."""
    file = folder / "auth_config.toml"
    file.write_text(content)
    run("login", input=KEY, code=1)
    assert file.read_text() == content


def test_login_rejects_a_wrong_key(run: Run, hub: Hub, folder: Path) -> None:
    """A key that the server rejects, or no key, is not stored."""
    hub.respond_next(401, body={"error": {"message": f"no such key {KEY}"}}, path="/api/authorize")
    result = run("login", input=KEY, code=1)
    assert KEY not in result.output
    run("login", input="\n", code=2)
    assert not (folder / "auth_config.toml").exists()


@pytest.mark.slow
def test_upload_prints_urls(run: Run, folder: Path) -> None:
    """Files are uploaded, and their URLs printed."""
    Image.new("RGB", (2, 2)).save(folder / "dog.png")
    [uploaded] = read_json(run, "upload", "dog.png")
    assert uploaded["file"] == "dog.png"
    assert run("upload", "dog.png", "--output", "quiet").stdout.startswith("http")
    run("upload", "missing.png", code=2)


@pytest.mark.slow
def test_path_in_the_home_folder_is_expanded(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the home folder also where no shell replaces it, as after an equals sign."""
    monkeypatch.setenv("HOME", str(folder))
    Image.new("RGB", (2, 2)).save(folder / "dog.png")
    run("upload", "~/dog.png")
    Path("rows.csv").write_text("id,text\n")
    command = ("batch", "~/rows.csv", "--model", PRICED, "--map", "prompt=text", "--yes", "--out=~/out")
    run(*command, "--journal=~/a.journal")
    assert Path("out", "results.csv").exists()
    assert Path("a.journal").exists()
    assert not Path("~").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("compare", PRICED, "--prompt", "x", "--folder=~/file"),
        ("mcp", "--allow=~/file"),
        ("mcp", "--output-dir=~/file"),
        ("workbench", "--output-dir=~/file"),
    ],
)
def test_file_in_place_of_a_folder_is_rejected(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Options that name a folder expand `~` before they check it."""
    monkeypatch.setenv("HOME", str(folder))
    (folder / "file").touch()
    assert f"Directory '{folder / 'file'}' is a file" in run(*command, code=2).stderr


@pytest.mark.slow
def test_compare_sends_to_each_model(run: Run, hub: Hub, folder: Path) -> None:
    """Each model gets the parameters in its terms; files and a contact sheet are saved."""
    models = (PRICED, "xai-grok-imagine-image")
    options = ("--prompt", "A hat", "--set", "seed=7", "--folder", "out", "--sheet", "sheet.png")
    items = read_json(run, "compare", *models, *options)
    assert [(item["model"], item["error"]) for item in items] == [(model, None) for model in models]
    assert all((folder / path).stat().st_size for item in items for path in item["files"])
    assert (folder / "sheet.png").stat().st_size
    assert sorted(body["model"] for body in read_bodies(hub)) == sorted(models)
    hub.clear()
    human = run("compare", *models, "--prompt", "x", "--output", "human")
    assert "estimate: $" in human.stderr
    run("compare", *models, "--prompt", "x", "--confirm-above", "0", code=7)
    run("compare", *models, "--set", "x", code=2)
    assert len(read_bodies(hub)) == 2


MODELS = (PRICED, "xai-grok-imagine-image", "--prompt", "A hat")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--sheet", "sheet.xyz"), 2), (("--sheet", "missing/sheet.png"), 8),
        (("--folder", "prompts.csv/x"), 8), (("--budget", "0.01", "--yes"), 7),
        (("qwen-image", "--budget", "9"), 7),
    ],
)  # fmt: skip
def test_compare_checks_before_it_sends(
    run: Run, hub: Hub, folder: Path, options: tuple[str, ...], code: int
) -> None:
    """A file that cannot be written and a cost that may exceed the budget are errors, and nothing is sent."""
    (folder / "prompts.csv").touch()
    run("compare", *MODELS, *options, code=code)
    assert read_bodies(hub) == []


@pytest.mark.parametrize(
    "arguments", [("compare", PRICED, "--set", "seed"), ("batch", __file__, "--map", "seed")]
)
def test_option_that_is_no_pair_is_rejected(run: Run, arguments: tuple[str, ...]) -> None:
    """An option that must be a pair names the expected form."""
    expected = f"'{arguments[2]}': must be a name, an equals sign and a value, got 'seed'"
    assert expected in run(*arguments, "--output", "human", code=2).stderr


@pytest.mark.slow
def test_compare_prints_what_was_paid_for(run: Run, hub: Hub, folder: Path) -> None:
    """Files that cannot be saved are errors of their models, and results are printed before the sheet."""
    hub.inject_fault("url-downloads", 0)
    items = json.loads(run("compare", *MODELS, "--folder", "out", code=8).stdout)
    assert [item["error"]["exit_code"] for item in items] == [8, 8]
    assert all(item["urls"] and not item["files"] for item in items)
    human = run("compare", *MODELS, "--folder", "out", "--output", "human", code=8)
    assert human.stdout.startswith(PRICED)
    assert human.stderr.count("could not be downloaded") == 2
    (folder / "sheet.png").symlink_to("/dev/full")
    failed = run("compare", *MODELS, "--sheet", "sheet.png", code=8)
    assert len(json.loads(failed.stdout)) == 2
    assert '"exit_code": 8' in failed.stderr


def test_compare_of_unknown_outcome_has_its_exit_code(run: Run, hub: Hub) -> None:
    """A submission that a failing proxy may have forwarded has the exit code of an unknown outcome."""
    hub.respond_next(502, path="/api/ai/queue", times=None)
    items = json.loads(run("compare", *MODELS, code=5).stdout)
    assert [item["error"]["exit_code"] for item in items] == [5, 5]


@pytest.mark.slow
def test_batch_runs_each_row_once(run: Run, hub: Hub, folder: Path) -> None:
    """Each row is a request; files and results are saved, and the same command sends nothing again."""
    (folder / "prompts.csv").write_text("id,text,seed\na,A hat,7\nb,A coat,\n")
    columns = ("--map", "prompt=text", "--map", "seed=seed")
    command = ("batch", "prompts.csv", "--model", PRICED, *columns, "-o", "out", "--budget", "0.05")
    end = read_json(run, *command)
    assert (end["succeeded"], end["failed"], end["spent"], end["left"]) == (2, 0, "0.02", "0.03")
    assert sorted(path.name for path in (folder / "out").glob("*.webp")) == ["a.webp", "b.webp"]
    assert "A coat" in (folder / "out" / "results.csv").read_text()
    assert sorted(body["prompt"] for body in read_bodies(hub)) == ["A coat", "A hat"]
    human = run(*command, "--output", "human").stdout
    assert human.startswith("0 succeeded, 0 failed, 2 skipped; $0.02 spent, $0.03 left; ")
    assert len(read_bodies(hub)) == 2


def test_batch_that_cannot_write_sends_nothing(read_error: Any, hub: Hub, folder: Path) -> None:
    """A folder or a table of results that cannot be written is an error before anything is sent."""
    (folder / "prompts.csv").write_text("id,text\n1,a\n")
    command = ("batch", "prompts.csv", "--model", PRICED, "--map", "prompt=text", "--yes")
    error = read_error(*command, "-o", "prompts.csv/out", code=2)
    assert error["message"] == "folder 'prompts.csv/out' cannot be created: Not a directory"
    error = read_error(*command, "-o", "out", "--results", "prompts.csv/out.csv", code=8)
    assert error["message"].startswith("'prompts.csv/out.csv' could not be written: ")
    assert read_bodies(hub) == []


@pytest.mark.slow
def test_batch_above_the_budget_ends_early(run: Run, hub: Hub, folder: Path) -> None:
    """A batch needs a budget or a confirmation, and ends before it exceeds the budget."""
    (folder / "prompts.csv").write_text("id,text\na,A hat\nb,A coat\n")
    command = ("batch", "prompts.csv", "--model", PRICED, "--map", "prompt=text", "-o", "out")
    run(*command, code=7)
    assert read_bodies(hub) == []
    run(*command, "--budget", "0.015", "--max-in-flight", "1", code=7)
    assert len(read_bodies(hub)) == 1
    run(*command, "--map", "x", "--yes", code=2)


@pytest.mark.slow
def test_batch_with_a_failed_row_has_its_exit_code(run: Run, hub: Hub, folder: Path) -> None:
    """If a row fails, the exit code is 4, and the others are saved."""
    (folder / "prompts.jsonl").write_text('{"id": "a", "text": "x"}\n{"id": "b", "text": "y"}\n')
    hub.respond_next(400, body={"error": {"message": "no"}}, path="/api/ai/queue")
    columns = ("--map", "prompt=text", "-o", "out", "--yes", "--results", "out/end.jsonl")
    end = json.loads(run("batch", "prompts.jsonl", "--model", PRICED, *columns, code=4).stdout)
    assert (end["succeeded"], end["failed"]) == (1, 1)
    assert len((folder / "out" / "end.jsonl").read_text().splitlines()) == 2
