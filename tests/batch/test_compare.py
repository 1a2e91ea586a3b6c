"""Comparisons: several models get one prompt, and their results are shown side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.scenario import Steps, scenario
from oxen_models import compare
from oxen_models.testing import Hub
from PIL import Image

IMAGES = ["z-image-turbo", "ideogram-v4", "krea-2-raw"]
VIDEOS = ["google-veo-3", "luma-ray-v3-2-text-to-video"]
QUEUE = "/api/ai/queue"
GREY = (232, 232, 232)  # of a tile without a picture
Compare = Callable[..., Any]


@pytest.fixture
def run_comparison(run: ClientRunner, hub: Hub) -> Compare:
    """Return a function that compares models, and calls the comparison's `save` if it gets a path."""

    def compared(
        *args: Any, path: Path | None = None, sheet: dict[str, Any] | None = None, **named: Any
    ) -> Any:
        @scenario
        def steps(oxen: Any) -> Steps:
            comparison = yield oxen.compare(*args, **named)
            if path is not None:
                assert (yield comparison.save(path, **(sheet or {}))) == path
            return comparison

        return run(steps, base_url=hub.url)

    return compared


@pytest.fixture
def hub_of_test() -> Iterator[Hub]:
    """A hub whose models a test changes."""
    with Hub(speed=100) as running:
        yield running


def read_bodies(hub: Hub) -> dict[str, Any]:
    """Return the bodies that were submitted, by model."""
    bodies: list[Any] = [request.body for request in hub.requests if request.path == QUEUE and request.body]
    return {body["model"]: body for body in bodies}


@pytest.mark.slow
def test_comparison_has_the_result_of_each_model(run_comparison: Compare, hub: Hub) -> None:
    """Results, times and costs are in the order of the models, and each model got its own parameters."""
    comparison = run_comparison(models=IMAGES, prompt="a fox", steps=10, aspect_ratio="1:1")
    assert [item.model for item in comparison] == IMAGES
    assert [item.error for item in comparison] == [None] * 3
    assert [len(item.result) for item in comparison] == [1] * 3
    assert [item.cost for item in comparison] == [Decimal("0.01"), Decimal("0.06"), None]
    assert comparison.cost == Decimal("0.07")
    assert all(item.seconds > 0 for item in comparison)
    assert (len(comparison), comparison[1].outcome.index) == (3, 1)
    bodies = read_bodies(hub)
    assert bodies["ideogram-v4"]["image_size"] == "square_hd"
    assert "steps" not in str(bodies["ideogram-v4"])
    assert bodies["krea-2-raw"]["num_inference_steps"] == 10
    assert comparison.plan.conversions
    assert "ideogram-v4" in str(comparison)
    assert "$0.06" in str(comparison)


@pytest.mark.slow
def test_comparison_of_edits_sends_the_image(run_comparison: Compare, hub: Hub) -> None:
    """One image is sent in the form of each model."""
    png = Image.new("RGB", (8, 8))
    comparison = run_comparison(["qwen-image-edit", "nano-banana"], prompt="a hat", image=png)
    assert [item.error for item in comparison] == [None, None]
    bodies = read_bodies(hub)
    assert bodies["nano-banana"]["input_image"] == [bodies["qwen-image-edit"]["input_image"]]


@pytest.mark.slow
def test_one_failure_keeps_the_other_results(
    run_comparison: Compare, hub_of_test: Hub, run: ClientRunner, tmp_path: Path
) -> None:
    """A model that fails has an error, and its tile the text of it."""
    hub_of_test.remove_model("ideogram-v4")
    path = tmp_path / "sheet.png"

    @scenario
    def steps(oxen: Any) -> Steps:
        comparison = yield oxen.compare(models=IMAGES, prompt="a fox")
        yield comparison.save(path)
        return comparison

    comparison = run(steps, base_url=hub_of_test.url)
    assert [item.error is None for item in comparison] == [True, False, True]
    assert comparison[1].result is None
    assert str(comparison[1].error) in str(comparison)
    assert "failed" in repr(comparison[1])
    assert repr(comparison[1].error) in repr(comparison[1])
    assert GREY in read_colors(path, 1)
    assert GREY not in read_colors(path, 0)


def read_colors(path: Path, column: int, size: int = 320, row: int = 0) -> set[Any]:
    """Return the colours along the edges of a tile."""
    with Image.open(path) as image:
        left, top = 12 + column * (size + 12), 12 + row * (size + 34)
        return {image.getpixel((left + offset, top + size // 2)) for offset in (2, size // 2, size - 3)} | {
            image.getpixel((left + size // 2, top + offset)) for offset in (2, size - 3)
        }


@pytest.mark.slow
def test_sheet_shows_results_in_a_grid(run_comparison: Compare, tmp_path: Path) -> None:
    """The sheet has a tile per model, in as many columns as asked for, in the format of the suffix."""
    path = tmp_path / "sheet.jpg"
    run_comparison(IMAGES, prompt="a fox", path=path, sheet={"columns": 3, "tile_size": 100})
    with Image.open(path) as image:
        assert (image.format, image.size) == ("JPEG", (12 + 3 * 112, 12 + 100 + 44 + 12))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
@pytest.mark.slow
def test_sheet_shows_first_frames_of_videos(run_comparison: Compare, tmp_path: Path) -> None:
    """The tile of a video is its first frame; without a decoder, it is a text."""
    path = tmp_path / "sheet.png"
    comparison = run_comparison(VIDEOS, prompt="a fox", duration=5, path=path)
    assert {type(item.error) for item in comparison} == {type(None)}
    assert GREY not in read_colors(path, 0) | read_colors(path, 1)


@pytest.mark.slow
def test_sheet_without_video_decoder_has_a_text(
    run_comparison: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PyAV, the tile of a video says that it cannot be shown."""
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "sheet.png"
    run_comparison(VIDEOS, prompt="a fox", duration=5, path=path)
    assert GREY in read_colors(path, 0)


@pytest.mark.slow
def test_sheet_decodes_usual_formats_only(run: ClientRunner, hub_of_test: Hub, tmp_path: Path) -> None:
    """A file of another format, whose reader could run programs, is not decoded."""
    portable_pixels = b"P6 8 8 255\n" + b"\xff\x00\x00" * 64
    hub_of_test.respond_next(
        200, body=portable_pixels, headers={"content-type": "image/png"}, path="/api/repos/*"
    )
    path = tmp_path / "sheet.png"

    @scenario
    def steps(oxen: Any) -> Steps:
        comparison = yield oxen.compare(models=["z-image-turbo"], prompt="x")
        return (yield comparison.save(path))

    assert run(steps, base_url=hub_of_test.url) == path
    assert GREY in read_colors(path, 0)


@pytest.mark.slow
@pytest.mark.async_values
@pytest.mark.parametrize(
    ("name", "sheet", "error", "message"),
    [
        ("sheet.txt", {}, ox.ConfigurationError, "path must end in the suffix of an image such as .png"),
        (
            "sheet.png",
            {"columns": 0},
            ox.ConfigurationError,
            "columns must be an integer from 1 to 100, got 0",
        ),
        (
            "sheet.png",
            {"tile_size": 1.5},
            ox.ConfigurationError,
            "tile_size must be an integer from 64 to 1024",
        ),
        ("no/folder/sheet.png", {}, ox.MediaError, "could not be written: No such directory$"),
    ],
)
def test_sheet_that_cannot_be_written_names_reason(
    run_comparison: Compare, tmp_path: Path, name: str, sheet: Any, error: type[Exception], message: str
) -> None:
    """A wrong path or option is an error, and leaves no file."""
    with pytest.raises(error, match=message):
        run_comparison(["z-image-turbo"], prompt="x", path=tmp_path / name, sheet=sheet)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_sheet_names_the_extra_without_pillow(
    run_comparison: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Pillow, the error names the extra."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ox.ConfigurationError, match=r"a contact sheet needs pillow: .* extra 'compare'"):
        run_comparison(["z-image-turbo"], prompt="x", path=tmp_path / "sheet.png")


@pytest.mark.slow
def test_notebook_view_is_escaped(run_comparison: Compare, hub_of_test: Hub, run: ClientRunner) -> None:
    """The view has each model with its time and cost, and shows text of the server as text."""
    hub_of_test.respond_next(
        400, body={"error": {"message": "<script>alert(1)</script>"}}, method="POST", path=QUEUE
    )

    @scenario
    def steps(oxen: Any) -> Steps:
        return (yield oxen.compare(models=["z-image-turbo"], prompt="x"))

    html = run(steps, base_url=hub_of_test.url)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    html = run_comparison(IMAGES[:2], prompt="x")._repr_html_()
    assert html.count("<img src=") == 2
    assert "<b>ideogram-v4</b>" in html
    assert "$0.06" in html
    assert "<script" not in html


def test_low_budget_sends_nothing(run: ClientRunner, hub: Hub) -> None:
    """If the lowest estimates exceed the budget, nothing is sent."""
    budget = Decimal("0.05")
    error = run.expect_error(
        ox.BudgetExceededError,
        lambda oxen: oxen.compare(models=IMAGES, prompt="x", budget=budget, unpriced="allow"),
        base_url=hub.url,
    )
    assert str(error) == "the comparison costs at least $0.07, and the budget is $0.05; nothing was sent"
    with pytest.raises(ox.BudgetExceededError, match=r"the budget is \$0;"):
        compare.plan(IMAGES, prompt="x").check_budget(0)
    assert hub.count("POST", QUEUE) == 0


@pytest.mark.slow
def test_unpriced_model_is_refused_with_a_budget(run_comparison: Compare, hub: Hub) -> None:
    """With a budget, the outcome of a model without a price is an error, and the others run."""
    comparison = run_comparison(models=IMAGES, prompt="x", budget=1)
    assert [type(item.error) for item in comparison] == [type(None), type(None), ox.UnpricedRequestError]
    assert hub.count("POST", QUEUE) == 2
    comparison = run_comparison(models=IMAGES, prompt="x", budget=1, unpriced="allow")
    assert [item.error for item in comparison] == [None] * 3


@pytest.mark.slow
def test_budget_that_ends_the_run_keeps_results(run_comparison: Compare, hub: Hub, tmp_path: Path) -> None:
    """A model that is not sent because of the budget has its error, and the others their results."""
    journal = tmp_path / "compare.db"
    run_comparison(["z-image-turbo"], prompt="spent", journal=journal)
    spent: dict[str, Any] = {"budget": Decimal("0.01"), "unpriced": "allow", "journal": journal}
    comparison = run_comparison(["z-image-turbo", "krea-2-raw"], prompt="spent", **spent)
    assert comparison[0].result is not None
    assert isinstance(comparison[1].error, ox.BudgetExceededError)
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.slow
@pytest.mark.slow
def test_journal_continues_a_comparison(run_comparison: Compare, hub: Hub, tmp_path: Path) -> None:
    """With a journal, what an earlier comparison paid for is not sent again."""
    journal = tmp_path / "compare.db"
    run_comparison(IMAGES[:2], prompt="once", journal=journal)
    again = run_comparison(IMAGES, prompt="once", journal=journal)
    assert [item.error for item in again] == [None] * 3
    assert hub.count("POST", QUEUE) == 3


def test_plan_is_sent_as_it_is(run: ClientRunner, hub: Hub) -> None:
    """A plan is sent without further parameters, which it could not contain."""
    plan = compare.plan(IMAGES, prompt="x")
    run.expect_error(ox.ConfigurationError, lambda oxen: oxen.compare(plan, prompt="y"), base_url=hub.url)
    assert hub.requests == []


def test_comparison_without_key_sends_nothing(run: ClientRunner, hub: Hub) -> None:
    """A missing key and wrong options are found before files are read and anything is sent."""
    with pytest.raises(ox.MissingAPIKeyError):
        run(lambda oxen: oxen.compare(IMAGES, prompt="x"), api_key=None, base_url=hub.url)
    error = run.expect_error(
        ox.ConfigurationError, lambda oxen: oxen.compare(IMAGES, prompt="x", budget=-1), base_url=hub.url
    )
    assert "budget" in str(error)
    assert hub.requests == []
