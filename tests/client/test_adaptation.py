"""Parameters in the terms of another model: names, files, shapes, sizes, lengths and quantities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import oxen_models as ox
import pytest
from oxen_models import catalog, compare, schema

MODELS = catalog.models(typed=True)
DOG, CAT = "https://example.com/dog.png", "https://example.com/cat.png"
COMMON_NAMES = {name for alias in compare.ALIASES for name in alias.parameters if alias.kind != "exact"}


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


def test_adapt_needs_a_model_with_a_schema() -> None:
    """Only models with a parameter schema have names that parameters could be adapted to."""
    with pytest.raises(ox.ConfigurationError, match=r"no typed call of 'gpt-4o'"):
        compare.adapt("gpt-4o", {"prompt": "x"})
    with pytest.raises(ox.ConfigurationError, match=r"did you mean 'flux-1-dev'"):
        compare.adapt("flux-1-devv", {"prompt": "x"})
