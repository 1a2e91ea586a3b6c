"""Plans of comparisons: the same parameters in the terms of each model. Nothing is sent."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import oxen_models as ox
import pytest
from oxen_models import catalog, compare, schema

TASKS = ("text-to-image", "image-edit", "text-to-video", "image-to-video")
MODELS = [model for model in catalog.models() if {*TASKS} & {*model.tasks}]
DOG, CAT = "https://example.com/dog.png", "https://example.com/cat.png"
VIDEO = "https://example.com/dog.mp4"
PNG = b"\x89PNG\r\n\x1a\n"
# Words in the names of parameters that models have under different names.
SHARED_IDEAS = set(
    "image images video videos audio audios mask size resolution ratio width height duration seconds frame "
    "frames fps seed steps guidance cfg prompt format quality num safety".split()
)
# Parameters with such a word for which no other model has another name.
OF_ONE_MODEL = {
    "apply_mask",
    "audio_setting",
    "conditioning_attention_strength",
    "image_style_references",
    "input_image_2",
    "input_image_has_face",
    "input_face_images",
    "input_face_videos",
    "keep_audio",
    "match_input_image",
    "output_quality",
    "prompt_expansion_mode",
    "reference_videos",
    "safety_tolerance",
    "tail_image_url_has_face",
    "video_conditioning_strength",
    "video_mode",
}


def plan_error(models: Any, **parameters: Any) -> str:
    with pytest.raises(ox.ConfigurationError) as caught:
        compare.plan(models, **parameters)
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_plan_covers_every_model_of_a_task(task: str) -> None:
    """Each model of the tasks gets prompt, files, shape and length under names that it has."""
    is_video, has_image = "video" in task, "image-" in task
    given: dict[str, Any] = {"prompt": "x", "seed": 7, "aspect_ratio": "1:1", "resolution": "1080p"}
    given |= {"duration": 5} if is_video else {}
    given |= {"image": DOG} if has_image else {}
    # What models with further inputs require.
    given |= {"input_image_2": CAT, "mask": CAT} if task == "image-edit" else {}
    given |= {"video": VIDEO, "character_orientation": "image"} if task == "image-to-video" else {}
    models = catalog.models(task=task)  # type: ignore[arg-type]
    plan = compare.plan([model.id for model in models], **given)
    assert (plan.task, len(plan)) == (task, len(models))
    for item, model in zip(plan, models, strict=True):
        body = item.request.body()
        assert item.model == model
        properties = schema(model.id)["properties"]
        assert body["model"] == model.id
        assert {*body} <= {*properties, "model"}
        assert ("prompt" in body) == ("prompt" in properties)
        assert ("seed" in body) == ("seed" in properties)
        assert ("duration" in body) == (is_video and "duration" in properties)
        assert not ({"aspect_ratio", "width"} & {*properties}) or {"aspect_ratio", "width"} & {*body}
        if has_image:
            assert DOG in str(body)
    assert {omission.parameter for omission in plan.omissions} <= {*given}


def test_table_has_every_shared_parameter() -> None:
    """A parameter whose name suggests one that other models have is in the table of aliases."""
    names = {name for model in MODELS for name in schema(model.id)["properties"]}
    assert names & OF_ONE_MODEL == OF_ONE_MODEL
    in_table = {name for alias in compare.ALIASES for name in (*alias.parameters, alias.inverse)}
    assert not {name for name in names - in_table - OF_ONE_MODEL if SHARED_IDEAS & {*name.split("_")}}
    everywhere = {name for model in catalog.models() for name in model.parameters}
    assert in_table - {None} <= everywhere
    assert not {name for alias in compare.ALIASES for name in alias.synonyms} & everywhere


def test_names_in_table_are_unambiguous() -> None:
    """No name stands for two parameters."""
    names = [
        name
        for alias in compare.ALIASES
        for name in {alias.name, *alias.parameters, *alias.synonyms, *filter(None, [alias.inverse])}
    ]
    assert len(names) == len({*names})


def test_report_states_every_change() -> None:
    """The plan is printed with its task, each estimate, each conversion and each omission."""
    plan = compare.plan(["ideogram-v4", "z-image-turbo"], prompt="x", aspect_ratio="16:9", steps=4)
    assert str(plan).splitlines() == [
        "text-to-image, 2 models, $0.07",
        "  ideogram-v4    $0.06",
        "  z-image-turbo  $0.01",
        "converted:",
        "  ideogram-v4: aspect_ratio='16:9' is sent as image_size='landscape_16_9'",
        "  z-image-turbo: steps=4 is sent as num_inference_steps=4",
        "omitted:",
        "  ideogram-v4: steps=4 is not sent: the model has no such parameter",
        "  z-image-turbo: aspect_ratio='16:9' is not sent: the model has no such parameter",
    ]
    [conversion, _] = plan.conversions
    assert (conversion.model, conversion.given, conversion.sent) == (
        "ideogram-v4",
        {"aspect_ratio": "16:9"},
        {"image_size": "landscape_16_9"},
    )
    assert plan.omissions[0].value == 4
    assert plan.requests == [item.request for item in plan]
    assert plan[0].estimate == plan.requests[0].estimate()
    assert isinstance(plan.estimate, ox.Estimate)
    assert plan.estimate.low == plan.estimate.high == Decimal("0.07")


def test_report_is_one_safe_line_per_change() -> None:
    """Values of the caller cannot control the terminal, and binary data is not printed."""
    plan = compare.plan(["qwen-image-edit"], prompt="x", image=PNG, negative_prompt="a\x1b[2J\nb")
    assert str(plan).splitlines()[-4:] == [
        "converted:",
        "  qwen-image-edit: image=<8 bytes> is sent as input_image=<8 bytes>",
        "omitted:",
        "  qwen-image-edit: negative_prompt='a\\x1b[2J\\nb' is not sent: the model has no such parameter",
    ]


def test_sum_of_unknown_costs_names_the_models() -> None:
    """The sum is unknown if one cost is, because a sum of the others would be too low."""
    estimate = compare.plan(["flux-1-dev", "z-image-turbo"], prompt="x").estimate
    assert isinstance(estimate, ox.NoEstimate)
    assert estimate.reason == "the cost of flux-1-dev is unknown"


def test_open_file_is_read_once_for_all_models() -> None:
    """All models get the content of a file that can be read only once."""
    plan = compare.plan(["qwen-image-edit", "nano-banana"], prompt="x", image=io.BytesIO(PNG))
    [uri] = {plan[0].request.body()["input_image"], *plan[1].request.body()["input_image"]}
    assert uri.startswith("data:image/png;base64,")


def test_models_of_the_catalogue_can_be_compared() -> None:
    """Models are named by their ids, or passed as the catalogue returns them."""
    found = catalog.models(task="text-to-image", max_price=Decimal("0.02"))
    plan = compare.plan(found, prompt="x")
    assert [item.model for item in plan] == found
    assert repr(plan) == str(plan)
    assert plan_error([found[0], found[0].id], prompt="x") == f"models contains {found[0].id!r} twice"


def test_none_and_omit_are_not_sent() -> None:
    """None means that a parameter is not given, as OMIT does."""
    [request] = compare.plan(["flux-1-dev"], prompt="x", image=None, seed=None, steps=ox.OMIT).requests
    assert request.body() == {"model": "flux-1-dev", "prompt": "x"}


@pytest.mark.parametrize(
    ("models", "parameters", "message"),
    [
        (["flux-1-de"], {"prompt": "x"}, "no model 'flux-1-de'; did you mean 'flux-1-dev'?"),
        ([7], {"prompt": "x"}, "no model 7"),
        ("flux-1-dev", {"prompt": "x"}, "models must be a list of ids, got 'flux-1-dev'"),
        ([], {"prompt": "x"}, "models must contain at least one id"),
        (["flux-1-dev"] * 2, {"prompt": "x"}, "models contains 'flux-1-dev' twice"),
        (
            ["flux-1-dev", "google-veo-3"],
            {"prompt": "x"},
            "flux-1-dev makes images and google-veo-3 makes videos; compare one kind at a time",
        ),
        (
            ["gpt-4o"],
            {"prompt": "x"},
            "gpt-4o makes text; models that make images or videos can be compared",
        ),
        (
            ["topazlabs-iris-mq-video"],
            {"prompt": "x"},
            "the comparison is text-to-video, and topazlabs-iris-mq-video is for video-to-video: "
            "omit the model",
        ),
        (["qwen-image-edit"], {"prompt": "x"}, "qwen-image-edit requires an image: pass image="),
        (
            ["flux-1-dev"],
            {"prompt": "x", "image": DOG},
            "the comparison is image-edit, and flux-1-dev is for text-to-image: omit the image or the model",
        ),
        (
            ["flux-1-dev"],
            {"promt": "x"},
            "none of the models has a parameter 'promt'; did you mean 'prompt'?",
        ),
        (["flux-1-dev"], {"prompt": "x", "mask_url2": 1}, None),
        (["flux-1-dev"], {}, "flux-1-dev requires prompt: pass prompt="),
        (
            ["flux-1-dev"],
            {"prompt": 5},
            "flux-1-dev requires prompt, and flux-1-dev: prompt=5 is not sent: the model expects string",
        ),
        (
            ["flux-virtual-try-on"],
            {"prompt": "x", "image": DOG},
            "flux-virtual-try-on requires input_image_2: pass input_image_2=",
        ),
        (["flux-erase"], {"image": DOG}, "flux-erase requires mask_url: pass mask="),
        (
            ["google-veo-3"],
            {"prompt": "x", "duration": 5, "seconds": 4},
            "duration and seconds are the same parameter: pass one of them",
        ),
    ],
)
def test_plan_that_cannot_be_made_names_the_reason(
    models: Any, parameters: dict[str, Any], message: str | None
) -> None:
    """The error names the model or the parameter, and what to do."""
    error = plan_error(models, **parameters)
    assert message is None or error == message


def test_invalid_file_names_model_and_parameter() -> None:
    """A file that does not exist is an error of the request, not an omission."""
    with pytest.raises(ox.InvalidRequestError, match="qwen-image-edit: input_image='nowhere"):
        compare.plan(["qwen-image-edit"], prompt="x", image="nowhere.png")
