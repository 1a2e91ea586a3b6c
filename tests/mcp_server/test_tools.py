"""The tools: find, describe, estimate, run, wait, cancel and list."""

from __future__ import annotations

import json
from base64 import b64decode
from io import BytesIO
from math import inf, nan
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from helpers.agent import MODES, Agent, connect, read_text
from mcp import MCPError
from oxen_models import Oxen, catalog
from oxen_models._mcp.tools import TOOLS, InvalidArgumentsError, check_arguments
from oxen_models._runner.examples import create_example
from oxen_models._runner.models import read_recorded
from oxen_models._runner.requests import build_request
from oxen_models.testing import Hub
from PIL import Image

PRICED = "z-image-turbo"
EDITOR = "qwen-image-edit-plus"
HAT = {"prompt": "A hat"}


def test_list_of_tools_is_below_4_kb(agent: Agent) -> None:
    """The list costs an agent little context, however many models there are."""
    listed = agent.do("list_tools")
    assert [tool.name for tool in listed.tools] == [
        "find_models", "describe_model", "estimate", "run_model", "get_job", "cancel_job", "history"
    ]  # fmt: skip
    assert len(listed.model_dump_json(by_alias=True, exclude_none=True)) < 4000


def test_find_models_applies_words_and_filters(agent: Agent) -> None:
    """Models have what they cost; what a limit omits is stated."""
    found = agent.read("find_models", query="z-image turbo")
    [model] = [model for model in found["models"] if model["id"] == PRICED]
    assert (model["price"], model["default_cost"]) == ("$0.01 per image", "$0.01")
    found = agent.read("find_models", task="image-edit", max_price=0.05, limit=1)
    [model] = found["models"]
    assert "image-edit" in model["tasks"]
    assert "models: add words or filters" in found["more"]
    assert "no model has all words" in agent.read("find_models", query="xyzzy")["more"]


def test_whole_float_is_an_integer(agent: Agent) -> None:
    """JSON Schema has 2.0 as an integer, and some clients send it."""
    assert len(agent.read("find_models", query="flux", limit=2.0)["models"]) == 2
    assert agent.read("estimate", model=PRICED, parameters=HAT, count=2.0)["low"] == "0.02"
    agent.read("history", limit=1.0)


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_number_that_is_not_finite_is_rejected(value: float) -> None:
    """JSON has none, but parsers accept it; a comparison with a limit does not reject it."""
    for tool, arguments in (
        ("get_job", {"job_id": "1", "wait_seconds": value}),
        ("find_models", {"max_price": value}),
    ):
        with pytest.raises(InvalidArgumentsError, match=f"={value}: must be of type number"):
            check_arguments(TOOLS[tool], arguments)


def test_find_models_finds_no_chat_models(agent: Agent) -> None:
    """A model that run_model rejects is not found."""
    assert agent.read("find_models", query="gpt-4o")["models"] == []


@pytest.mark.slow
def test_find_models_live_asks_the_server(agent: Agent, hub: Hub) -> None:
    """Models that the package does not have are found and described."""
    schema = {"type": "object", "properties": {"prompt": {"type": "string"}}}
    capabilities = {"input": ["text"], "output": ["image"]}
    hub.add_model({"id": "acme-new", "capabilities": capabilities, "json_request_schema": schema})
    [model] = agent.read("find_models", query="acme-new", live=True)["models"]
    assert model["id"] == "acme-new"
    hint = agent.read("find_models", query="xyzzy", live=True)["more"]
    assert hint == "the server lists no model with all words: omit words"
    described = agent.read("describe_model", model="acme-new")
    assert (described["in_package"], list(described["parameters"])) == (False, ["prompt"])


def test_describe_model_has_schema_price_example(agent: Agent) -> None:
    """The description suffices to call the model; parameters can be selected."""
    described = agent.read("describe_model", model=EDITOR)
    assert described["required"] == ["prompt", "input_image"]
    assert described["parameters"]["aspect_ratio"]["enum"][0] == "1:1"
    assert described["parameters"]["input_image"]["media"] == ["image"]
    assert described["price"] == "not known"
    assert "low" not in (estimate := agent.read("estimate", **described["example"]))
    assert "price" in estimate["reason"]
    selected = agent.read("describe_model", model=EDITOR, only=["target_namespace"])
    assert list(selected["parameters"]) == ["target_namespace"]
    assert "did you mean 'prompt'?" in agent.fail("describe_model", model=EDITOR, only=["promt"])


@pytest.mark.slow
def test_example_of_each_model_is_valid() -> None:
    """The example of each model of the package is a valid request."""
    models = catalog.models(typed=True)
    for info in models:
        model = read_recorded(info.id)
        assert model is not None
        assert build_request(model, create_example(model)).model_id == info.id
    assert len(models) > 100


def test_estimate_multiplies_the_jobs(agent: Agent) -> None:
    """The cost is that of all jobs, with its basis."""
    estimate = agent.read("estimate", model=PRICED, parameters=HAT, count=3)
    assert (estimate["low"], estimate["high"], estimate["currency"]) == ("0.03", "0.03", "USD")
    assert "$0.01 per image" in estimate["basis"]


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("run_model", {"model": PRICED, "parameters": {"promt": "A"}}, "did you mean 'prompt'?"),
        ("run_model", {"model": PRICED, "parameters": {}}, "prompt: is required"),
        ("run_model", {"model": PRICED, "parameters": {**HAT, "num_inference_steps": None}},
         "; leave the parameter out\n"),
        ("run_model", {"model": EDITOR, "parameters": {**HAT, "input_image": ["https://example.com/a.png"],
                                                       "aspect_ratio": "16:10"}}, "did you mean '16:9'?"),
        ("run_model", {"model": "qwen-imge", "parameters": HAT}, "did you mean 'qwen-image'?"),
        ("run_model", {"model": "gpt-4o", "parameters": HAT}, "it is a chat model"),
        ("describe_model", {"model": "gpt-4o"}, "it is a chat model"),
        ("describe_model", {"model": "x" * 300}, "Model not found"),
        ("run_model", {"model": PRICED, "parameters": HAT, "prompt": "A"}, "go into 'parameters'"),
        ("run_model", {"model": PRICED, "parameters": HAT, "wait_secs": 1}, "did you mean 'wait_seconds'?"),
        ("run_model", {"model": PRICED, "parameters": HAT, "wait_seconds": 601}, "must be at most 600"),
        ("run_model", {"model": PRICED, "parameters": HAT, "count": 0}, "count=0: must be at least 1"),
        ("run_model", {"model": PRICED, "parameters": "A hat"}, "parameters='A hat': must be of type object"),
        ("run_model", {"model": PRICED}, "run_model: parameters: required; nothing was sent"),
        ("find_models", {"task": "image-edits"}, "did you mean 'image-edit'?"),
        ("find_models", {"live": True}, "live requires query"),
        ("find_models", {"max_price": -1}, "max_price=-1: must be at least 0"),
        ("get_job", {"job_id": ".."}, "job"),
        ("get_job", {"job_id": "absent"}, "no longer exists"),
        ("cancel_job", {"job_id": "absent"}, "does not exist"),
    ],
)  # fmt: skip
def test_wrong_call_is_an_error_and_not_sent(
    agent: Agent, hub: Hub, tool: str, arguments: dict[str, Any], expected: str
) -> None:
    """The error of a tool states what is wrong and what was probably meant."""
    assert expected in agent.fail(tool, **arguments)
    assert hub.count("POST", "/") == 0


def test_unknown_tool_is_a_protocol_error(agent: Agent) -> None:
    """A tool that does not exist is an error with the nearest name."""
    with pytest.raises(MCPError, match="did you mean 'run_model'"):
        agent.call("run_modl")


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_run_returns_file_preview_and_link(oxen: Oxen, hub: Hub, tmp_path: Path, mode: str) -> None:
    """A result has the saved file, an image of at most 512 pixels, and a link that can be read."""
    with connect(oxen, tmp_path, mode=mode) as agent:
        result = agent.call("run_model", model=PRICED, parameters=HAT, count=2)
        [text, *previews, first, second] = result.content
        assert isinstance(text, types.TextContent)
        value = json.loads(text.text)
        assert value["spent_by_this_server"] == "$0.02"
        assert [(job["status"], job["cost"]) for job in value["jobs"]] == [("succeeded", "$0.01")] * 2
        assert len(previews) == 2
        for preview, link, job in zip(previews, (first, second), value["jobs"], strict=True):
            assert isinstance(preview, types.ImageContent)
            with Image.open(BytesIO(b64decode(preview.data))) as image:
                assert (image.format, max(image.size)) == ("JPEG", 512)
            [file] = map(Path, job["files"])
            assert file.parent == tmp_path
            assert isinstance(link, types.ResourceLink)
            assert link.uri == file.as_uri()
            [content] = agent.do("read_resource", link.uri).contents
            assert b64decode(content.blob) == file.read_bytes()
        assert len(agent.do("list_resources").resources) == 2
    assert hub.count("POST", "/api/ai/queue") == 1


def test_other_files_cannot_be_read(agent: Agent, tmp_path: Path) -> None:
    """Only files that the server saved are resources."""
    (tmp_path / "other.txt").write_text("secret")
    for uri in ((tmp_path / "other.txt").as_uri(), "file:///etc/passwd"):
        with pytest.raises(MCPError, match="the server saved no file"):
            agent.do("read_resource", uri)


@pytest.mark.slow
def test_run_without_waiting_returns_the_job(agent: Agent, tmp_path: Path) -> None:
    """A job that has not ended is continued by get_job, which saves its files."""
    [job] = agent.read("run_model", model=PRICED, parameters=HAT, wait_seconds=0)["jobs"]
    assert (job["next"], list(tmp_path.iterdir())) == ("call get_job with wait_seconds", [])
    [ended] = agent.read("get_job", job_id=job["job_id"], wait_seconds=30)["jobs"]
    assert (ended["status"], Path(ended["files"][0]).parent) == ("succeeded", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_wait_reports_progress(oxen: Oxen, hub: Hub, tmp_path: Path, mode: str) -> None:
    """A client that requests progress receives the seconds of a wait and the statuses of the jobs."""
    reports: list[tuple[float, float | None, str | None]] = []

    async def record(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total, message))

    run = {"model": PRICED, "parameters": HAT, "count": 2, "wait_seconds": 0.05}
    hub.inject_fault("job-stuck", times=2)
    with connect(oxen, tmp_path, mode=mode) as agent:
        result = agent.do("call_tool", "run_model", run, progress_callback=record)
        [job, _] = json.loads(read_text(result))["jobs"]
        waited = {"job_id": job["job_id"], "wait_seconds": 0.02}
        agent.do("call_tool", "get_job", waited, progress_callback=record)
    assert [(total, message) for _, total, message in reports] == [(0.05, "2 queued"), (0.02, "1 unknown")]


@pytest.mark.slow
def test_job_that_does_not_end_can_be_cancelled(agent: Agent, hub: Hub) -> None:
    """A wait that ends is no error; a cancelled job costs nothing."""
    hub.inject_fault("job-stuck", times=1)
    [job] = agent.read("run_model", model=PRICED, parameters=HAT, wait_seconds=0.1)["jobs"]
    assert (job["next"], "it continues" in job["wait"]) == ("call get_job with wait_seconds", True)
    listed = agent.read("history", model=PRICED, limit=1)
    assert listed["spent_by_this_server"] == "$0.01"
    cancelled = agent.read("cancel_job", job_id=job["job_id"])
    [job] = cancelled["jobs"]
    assert (job["status"], cancelled["spent_by_this_server"]) == ("cancelled", "$0")
    assert "next" not in job


def test_server_that_is_down_is_stated(tmp_path: Path) -> None:
    """A wait that ends because the API does not respond differs from one for a job that continues."""
    with (
        Oxen("any", base_url="http://127.0.0.1:9", max_retries=0) as oxen,
        connect(oxen, tmp_path) as agent,
    ):
        [job] = agent.read("get_job", job_id="1")["jobs"]
    assert "whether it continues is unknown: no response from" in job["wait"]


@pytest.mark.slow
def test_file_that_is_not_saved_can_be_got(agent: Agent, hub: Hub) -> None:
    """A paid result that could not be downloaded is got by its job, not by a second run."""
    hub.inject_fault("url-downloads", 0)
    [job] = json.loads(agent.fail("run_model", model=PRICED, parameters=HAT))["jobs"]
    assert (job["status"], "HTTP 403" in job["error"]) == ("succeeded", True)
    hub.clear()
    assert job["next"] == "call get_job with wait_seconds"
    [cancelled] = agent.read("cancel_job", job_id=job["job_id"])["jobs"]
    assert (cancelled["status"], cancelled["next"]) == ("succeeded", job["next"])
    [saved] = agent.read("get_job", job_id=job["job_id"])["jobs"]
    assert len(saved["files"]) == 1
    assert "next" not in saved


@pytest.mark.slow
def test_history_lists_jobs_with_costs(agent: Agent) -> None:
    """The newest job comes first."""
    [job] = agent.read("run_model", model=PRICED, parameters=HAT)["jobs"]
    [listed] = agent.read("history", limit=1, status="succeeded")["jobs"]
    assert (listed["job_id"], listed["cost"], listed["prompt"]) == (job["job_id"], "$0.01", "A hat")


@pytest.mark.slow
def test_failed_job_is_an_error_with_its_reason(agent: Agent, hub: Hub) -> None:
    """A job without a result is an error that has the id and the reason."""
    changed = {"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}}
    capabilities = {"input": ["text"], "output": ["image"]}
    hub.add_model({"id": "qwen-image", "capabilities": capabilities, "json_request_schema": changed})
    result = agent.call("run_model", model="qwen-image", parameters=HAT)
    [job] = json.loads(read_text(result))["jobs"]
    assert (result.is_error, job["status"]) == (True, "failed")
    assert job["job_id"] in job["error"]
