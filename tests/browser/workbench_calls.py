"""The workbench in a browser: the calls of filled forms, copied and executed against the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from helpers.examples import CAN_FORK, MISSING_TOOLS, SPEED, ExampleRunner
from helpers.program_server import WARM_UP, ProgramServer
from helpers.reference import RECORDED_PAGES
from oxen_codegen.reference.pages import ModelPage
from oxen_models.testing import Hub

from browser.conftest import PageOpener
from browser.forms import TRANSPORTS, choose_program, copy_program, fill_form, list_parameters

pytestmark = [
    pytest.mark.skipif(bool(MISSING_TOOLS), reason=f"not installed: {', '.join(MISSING_TOOLS)}"),
    pytest.mark.skipif(not CAN_FORK, reason="this system has no fork"),
]

SAMPLE_SIZE = 20


def list_shapes(page: ModelPage) -> set[str]:
    """Return what the form of a model consists of: types, and their levels."""
    levels = {True: "required", False: "optional"}
    shapes = {f"{parameter.type} {levels[parameter.is_required]}" for parameter in page.parameters}
    shapes |= {f"{parameter.type} hidden" for parameter in page.parameters if parameter.is_hidden}
    shapes |= {f"{parameter.type} of options" for parameter in page.parameters if parameter.constraints}
    shapes |= {f"{page.family} {verb}" for verb in page.verbs} | {f"cites {c.mark}" for c in page.citations}
    return shapes


def choose_sample() -> list[ModelPage]:
    """Return models that together have as many shapes of forms as possible."""
    candidates = [page for page in RECORDED_PAGES if page.values is not None and page.verbs]
    sample: list[ModelPage] = []
    seen: set[str] = set()
    while len(sample) < SAMPLE_SIZE:
        rest = [page for page in candidates if page not in sample]
        best = max(rest, key=lambda page: (len(list_shapes(page) - seen), len(page.parameters)))
        sample.append(best)
        seen |= list_shapes(best)
    return sample


def build_body(page: ModelPage, values: dict[str, Any]) -> dict[str, Any]:
    """Return the body that the bindings send for parameters by wire name."""
    names = {parameter.wire_name: parameter.name for parameter in page.parameters}
    request_class = getattr(import_module(f"oxen_models.{page.family}"), f"{page.class_name}Request")
    body: dict[str, Any] = request_class(**{names[name]: value for name, value in values.items()}).body()
    return body


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleRunner]:
    """A runner of programs against a stand-in."""
    with Hub(speed=SPEED) as hub, ProgramServer(WARM_UP, speed=SPEED) as programs:
        yield ExampleRunner(hub, programs, tmp_path_factory.mktemp("programs"))


@pytest.mark.parametrize(
    ("model", "number"), [pytest.param(page, n, id=page.id) for n, page in enumerate(choose_sample())]
)
def test_copied_calls_send_filled_form(
    model: ModelPage, number: int, runner: ExampleRunner, open_workbench: PageOpener
) -> None:
    """The Python and the cURL call of a filled form send the body of the typed call."""
    assert model.values is not None
    page = open_workbench(f"#model={model.id}")
    values = {
        name: model.values.complete[name]
        for name in list_parameters(page, model.id)
        if name in model.values.complete
    }
    assert values.keys() == model.values.complete.keys()
    fill_form(page, model.id, values)
    transport = TRANSPORTS[number % len(TRANSPORTS)]
    bodies: list[Any] = []
    for language, syntax in (("Python", "python"), ("cURL", "bash")):
        choose_program(page, language, transport)
        finished, sent = runner.run(syntax, copy_program(page))
        assert (finished.code, finished.errors) == (0, "")
        bodies += [request.body for request in sent if request.method == "POST"]
    assert bodies == [build_body(model, values)] * 2
