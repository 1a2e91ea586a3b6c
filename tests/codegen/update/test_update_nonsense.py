"""`update` with invalid and incomplete responses of the hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from helpers.models import make_model
from oxen_models.testing import Hub

from codegen.update.projects import LIST_PATH, MODELS, NARROWED, is_up_to_date, read_record, take_snapshot

SOME = MODELS[:2]


def remove_some(hub: Hub) -> None:
    for model_id in SOME:
        hub.respond_next(404, body={}, path=f"{LIST_PATH}/{model_id}")


INVALID: list[tuple[Callable[[Hub], object], str]] = [
    (lambda hub: hub.respond_next(200, body={"data": []}, path=LIST_PATH), "returned no model"),
    (
        lambda hub: hub.respond_next(200, body=[{"id": model_id} for model_id in SOME], path=LIST_PATH),
        "not in the server's list, 3 of them: painter, sketcher, talker; nothing was changed",
    ),
    (
        remove_some,
        "2 unreadable models: carver: the server returned HTTP 404; drawer: the server returned HTTP 404",
    ),
    (
        lambda hub: hub.respond_next(200, body=[{"id": "a"}, {"id": "b"}], path=LIST_PATH),
        "not in the server's list, 5 of them: carver, drawer, painter, sketcher, talker; nothing was changed",
    ),
    (
        lambda hub: hub.respond_next(500, times=3, path=f"{LIST_PATH}/drawer"),
        "1 unreadable model: drawer: the server returned HTTP 500, 3 times; try again, or omit models with",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("prepare", "message"), INVALID, ids=[message for _, message in INVALID])
def test_update_invalid_response_changes_nothing(
    prepare: Callable[[Hub], object],
    message: str,
    update: Callable[..., Result],
    hub: Hub,
    project: Path,
) -> None:
    """A response of the hub that cannot be correct ends the update with a message."""
    hub.add_model(make_model("painter", NARROWED))
    before = take_snapshot(project)
    prepare(hub)
    done = update()
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert take_snapshot(project) == before


@pytest.mark.slow
def test_update_unbindable_model_keeps_record(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """Models that cannot be bound are reported and keep their records; the others are updated."""
    odd = {"type": "array"}
    hub.add_model(make_model("moulder", odd))
    hub.add_model(make_model("carver", odd))
    hub.add_model(make_model("sketcher", ["x"]))
    hub.add_model(make_model("Draw.er", odd | {"type": "object"}))
    hub.add_model(make_model("draw-er"))
    hub.add_model(make_model("painter", NARROWED))
    before = take_snapshot(project)
    done = update()
    assert done.exit_code == 1, done.output
    assert "error: carver /type: the parameter schema must have the type" in done.stderr
    assert "error: moulder /type: " in done.stderr
    assert "error: sketcher: the parameter schema must be a JSON object, got a list" in done.stderr
    assert "error: Draw.er: the Python name draw_er is also that of 'draw-er'" in done.stderr
    assert "error: draw-er: the Python name draw_er is also that of" in done.stderr
    assert {line.partition(" ")[2].partition(" ")[0] for line in done.stdout.splitlines()[:-1]} == {"painter"}
    assert read_record(project, "painter")["json_request_schema"] == NARROWED
    assert take_snapshot(project).keys() == before.keys()
    for file in ("schemas/carver.json", "images/carver.py"):
        assert take_snapshot(project)[f"generated/ours/{file}"][1] == before[f"generated/ours/{file}"][1]
    assert is_up_to_date(project)
