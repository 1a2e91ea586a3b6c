"""`run` and `submit`: estimates, confirmation, files, reports and exit codes."""

from __future__ import annotations

import json
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from helpers.hub_api import read_bodies
from oxen_models import Oxen, catalog, schema, sidecar
from oxen_models.testing import Hub
from PIL import Image

from .conftest import NEW, Run, read_example

PRICED, UNPRICED, EDITOR = "z-image-turbo", "qwen-image", "qwen-image-edit-plus"
URL = "https://example.com/dog.png"
QUEUE = "/api/ai/queue"
PROMPT = ("--prompt", "A hat")


def read_report(result: Result) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(result.stdout)
    return report


@pytest.mark.slow
def test_run_reports_files_and_cost(run: Run, hub: Hub, folder: Path) -> None:
    """The report has the estimate, and status, files and cost of each job; a sidecar says how it was made."""
    report = read_report(run("run", PRICED, *PROMPT, "-o", "new/hat.webp", "--sidecar"))
    [job] = report["jobs"]
    assert (report["model"], report["cost"], report["estimate"]["high"]) == (PRICED, "0.01", "0.01")
    assert (job["status"], job["error"]) == ("succeeded", None)
    assert [file["path"] for file in job["files"]] == ["new/hat.webp"]
    assert sidecar(folder / "new" / "hat.webp").job_id == job["id"]
    assert read_bodies(hub) == [{"model": PRICED, "prompt": "A hat"}]


@pytest.mark.slow
def test_small_cost_has_no_exponent(run: Run, own_hub: Hub) -> None:
    """Amounts of money are decimal numbers in JSON."""
    own_hub.add_model({**NEW, "pricing": {"method": "per_image", "cost_per_image": 1e-7}})
    report = read_report(run("run", str(NEW["id"]), *PROMPT, "--base-url", own_hub.url))
    assert (report["cost"], report["estimate"]["low"]) == ("0.0000001", "0.0000001")


@pytest.mark.slow
def test_default_name_has_index_and_id(run: Run, folder: Path) -> None:
    """Without a path, files are named after their index and their job in the current folder."""
    report = read_report(run("run", PRICED, *PROMPT, "--count", "2"))
    names = [f"{index}_{job['id']}.webp" for index, job in enumerate(report["jobs"])]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


@pytest.mark.slow
def test_output_formats_are_for_readers_and_scripts(run: Run) -> None:
    """Quiet prints paths, JSON lines a job each, and text also the cost, on the standard error."""
    assert run("run", PRICED, *PROMPT, "-o", "a.webp", "--output", "quiet").output == "a.webp\n"
    lines = run("run", PRICED, *PROMPT, "--count", "2", "--output", "jsonl").stdout.splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["succeeded", "succeeded"]
    human = run("run", PRICED, *PROMPT, "-o", "b.webp", "--output", "human")
    assert human.stdout == "b.webp\n"
    assert "estimate: $0.01 (1 image at $0.01 per image)" in human.stderr
    assert "succeeded" in human.stderr
    assert "cost: $0.01, " in human.stderr
    unpriced = run("run", UNPRICED, *PROMPT, "--output", "human")
    assert "no estimate: the price of the model is not known" in unpriced.stderr
    assert "cost: not known" in unpriced.stderr


@pytest.mark.slow
def test_submit_prints_the_job_for_result(run: Run, folder: Path) -> None:
    """`submit` prints an id, with which `wait`, `result` and `cancel` go on."""
    id = run("submit", PRICED, *PROMPT, "--output", "quiet").stdout.strip()
    [job] = read_report(run("wait", id))["jobs"]
    assert (job["id"], job["status"], job["files"]) == (id, "succeeded", [])
    [job] = read_report(run("result", id, "-o", "hat.webp"))["jobs"]
    assert (folder / "hat.webp").stat().st_size
    assert json.loads(run("cancel", id).stdout) == [{"id": id, "status": "succeeded"}]


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        ((PRICED, *PROMPT, "--budget", "0.005"), 7, "BudgetExceededError"),
        ((UNPRICED, *PROMPT, "--budget", "1"), 7, "UnpricedRequestError"),
        ((NEW["id"], *PROMPT), 7, "NotConfirmedError"),
        ((PRICED, *PROMPT, "--confirm-above", "0"), 7, "NotConfirmedError"),
        ((PRICED,), 3, "InvalidRequestError"),
        ((PRICED, *PROMPT, "--extra-body", "{}x"), 2, "BadParameter"),
        ((PRICED, *PROMPT, "--base-url", "ftp://x"), 2, "ConfigurationError"),
        ((PRICED, *PROMPT, "--timeout", "nan"), 2, "BadParameter"),
        ((PRICED, *PROMPT, "--timeout", "1000001"), 2, "BadParameter"),
        ((PRICED, "--prompt", "@~no-such-user/x"), 3, "InvalidValueError"),
    ],
)  # fmt: skip
def test_rejected_call_sends_nothing(
    read_error: Any, hub: Hub, arguments: tuple[str, ...], code: int, error: str
) -> None:
    """A call above the budget, without confirmation, or invalid has its exit code, and is not sent."""
    assert read_error("run", *arguments, code=code)["type"] == error
    assert hub.count("POST", "/") == 0


def test_missing_key_is_usage(run: Run, read_error: Any, monkeypatch: pytest.MonkeyPatch, hub: Hub) -> None:
    """Without a key, the exit code is 2 and nothing is sent."""
    monkeypatch.delenv("OXEN_API_KEY")
    assert read_error("run", PRICED, *PROMPT, code=2)["type"] == "MissingAPIKeyError"
    human = run("run", PRICED, *PROMPT, "--output", "human", code=2)
    assert "log in with `oxen-models login`" in human.stderr
    assert hub.count("POST", "/") == 0


def test_rejection_of_the_hub_is_reported(read_error: Any, hub: Hub) -> None:
    """The exit code of a rejected request is 1, and the message is the server's."""
    hub.respond_next(402, body={"error": {"message": "no \x1b[2Jcredits"}}, path=QUEUE)
    error = read_error("run", PRICED, *PROMPT, code=1)
    assert error["type"] == "InsufficientCreditsAPIError"
    assert error["message"].startswith("no \\x1b[2Jcredits")


def test_unknown_outcome_has_its_exit_code(read_error: Any, hub: Hub) -> None:
    """If no response arrives, the exit code is 5, because the request may be billed."""
    hub.inject_fault("cut-before-response", method="POST", path=QUEUE)
    assert read_error("run", PRICED, *PROMPT, code=5)["type"] == "OutcomeUnknownError"


@pytest.mark.slow
def test_error_of_a_proxy_is_an_unknown_outcome(run: Run, read_error: Any, hub: Hub) -> None:
    """If a proxy may have forwarded the request, the exit code is 5, and readers see where to look."""
    hub.respond_next(502, path=QUEUE, times=None)
    assert read_error("run", PRICED, *PROMPT, code=5)["type"] == "OutcomeUnknownError"
    human = run("submit", PRICED, *PROMPT, "--output", "human", code=5)
    assert (
        "look for the job with: oxen-models history; save its files with: oxen-models result" in human.stderr
    )


def test_timeout_without_a_job_has_no_job(run: Run, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that times out is an unreachable server, because no job continues."""
    hub.inject_fault("slow", 30, times=1)
    monkeypatch.setattr("oxen_models._cli.history.create_client", create_impatient_client)
    assert '"HubTimeoutError"' in run("history", code=1).stderr


def create_impatient_client(base_url: str | None) -> Oxen:
    return Oxen(base_url=base_url, timeout=0.05, max_retries=0)


@pytest.mark.slow
def test_unsaved_file_has_its_exit_code(run: Run, folder: Path) -> None:
    """The exit code of a job whose file cannot be saved is 8, and the report has its URL."""
    (folder / "x.webp").symlink_to("/dev/full")
    [job] = read_report(run("run", PRICED, *PROMPT, "-o", "x.webp", code=8))["jobs"]
    assert (job["status"], job["error"]["exit_code"]) == ("succeeded", 8)
    assert job["urls"]


@pytest.mark.parametrize(
    "out", ["file/x.webp", "file/", "file/new/{index}.webp", "link/x.webp", "x" * 300, "loop"]
)
@pytest.mark.parametrize("command", [("run", PRICED, *PROMPT), ("result", "0123")], ids="run result".split())
def test_destination_is_checked_before_sending(
    run: Run, hub: Hub, folder: Path, command: tuple[str, ...], out: str
) -> None:
    """A path where no file can be written is an error before anything is sent, and creates nothing."""
    (folder / "file").touch()
    (folder / "link").symlink_to("missing")
    (folder / "loop").symlink_to("loop")
    assert "cannot be written" in run(*command, "-o", out, code=2).stderr
    assert hub.requests == []
    assert sorted(path.name for path in folder.iterdir()) == ["file", "link", "loop"]


@pytest.mark.slow
def test_unknown_cost_is_no_part_of_a_sum(run: Run, hub: Hub) -> None:
    """The cost of several jobs is not known as long as that of one is not."""
    ids = run("submit", PRICED, *PROMPT, "--count", "2", "--output", "quiet").stdout.split()
    run("wait", *ids)
    body = {"generation_id": "a", "status": "processing", "media_type": "image"}
    hub.respond_next(200, body=body, path="/api/ai/queue/a", times=None)
    waiting = ("wait", *ids, "a", "--timeout", "0.5")
    assert read_report(run(*waiting, code=6))["cost"] is None
    assert "cost: $0.02 without 1 of 3 jobs, " in run(*waiting, "--output", "human", code=6).stderr


@pytest.mark.slow
def test_timeout_prints_how_to_resume(run: Run, hub: Hub) -> None:
    """The exit code of a timeout is 6; the job continues, and the command that resumes it is printed."""
    hub.inject_fault("job-stuck", times=1)
    options = ("--timeout", "0.1", "-o", "a hat.webp", "--output", "human")
    result = run("run", PRICED, *PROMPT, *options, code=6)
    id = result.stdout.split()[0]
    assert f"resume with: oxen-models result {id} -o 'a hat.webp'\n" in result.stderr
    run("cancel", id)
    [job] = read_report(run("result", id, code=4))["jobs"]
    assert (job["status"], job["error"]["type"]) == ("cancelled", "JobCancelled")


@pytest.mark.slow
def test_unknown_job_has_its_exit_code(run: Run) -> None:
    """A job that does not exist cannot be waited for or cancelled."""
    [job] = read_report(run("wait", "nope", code=4))["jobs"]
    assert job["error"]["type"] == "JobNotFound"
    assert '"type": "JobNotFound"' in run("cancel", "nope", code=4).stderr
    assert "nothing found" not in run("cancel", "nope", "--output", "human", code=4).stderr


def test_dry_run_prints_and_sends_nothing(run: Run, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run validates, and prints the request with its estimate; it needs no key."""
    monkeypatch.delenv("OXEN_API_KEY")
    request = json.loads(run("run", PRICED, *PROMPT, "--seed", "1", "--count", "2", "--dry-run").stdout)
    assert request["body"] == {"model": PRICED, "prompt": "A hat", "seed": 1, "num_generations": 2}
    assert (request["url"], request["estimate"]["high"]) == (f"{hub.url}{QUEUE}", "0.02")
    run("run", PRICED, "--dry-run", code=3)
    assert hub.requests == []


@pytest.mark.slow
@pytest.mark.parametrize("id", [EDITOR, NEW["id"]])
@pytest.mark.parametrize("count", ["1", "2"])
@pytest.mark.parametrize("language", ["python", "httpx"])
def test_dry_run_program_sends_the_request(
    run: Run, hub: Hub, folder: Path, id: str, count: str, language: str
) -> None:
    """The program that a dry run prints sends what the command would send."""
    Image.new("RGB", (2, 2)).save(folder / "dog.png")
    image = ("--input-image", "dog.png") if id == EDITOR else ()
    options = ("--prompt", 'It\'s a "hat"\n\u202e', *image, "--count", count, "--extra-body", '{"beta": [1]}')
    expected = json.loads(run("run", id, *options, "--dry-run").stdout)["body"]
    program = run("run", id, *options, "--dry-run", language, "--output", "human").stdout
    (folder / "program.py").write_text(program, encoding="utf-8")
    hub.clear()
    runpy.run_path(str(folder / "program.py"))
    assert read_bodies(hub) == [expected]


@pytest.mark.slow
def test_dry_run_prints_a_command_for_curl(run: Run, hub: Hub, folder: Path) -> None:
    """The command for cURL sends what the command would send, with large files, too."""
    (folder / "dog.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(300_000))
    options = (EDITOR, "--prompt", "It's $HOME `x` \"\n", "--input-image", "dog.png")
    expected = json.loads(run("run", *options, "--dry-run").stdout)["body"]
    quoted = run("run", *options, "--dry-run", "curl", "--base-url", "http://127.0.0.1:1/$HOME'(x)").stdout
    assert "-X POST 'http://127.0.0.1:1/$HOME'\"'\"'(x)/api/ai/queue' " in quoted
    (folder / "program.sh").write_text(run("run", *options, "--dry-run", "curl").stdout, encoding="utf-8")
    hub.clear()
    subprocess.run(["bash", "program.sh"], check=True, capture_output=True)
    assert read_bodies(hub) == [expected]


@pytest.mark.slow
def test_targets_are_sent(run: Run, hub: Hub) -> None:
    """The repository and the directory of the results are sent with the request."""
    run("submit", PRICED, *PROMPT, "--target-repo", "me/hats", "--target-directory", "new")
    [body] = read_bodies(hub)
    assert (body["target_repo"], body["target_directory"]) == ("me/hats", "new")


@pytest.mark.slow
def test_every_model_runs(run: Run, hub: Hub, folder: Path) -> None:
    """The example of each model has its required parameters; the first of each family saves its files."""
    families = set[str | None]()
    for model in catalog.models(typed=True):
        example = read_example(run, model.id)
        body = json.loads(run(*example, "--dry-run").stdout)["body"]
        assert (body["model"], body.keys() - {"model"}) == (model.id, set(schema(model.id)["required"]))
        if model.family not in families:
            families.add(model.family)
            [path] = run(*example, "--yes", "-o", f"{model.id}/", "--output", "quiet").stdout.split()
            assert (folder / path).stat().st_size
            assert read_bodies(hub)[-1] == body
    assert families == {"audio", "images", "videos"}
