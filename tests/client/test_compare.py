"""Plans of comparisons: the same parameters in the terms of each model. Nothing is sent."""

from __future__ import annotations

import io
from collections.abc import Mapping
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
COMMON_NAMES = {name for alias in compare.ALIASES for name in alias.parameters if alias.kind != "exact"}
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


def sent(model: str, **parameters: Any) -> dict[str, Any]:
    """Return the parameters that a model is sent, and check that all changes are reported."""
    adaptation = compare.adapt(model, parameters)
    assert all(conversion.given and conversion.sent for conversion in adaptation.conversions)
    unchanged = {
        name for name, value in parameters.items() if adaptation.parameters.get(name, object) == value
    }
    reported = {name for conversion in adaptation.conversions for name in conversion.given}
    reported |= {omission.parameter for omission in adaptation.omissions}
    assert unchanged | reported == {*parameters}
    return dict(adaptation.parameters)


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


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        ("qwen-image-edit", {"image": DOG}, {"input_image": DOG}),
        ("qwen-image-edit-plus", {"image": DOG}, {"input_image": [DOG]}),
        ("qwen-image-3", {"input_image": DOG}, {"input_images": [DOG]}),
        ("qwen-image-edit", {"input_images": [DOG, CAT]}, {"input_image": DOG}),
        ("ideogram-v4-5-edit", {"image": [DOG, CAT]}, {"input_image": DOG, "input_images": [CAT]}),
        ("gemini-omni-1-1-flash", {"image": [DOG, CAT]}, {"input_images": [DOG, CAT]}),
        ("kling-video-o3-omni", {"image": DOG}, {"start_image_url": DOG}),
        ("kling-video-o3-omni", {"input_image": [DOG]}, {"input_image": [DOG]}),
        ("qwen-image-3", {"image": [DOG] * 4}, {"input_images": [DOG] * 3}),
        ("wan-v2-7-image-to-video", {"tail_image_url": CAT}, {"end_image_url": CAT}),
        ("flux-1-dev", {"image": DOG}, {}),
        ("qwen-image-edit", {"image": []}, {}),
        (
            "minimax-h3",
            {"input_images": [CAT], "input_image": DOG},
            {"input_images": [CAT], "input_image": DOG},
        ),
        ("qwen-image-edit", {"input_images": [CAT], "input_image": DOG}, {"input_image": DOG}),
    ],
)
def test_files_are_sent_in_the_form_of_the_model(
    model: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Files are sent under the names of the model, alone or in a list, as many as it accepts."""
    assert sent(model, **given) == expected


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        ("flux-1-dev", {"aspect_ratio": "1:1"}, {"aspect_ratio": "1:1"}),
        ("flux-1-dev", {"aspect_ratio": "21:9"}, {"aspect_ratio": "16:9"}),
        ("flux-2-pro", {"aspect_ratio": "auto"}, {"aspect_ratio": "match_input_image"}),
        ("flux-1-dev", {"aspect_ratio": "auto"}, {}),
        ("flux-1-dev", {"resolution": "2K"}, {}),
        ("flux-1-dev", {"width": 900, "height": 1600}, {"aspect_ratio": "9:16"}),
        ("flux-1-dev", {"width": 900}, {}),
        ("krea-2-raw", {"width": 900}, {"width": 900}),
        ("krea-2-raw", {"width": 5000}, {"width": 2048}),
        ("krea-2-raw", {"height": 900, "resolution": "2K"}, {"height": 900}),
        ("krea-2-raw", {"width": 1024, "aspect_ratio": "16:9"}, {"width": 1024, "height": 576}),
        ("krea-2-raw", {"image_size": {"width": 800, "height": 1.5}}, {}),
        ("google-veo-3", {"width": 1920, "ratio": "16:9"}, {"aspect_ratio": "16:9", "resolution": "1080p"}),
        ("google-veo-3", {"height": 720, "ratio": "16:9"}, {"aspect_ratio": "16:9", "resolution": "720p"}),
        ("flux-1-dev", {"aspect_ratio": "auto", "width": 900, "height": 1600}, {"aspect_ratio": "9:16"}),
        ("ideogram-v4", {"aspect_ratio": "16:9", "image_size": "square"}, {"image_size": "square"}),
        ("flux-1-dev", {"aspect_ratio": "9:16", "width": 900, "height": 900}, {"aspect_ratio": "9:16"}),
        ("flux-1-dev", {"image_size": "optimize_for_speed"}, {"image_size": "optimize_for_speed"}),
        ("gpt-image-1-5", {"aspect_ratio": "3:4"}, {"size": "portrait"}),
        ("gpt-image-1-5", {"size": "square"}, {"size": "square"}),
        ("ideogram-v4", {"aspect_ratio": "1:1"}, {"image_size": "square_hd"}),
        ("flux-1-dev", {"size": "landscape"}, {"aspect_ratio": "3:2"}),
        ("bytedance-seedream-4-5", {"resolution": "1k"}, {"size": "2K"}),
        ("nano-banana-2", {"size": "4K"}, {"resolution": "4K"}),
        ("flux-2-dev", {"resolution": "1K"}, {"resolution": "1 MP"}),
        ("flux-3-image", {"resolution": "768P"}, {"resolution": "768sq"}),
        ("wan-v3-0-video", {"resolution": "1080p"}, {"resolution": "1080P"}),
        ("ltx-2-3", {"resolution": "2k"}, {"resolution": "1440p"}),
        ("topazlabs-video-upscale", {"resolution": "4K"}, {"target_resolution": "4k"}),
        ("krea-2-raw", {"aspect_ratio": "16:9"}, {"width": 1360, "height": 768}),
        ("krea-2-raw", {"width": 1111, "height": 999}, {"width": 1111, "height": 999}),
        ("krea-2-raw", {"aspect_ratio": "1:1", "resolution": "4K"}, {"width": 2048, "height": 2048}),
        ("wan-ai-wan2-2-ti2v-5b-diffusers", {"resolution": "480p"}, {"width": 848, "height": 480}),
        (
            "gpt-image-2",
            {"image_size": {"width": 2000, "height": 2000}},
            {"aspect_ratio": "1:1", "resolution": "2K"},
        ),
    ],
)
def test_frame_is_sent_as_nearly_as_possible(
    model: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Shape and size are sent as ratio, named size, resolution, or width and height: what the model has."""
    assert sent(model, **given) == expected


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        ("luma-ray-v3-2-text-to-video", {"duration": 8}, {"duration": "10s"}),
        ("google-veo-3", {"seconds": "5s"}, {"duration": 5}),
        ("google-veo-3", {"duration": 30}, {"duration": 8}),
        ("google-veo-3", {"duration": 4.6}, {"duration": 5}),
        ("google-veo-3", {"duration": "auto"}, {}),
        ("google-veo-3", {"duration": "long"}, {}),
        ("bytedance-seedance-2-5-text-to-video", {"duration": -1}, {"duration": "auto"}),
        ("bytedance-seedance-2-5-text-to-video", {"duration": "8"}, {"duration": "8"}),
        ("bytedance-seedance-2-5-text-to-video", {"duration": "8s"}, {"duration": 8}),
        ("bytedance-seedance-2-0-text-to-video", {"duration": "auto"}, {"duration": -1}),
        ("wan-ai-wan2-1-t2v-1-3b-diffusers", {"duration": 5}, {}),
        ("flux-1-dev", {"steps": 100, "guidance": 3.5}, {"num_inference_steps": 50, "guidance": 3.5}),
        ("krea-2-raw", {"guidance": 12}, {"guidance_scale": 10}),
        ("ltx-2-3", {"fps": 30}, {"fps": 25}),
        ("happyhorse-1.0-t2v", {"seed": 2**40}, {}),
        ("happyhorse-1.0-t2v", {"seed": 5}, {"seed": 5}),
        ("happyhorse-1.0-t2v", {"seed": 5.5}, {}),
        ("happyhorse-1.0-t2v", {"seed": "5"}, {}),
        ("flux-1-dev", {"output_format": "jpeg"}, {"output_format": "jpg"}),
        ("flux-1-dev", {"output_format": "gif"}, {}),
        ("flux-1-dev", {"enable_safety_checker": False}, {"disable_safety_checker": True}),
        ("ideogram-v4", {"disable_safety_checker": True}, {"enable_safety_checker": False}),
        ("ideogram-v4", {"safety_checker": True}, {"enable_safety_checker": True}),
        ("wan-v2-7-text-to-video", {"enable_prompt_expansion": False}, {"prompt_extend": False}),
        ("google-veo-3", {"generate_audio": "no"}, {}),
        ("nano-banana-2", {"thinking_level": "high"}, {"thinking_level": "high"}),
        ("flux-1-dev", {"thinking_level": "high"}, {}),
        ("flux-1-dev", {"response_format": "b64_json"}, {"response_format": "b64_json"}),
        ("gpt-image-2", {"quality": "HIGH"}, {"quality": "high"}),
        ("gpt-image-2", {"quality": "ultra"}, {}),
        ("qwen-image-3", {"n": 9}, {"num_images": 6}),
    ],
)
def test_values_are_sent_in_the_range_of_the_model(
    model: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Lengths and quantities are limited to the model; other values are sent as they are or omitted."""
    assert sent(model, **given) == expected


def list_accepted(node: Mapping[str, Any]) -> list[Any]:
    """Return values that a schema certainly accepts."""
    values = [*node.get("enum", ()), *(node[key] for key in ("default", "minimum", "maximum") if key in node)]
    return values + ([{"width": 640, "height": 480}] if node.get("type") == "object" else [])


@pytest.mark.slow
def test_accepted_value_is_sent_unchanged() -> None:
    """A value that the model accepts is sent as it is, alone and beside other shapes and sizes."""
    frames = {name for alias in compare.ALIASES if alias.kind == "frame" for name in alias.parameters}
    for model in MODELS:
        accepted = {name: list_accepted(node) for name, node in schema(model.id)["properties"].items()}
        given = [{name: value} for name in accepted for value in accepted[name] if name in COMMON_NAMES]
        together = [[(name, value) for value in accepted[name]] for name in accepted if name in frames]
        given += map(dict, zip(*together, strict=False))
        for parameters in given:
            adaptation = compare.adapt(model.id, parameters)
            assert adaptation == compare.Adaptation(parameters, (), ()), (model.id, parameters)


ODD_VALUES: list[Any] = [
    *(True, -7, 0, 10**30, 10**400, 10**5000, float("inf"), float("nan"), 1e300, "", "0:0", "1:0", "0K"),
    *("0 MP", "0p", "9" * 5000, f"{'9' * 5000}:1", f"{'9' * 5000}p", f"{'9' * 5000}s", [], {}),
    *({"width": 1}, {"width": "a", "height": 1}, {"width": 10**400, "height": 1}),
]


@pytest.mark.parametrize(
    "name", ["aspect_ratio", "resolution", "size", "image_size", "width", "duration", "fps", "seed", "steps"]
)
@pytest.mark.parametrize("model", ["gpt-image-1-5", "krea-2-raw", "luma-ray-v3-2-text-to-video", "ltx-2-3"])
def test_odd_values_are_adapted_or_omitted(model: str, name: str) -> None:
    """No value makes the adaptation fail, whatever it is; what is sent is accepted by the model."""
    for value in ODD_VALUES:
        adapted = sent(model, **{name: value})
        catalog.get(model).request(**{"prompt": "x", **adapted})


@pytest.mark.parametrize("value", ["16x9", "", 0, 1.5, {"width": "a", "height": 1}], ids=str)
def test_value_that_is_no_shape_has_its_own_reason(value: Any) -> None:
    """A misspelt shape is reported as such by a model that has another parameter for shapes."""
    [omission] = compare.adapt("krea-2-raw", {"aspect_ratio": value}).omissions
    assert omission.reason == "it is neither a shape such as '16:9' nor a size such as '720p'"
    [omission] = compare.adapt("z-image-turbo", {"aspect_ratio": value}).omissions
    assert omission.reason == "the model has no such parameter"


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


def test_adapt_needs_a_model_with_a_schema() -> None:
    """Only models with a parameter schema have names that parameters could be adapted to."""
    with pytest.raises(ox.ConfigurationError, match=r"no typed call of 'gpt-4o'"):
        compare.adapt("gpt-4o", {"prompt": "x"})
    with pytest.raises(ox.ConfigurationError, match=r"did you mean 'flux-1-dev'"):
        compare.adapt("flux-1-devv", {"prompt": "x"})
