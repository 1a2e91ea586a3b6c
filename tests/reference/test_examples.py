"""Tests that execute programs of the pages against the stand-in; the soak executes all of them.

Each program runs as a user runs it: that of a shell with curl and jq, that of Python in its own process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.examples import CAN_FORK, MISSING_TOOLS, SPEED, ExampleRunner, extract_blocks
from helpers.hub_api import list_ids, open_client
from helpers.models import make_model
from helpers.program_server import WARM_UP, ProgramServer
from helpers.reference import CONFIG, RECORDED_PAGES, TEMPLATES
from oxen_codegen.records import from_response
from oxen_codegen.reference.examples import LANGUAGES, TRANSPORTS, Example, render_examples
from oxen_codegen.reference.pages import ModelPage, build_pages
from oxen_codegen.reference.site import render_page
from oxen_models.testing import Hub

from .attacks import ATTACK_SCHEMA

pytestmark = [
    pytest.mark.skipif(bool(MISSING_TOOLS), reason=f"not installed: {', '.join(MISSING_TOOLS)}"),
    pytest.mark.skipif(not CAN_FORK, reason="this system has no fork"),
]

PAGE = next(page for page in RECORDED_PAGES if page.id == "qwen-image-edit-plus")
SAMPLE_SIZE = 9
WAITING_TRANSPORTS = ("Queue", "Events")
POLLING_LANGUAGES = ("httpx", "cURL")


def describe_shape(page: ModelPage) -> tuple[object, ...]:
    """Return what the programs of a page depend on: the call, the levels and the types of the values."""
    assert page.values is not None
    types = {type(value).__name__ for value in page.values.complete.values()}
    required = tuple(p.type for p in page.parameters if p.is_required)
    return page.family, page.verbs, len(page.values.list_levels()), bool(page.values.omitted), types, required


def choose_sample() -> list[ModelPage]:
    """Return the first models whose shapes differ most from those before them."""
    candidates = [page for page in RECORDED_PAGES if page.values is not None and page is not PAGE]
    sample = [PAGE]
    while len(sample) < SAMPLE_SIZE:
        shapes = [describe_shape(page) for page in sample]

        def count_differences(page: ModelPage, shapes: list[tuple[object, ...]] = shapes) -> int:
            shape = describe_shape(page)
            return min(sum(a != b for a, b in zip(shape, other, strict=True)) for other in shapes)

        sample.append(max((page for page in candidates if page not in sample), key=count_differences))
    return sample


def choose_programs(page: ModelPage, number: int) -> list[Example]:
    """Return a program of each language; the transports and levels differ from model to model."""
    programs: list[Example] = []
    for place, language in enumerate(LANGUAGES):
        transport = [*TRANSPORTS][(number + place) % len(TRANSPORTS)]
        levels = find_examples(page, transport, language)
        programs.append(levels[(number // len(TRANSPORTS)) % len(levels)])
    return programs


def find_examples(page: ModelPage, transport: str, language: str) -> list[Example]:
    return [
        example
        for example in render_examples(page, TEMPLATES)
        if (example.transport, example.language) == (transport, language)
    ]


@pytest.fixture(scope="module")
def programs() -> Iterator[ProgramServer]:
    """A server that runs Python programs."""
    with ProgramServer(f"import openai\n{WARM_UP}", speed=SPEED) as server:
        yield server


@pytest.fixture
def runner(hub: Hub, programs: ProgramServer, tmp_path: Path) -> ExampleRunner:
    """A runner of programs against the shared hub."""
    return ExampleRunner(hub, programs, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "number"), [pytest.param(page, n, id=page.id) for n, page in enumerate(choose_sample())]
)
def test_programs_of_a_page_run(page: ModelPage, number: int, runner: ExampleRunner) -> None:
    """The programs send the body of the typed call, and print the result."""
    for example in choose_programs(page, number):
        runner.run_example(page, example)
    [*_, (_, details)] = extract_blocks(render_page(page, TEMPLATES))
    runner.run_details(page, details)


@pytest.mark.slow
@pytest.mark.parametrize("id", ["claude-sonnet-5", "gpt-audio"])
def test_programs_of_a_chat_model_run(id: str, runner: ExampleRunner) -> None:
    """The programs print the response, whole or in pieces."""
    [page] = [page for page in RECORDED_PAGES if page.id == id]
    for example in render_examples(page, TEMPLATES):
        runner.run_example(page, example)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["events-early", "events-dropped", "events-garbled", "events-split"])
def test_events_program_survives_lost_events(fault: str, hub: Hub, runner: ExampleRunner) -> None:
    """The job ends before the response to its submission, or its event is lost, damaged or in pieces."""
    hub.inject_fault(fault)  # type: ignore[arg-type]
    for language in POLLING_LANGUAGES:
        runner.run_example(PAGE, find_examples(PAGE, "Events", language)[0])


@pytest.mark.slow
def test_events_program_survives_a_cut_stream(hub: Hub, runner: ExampleRunner) -> None:
    """The stream ends before the event, and the job is polled."""
    hub.inject_fault("events-cut-after", 0)
    for language in POLLING_LANGUAGES:
        runner.run_example(PAGE, find_examples(PAGE, "Events", language)[0])


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("transport", WAITING_TRANSPORTS)
def test_program_of_a_failed_job_prints_the_error(
    transport: str, language: str, runner: ExampleRunner
) -> None:
    """A program whose job fails prints the server's reason."""
    [example, *_] = find_examples(PAGE, transport, language)
    code = example.code.replace("Add a funny hat", " ")
    finished, _ = runner.run(example.syntax, code)
    assert (finished.code, finished.errors) == (0, "")
    assert "Prompt cannot be empty" in finished.output


@pytest.mark.slow
@pytest.mark.parametrize("language", ["Python", "httpx", "cURL"])
@pytest.mark.parametrize("transport", WAITING_TRANSPORTS)
def test_program_of_a_stuck_job_ends_at_its_deadline(
    transport: str, language: str, hub: Hub, runner: ExampleRunner
) -> None:
    """A program ends at its deadline and prints the id of the job, which continues."""
    hub.inject_fault("job-stuck")
    [example, *_] = find_examples(PAGE, transport, language)
    code = re.sub(r"(sleep\W)3", r"\g<1>50", example.code.replace("600", "1"))  # two polls instead of dozens
    finished, _ = runner.run(example.syntax, code)
    with open_client(hub) as api:
        *_, id = list_ids(api)
    assert id in finished.output + finished.errors


@pytest.mark.slow
@pytest.mark.parametrize("language", ["httpx", "cURL"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_program_of_rejected_request_prints_response(
    transport: str, language: str, hub: Hub, runner: ExampleRunner
) -> None:
    """A program whose request is rejected prints the response, and waits for no job."""
    hub.respond_next(402, body={"error": {"title": "You have run out of credits."}}, method="POST")
    [example, *_] = find_examples(PAGE, transport, language)
    finished, sent = runner.run(example.syntax, example.code)
    assert "You have run out of credits." in finished.output + finished.errors
    assert [request.method for request in sent].count("POST") == 1
    assert not [request for request in sent if request.path.startswith("/api/ai/queue/")]


@pytest.mark.slow
def test_programs_with_any_text_run(programs: ProgramServer, tmp_path: Path) -> None:
    """Whatever text the API has, the programs send it and execute nothing else."""
    model = make_model("a'b$(touch canary)`touch canary`", ATTACK_SCHEMA)
    [page] = build_pages([from_response(model)], CONFIG)
    with Hub(speed=SPEED) as hub:
        hub.add_model(model)
        runner = ExampleRunner(hub, programs, tmp_path)
        for transport in TRANSPORTS:
            for language in POLLING_LANGUAGES:
                [example] = find_examples(page, transport, language)
                finished, sent = runner.run(example.syntax, example.code)
                assert (finished.code, finished.errors) == (0, "")
                assert [request.body for request in sent if request.method == "POST"] == [example.body]
        [*_, (_, details)] = extract_blocks(render_page(page, TEMPLATES))
        runner.run_details(page, details)
    assert not [*tmp_path.iterdir()]
