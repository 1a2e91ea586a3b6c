"""`update` against a hub that answers nonsense, or half."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from helpers.models import make_model
from oxen_models.testing import Hub

from codegen.update.projects import MODELS, NARROWED, WHERE, everything, is_clean, record

HALF = MODELS[:2]


def lacks_half(hub: Hub) -> None:
    for each in HALF:
        hub.respond_next(404, body={}, path=f"{WHERE}/{each}")


NONSENSE: list[tuple[Callable[[Hub], object], str]] = [
    (lambda hub: hub.respond_next(200, body={"data": []}, path=WHERE), "returned no model"),
    (lambda hub: hub.respond_next(200, body=[], path=WHERE), "returned no model"),
    (lambda hub: hub.respond_next(200, body="<html>", path=WHERE), "the list of models: not JSON"),
    (lambda hub: hub.respond_next(200, body={"data": [{}]}, path=WHERE), "models without an id"),
    (lambda hub: hub.respond_next(502, times=None, path=WHERE), "models: the hub returned HTTP 502"),
    (lambda hub: hub.respond_next(401, path=WHERE), "rejected the key"),
    (
        lambda hub: hub.respond_next(200, body=[{"id": each} for each in HALF], path=WHERE),
        "not on the hub's list, 3 of them: painter, sketcher, talker; nothing was changed",
    ),
    (
        lambda hub: lacks_half(hub),
        "2 unreadable models: carver: the hub returned HTTP 404; drawer: the hub returned HTTP 404",
    ),
    (
        lambda hub: hub.respond_next(200, body=[{"id": "a"}, {"id": "b"}], path=WHERE),
        "not on the hub's list, 5 of them: carver, drawer, painter, sketcher, talker; nothing was changed",
    ),
    (
        lambda hub: hub.respond_next(500, times=3, path=f"{WHERE}/drawer"),
        "1 unreadable model: drawer: the hub returned HTTP 500, 3 times",
    ),
    (lambda hub: hub.respond_next(200, body='{"id"', path=f"{WHERE}/drawer"), "drawer: not JSON"),
    (
        lambda hub: hub.respond_next(200, body={"id": "x"}, path=f"{WHERE}/drawer"),
        "drawer: the hub returned another model: 'x'",
    ),
    (
        lambda hub: hub.inject_fault("cut-mid-response", path=f"{WHERE}/drawer"),
        "drawer: no response from http://127",
    ),
]


@pytest.mark.parametrize(("trouble", "complaint"), NONSENSE)
def test_a_hub_that_is_not_itself_changes_nothing_and_says_why(
    trouble: Callable[[Hub], object],
    complaint: str,
    update: Callable[..., Result],
    hub: Hub,
    project: Path,
) -> None:
    hub.add_model(make_model("painter", NARROWED))
    before = everything(project)
    trouble(hub)
    done = update()
    assert done.exit_code == 2, done.output
    assert complaint in done.stderr
    assert everything(project) == before


def test_a_model_that_cannot_be_built_is_told_and_the_others_go_on(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    odd = {"type": "array"}
    hub.add_model(make_model("moulder", odd))
    hub.add_model(make_model("carver", odd))
    hub.add_model(make_model("sketcher", ["x"]))
    hub.add_model(make_model("Draw.er", odd | {"type": "object"}))
    hub.add_model(make_model("draw-er"))
    hub.add_model(make_model("painter", NARROWED))
    before = everything(project)
    done = update()
    assert done.exit_code == 1, done.output
    assert "error: carver /type: the parameter schema must have the type" in done.stderr
    assert "error: moulder /type: " in done.stderr
    assert "error: sketcher: the parameter schema must be a JSON object, got a list" in done.stderr
    assert "error: Draw.er: the Python name draw_er is also that of 'draw-er'" in done.stderr
    assert "error: draw-er: the Python name draw_er is also that of" in done.stderr
    assert {line.partition(" ")[2].partition(" ")[0] for line in done.stdout.splitlines()[:-1]} == {"painter"}
    assert record(project, "painter")["json_request_schema"] == NARROWED
    assert everything(project).keys() == before.keys()
    for file in ("schemas/carver.json", "images/carver.py"):
        assert everything(project)[f"generated/ours/{file}"][1] == before[f"generated/ours/{file}"][1]
    assert is_clean(project)
