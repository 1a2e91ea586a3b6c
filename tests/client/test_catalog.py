"""The catalogue: filters, requests from an id, and tables."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import oxen_models as ox
import pytest
from oxen_codegen.operations import FAMILIES, find_tasks
from oxen_models import catalog
from oxen_models._runtime.catalog import Catalog
from oxen_models.catalog import ModelInfo
from oxen_models.images import Flux3ImageRequest, QwenImageEditPlusRequest
from rich.console import Console

PNG = b"\x89PNG\r\n\x1a\n"
FLUX = catalog.get("flux-3-image")
HOSTILE = replace(FLUX, id="<b>x", developer="[red]A", summary="a\x1b[2Jb")


def ids(**filters: Any) -> list[str]:
    return [model.id for model in catalog.models(**filters)]


def test_models_are_filtered_by_task() -> None:
    """The task says what a model can be used for; a model may have several."""
    assert "qwen-image-edit-plus" in ids(task="image-edit")
    assert "qwen-image-edit-plus" not in ids(task="text-to-image")
    assert FLUX.tasks == ("text-to-image", "image-edit")
    assert ids(task="text-to-audio") == ["bytedance-seed-audio-1-0"]
    assert ids(task="chat") == ids(family="chat")
    assert all("text-to-video" not in model.tasks for model in catalog.models(search="upscales video"))


def test_every_model_has_a_task() -> None:
    """Each model has one of the tasks in the type, and each task has a model."""
    assert {task for model in catalog.models() for task in model.tasks} == set(get_args(catalog.Task))
    assert [model.id for model in catalog.models() if not model.tasks] == []
    assert get_args(catalog.Family) == FAMILIES


def test_task_of_a_model_without_schema() -> None:
    """Without a schema, the input media in the capabilities decide."""
    assert find_tasks(None, "videos", ("image", "text")) == ("text-to-video", "image-to-video")


def test_models_are_filtered_by_parameters() -> None:
    """`accepts` selects the models whose call has all parameters."""
    found = catalog.models(accepts={"seed", "negative_prompt"})
    assert found
    assert {model.id for model in found} == {
        model.id for model in catalog.models() if {"seed", "negative_prompt"} <= {*model.parameters}
    }
    assert ids(accepts="seed") == ids(accepts=["seed"])


def test_models_are_filtered_by_price() -> None:
    """`max_price` is the highest cost of a request with default values; unknown prices do not match."""
    assert "flux-3-image" not in ids(max_price=Decimal("0.0623"))
    assert "flux-3-image" in ids(max_price=Decimal("0.0624"))
    assert ids(max_price=Decimal("0.01")) == ["z-image-turbo"]
    assert ids(max_price=0) == []
    for wrong in (0.05, "0.05", True, -1, Decimal("NaN")):
        with pytest.raises(ox.ConfigurationError, match=r"max_price must be dollars as .* from 0"):
            ids(max_price=wrong)
    assert FLUX.default_cost == (Decimal("0.0624"), Decimal("0.0624"))
    assert FLUX.price == "$0.0624 per image; $0.0533 at 768sq, $0.0624 at 1k, $0.13 at 2k, $0.7891 at 4k"


@pytest.mark.slow
def test_default_cost_is_the_estimate() -> None:
    """The default cost in the catalogue is the estimate of a request without optional values."""
    for model in catalog.models(typed=True):
        estimate = ox.UntypedRequest(model.id, "/images/generate", {}).estimate()
        assert model.default_cost == ((estimate.low, estimate.high) if estimate else None)


def test_models_are_searched_by_words() -> None:
    """A model matches if each word is in its id, name, developer or summary."""
    assert "topazlabs-image-upscale" in ids(search="Upscale topaz")
    assert ids(search="upscale no-such-word") == []
    assert ids(search=" ") == ids()


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"task": "image-edt"}, "task: there is no 'image-edt'; did you mean 'image-edit'?"),
        ({"family": "3d"}, "family: there is no '3d'; expected one of images, videos, audio, chat"),
        ({"verb": "generat"}, "verb: there is no 'generat'; did you mean 'generate'?"),
        ({"input": "images"}, "input: there is no 'images'; did you mean 'image'?"),
        ({"accepts": ["sed"]}, "accepts: there is no 'sed'; did you mean 'seed'?"),
        ({"developer": "gogle"}, "developer: there is no 'gogle'; did you mean 'Google'?"),
        ({"developer": "?"}, "developer: there is no '?'"),
    ],
)
def test_filter_without_a_value_raises(filters: Any, message: str) -> None:
    """A value that no model can match raises, with the nearest one or the allowed ones."""
    with pytest.raises(ox.ConfigurationError) as caught:
        catalog.models(**filters)
    assert str(caught.value) == message


def test_unknown_id_raises_with_the_nearest() -> None:
    """`get` names the nearest id."""
    with pytest.raises(KeyError, match="no model 'flux-3-imag'; did you mean 'flux-3-image'"):
        catalog.get("flux-3-imag")


def test_id_makes_a_typed_request(tmp_path: Path) -> None:
    """A request from an id is the typed one, and takes paths as the call does."""
    assert FLUX.request(prompt="x", resolution="2k") == Flux3ImageRequest(prompt="x", resolution="2k")
    file = tmp_path / "dog.png"
    file.write_bytes(PNG)
    found = catalog.get("qwen-image-edit-plus").request(prompt="x", input_image=[str(file)])
    assert found == QwenImageEditPlusRequest(prompt="x", input_image=[file])
    assert found.endpoint == "/images/edit"


def test_request_from_an_id_is_validated() -> None:
    """Wrong values, names and options raise as in the call; a model without a call has no request."""
    with pytest.raises(ox.InvalidRequestError, match="resolution='3k'"):
        FLUX.request(prompt="x", resolution="3k")
    for wrong in ({"seeed": 1}, {"timeout": 5}):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{next(iter(wrong))}'"):
            FLUX.request(prompt="x", **wrong)
    with pytest.raises(ox.ConfigurationError, match=r"no typed call of 'gpt-4o': call oxen.chat.complete"):
        catalog.get("gpt-4o").request(prompt="x")


def test_models_are_shown_as_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows one line for each model, truncated to its width."""
    monkeypatch.setenv("COLUMNS", "120")
    head, rule, *rows = str(catalog.models(task="image-edit", developer="Black Forest Labs")).splitlines()
    assert head.split()[:3] == ["model", "developer", "tasks"]
    assert set(rule) == {"-", " "}
    [row] = [row for row in rows if row.startswith("flux-3-image ")]
    assert "text-to-image, image-edit" in row
    assert "$0.0624" in row
    assert max(map(len, rows)) <= 120
    assert any(row.endswith("…") for row in rows)
    assert repr(Catalog(()).models()).count("\n") == 1


def test_table_shows_hostile_texts_as_text() -> None:
    """Texts of the API are neither markup nor control sequences in a terminal, rich or HTML."""
    table = Catalog((HOSTILE,)).models()
    assert "\x1b" not in str(table)
    stream = io.StringIO()
    Console(file=stream, width=300).print(table)
    assert "[red]A" in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(getattr(table, "_repr_html_")())  # noqa: B009
    assert set(tags) == {"table", "thead", "tbody", "tr", "th", "td"}


def test_table_is_a_list_of_models() -> None:
    """The table is a list, so it can be iterated, compared and indexed; a part of it is a table, too."""
    table = catalog.models(developer="Qwen")
    assert table == list(table)
    assert isinstance(table[0], ModelInfo)
    assert type(table[:2]) is type(table)
    assert table[:2] == list(table)[:2]
