"""The estimated cost of a request, from the recorded price of its model."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from helpers.models import object_schema
from oxen_models import (
    ConfigurationError,
    Estimate,
    NoEstimate,
    Request,
    UntypedRequest,
    catalog,
)
from oxen_models._runtime.json_schema.estimates import estimate_cost
from oxen_models._runtime.request import ChatRequestBase
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.images import (
    BlackForestLabsFlux2Klein9bRequest,
    BytedanceSeedream5LiteRequest,
    BytedanceSeedream5ProRequest,
    Flux2FlexRequest,
    Flux3ImageRequest,
    GoogleNanoBananaProRequest,
    GptImage25FlareRequest,
    GptImage25SunburstRequest,
    IdeogramV4Request,
    NanoBanana2LiteRequest,
    QwenImage3Request,
    QwenImage21Request,
    TopazlabsBloom2ImageRequest,
    TopazlabsWonder35ImageRequest,
    XaiGrokImagineImageRequest,
    ZImageTurboRequest,
)

URL = "https://example.com/a.png"
IMAGE: dict[str, Any] = {"method": "per_image"}
VIDEO: dict[str, Any] = {"method": "per_video_output_second"}
GRID = {"high": {"1K": 0.13, "2K": 0.29}, "low": {"1K": 0.004, "2K": 0.009}}
TIERS = {**IMAGE, "cost_per_image_grid": GRID}
RATES = {"480p": 0.103, "720p": 0.231, "1080p": 0.569}
SIZES = {**VIDEO, "cost_per_second_by_resolution": RATES}
FILM = object_schema(
    duration={"type": "integer", "default": 5, "minimum": 3, "maximum": 15},
    resolution={"type": "string", "default": "720p", "enum": ["480p", "720p", "1080p"]},
    generate_audio={"type": "boolean", "default": True},
)
UPSCALER = object_schema(
    duration={"type": "integer"},
    resolution={"type": "string", "enum": ["1080p", "1440p", "2k", "4k"], "default": "1080p"},
)
TOPAZ = {**VIDEO, "cost_per_second": 0.0374, "cost_per_second_high_res": 0.1494}
SOUND = {"method": "per_audio_output_second", "cost_per_second": 0.003125}


# Each record with a price, and the dollars of a request by hand.
RECORDED: list[tuple[Request, str | None]] = [
    (BlackForestLabsFlux2Klein9bRequest(prompt="x"), "0.02"),  # cost_per_image
    (BytedanceSeedream5LiteRequest(prompt="x"), "0.04"),  # cost_per_image, for every size
    (BytedanceSeedream5LiteRequest(prompt="x", size="4K"), "0.04"),
    (BytedanceSeedream5ProRequest(prompt="x"), "0.045"),  # cost_per_image
    (Flux2FlexRequest(prompt="x"), "0.12"),  # cost_per_image
    (Flux3ImageRequest(prompt="x"), "0.0624"),  # the only row, high; 1k is the default
    (Flux3ImageRequest(prompt="x", resolution="768sq"), "0.0533"),  # high, 768sq
    (Flux3ImageRequest(prompt="x", resolution="4k"), "0.7891"),  # high, 4k
    (GoogleNanoBananaProRequest(prompt="x"), "0.15"),  # cost_per_image
    (GptImage25FlareRequest(prompt="x"), "0.0517"),  # both defaults: high, 2K
    (GptImage25FlareRequest(prompt="x", quality="max"), "0.2067"),  # max, and 2K by default
    (GptImage25FlareRequest(prompt="x", quality="low", resolution="1K"), "0.0041"),  # low, 1K
    (GptImage25SunburstRequest(prompt="x", resolution="4K"), "0.1301"),  # high by default, and 4K
    (IdeogramV4Request(prompt="x"), "0.06"),  # cost_per_image * 1 image by default
    (IdeogramV4Request(prompt="x", num_images=5), "0.30"),  # 0.06 * 5
    (NanoBanana2LiteRequest(prompt="x"), "0.0442"),  # cost_per_image
    (NanoBanana2LiteRequest(prompt="x", thinking_level="minimal"), "0.0442"),  # the default
    (NanoBanana2LiteRequest(prompt="x", thinking_level="high"), None),  # "costs more", not how much
    (QwenImage21Request(prompt="x"), "0.109"),  # cost_per_image
    (QwenImage3Request(prompt="x"), "0.039"),  # cost_per_image * 1 image by default
    (QwenImage3Request(prompt="x", num_images=6), "0.234"),  # 0.039 * 6, all of which are billed
    (TopazlabsBloom2ImageRequest(input_image=URL), None),  # by provider credits
    (TopazlabsWonder35ImageRequest(input_image=URL), None),  # by provider credits
    (XaiGrokImagineImageRequest(prompt="x"), "0.02"),  # cost_per_image
    (ZImageTurboRequest(prompt="x"), "0.01"),  # cost_per_image
]


@pytest.mark.parametrize(
    ("request_", "dollars"), RECORDED, ids=lambda value: getattr(value, "model_id", None)
)
def test_recorded_price_gives_an_estimate(request_: Request, dollars: str | None) -> None:
    """A request of each model with a price has the cost that its record determines, or no estimate."""
    estimate = request_.estimate()
    if dollars is None:
        assert not estimate
        assert estimate.reason
    else:
        assert estimate
        assert (estimate.low, estimate.high, estimate.currency) == (Decimal(dollars), Decimal(dollars), "USD")


def test_every_priced_record_is_estimated() -> None:
    """The table above has each model that the package has a price of."""
    priced = {model.id for model in catalog.models() if model.price is not None}
    assert {request.model_id for request, _ in RECORDED} == priced


@pytest.mark.parametrize(
    ("pricing", "schema", "sent", "low", "high"),
    [
        # A grid, by the values that are sent, without regard to case and to the spelling of a resolution.
        (TIERS, {}, {"quality": "HIGH", "resolution": "2k"}, "0.29", "0.29"),
        (TIERS, {}, {"quality": "low", "resolution": "1024"}, "0.004", "0.004"),
        (TIERS, {}, {"quality": "low", "size": "2048"}, "0.009", "0.009"),
        # The server chooses the quality: low 2K to high 2K.
        (TIERS, {}, {"quality": "auto", "resolution": "2K"}, "0.009", "0.29"),
        # Neither is known: the smallest and the largest cell.
        (TIERS, {}, {}, "0.004", "0.29"),
        # A row may be a number, and a number may be a text.
        ({**IMAGE, "cost_per_image_grid": {"high": "0.2"}}, {}, {"quality": "high"}, "0.2", "0.2"),
        # 0.05 * 1 to 4 images.
        (
            {**IMAGE, "cost_per_image": 0.05},
            object_schema(num_images={"type": "integer", "minimum": 1, "maximum": 4}), {}, "0.05", "0.20",
        ),
        # 5 s * 0.231 by default; 8 s * 0.569 as sent, as a text, too.
        (SIZES, FILM, {}, "1.155", "1.155"),
        (
            SIZES, FILM,
            {"duration": "8s", "resolution": "1080P"}, "4.552", "4.552",
        ),
        # The server chooses the length: 3 s * 0.103 to 15 s * 0.103.
        (
            SIZES, FILM,
            {"duration": -1, "resolution": "480p"}, "0.309", "1.545",
        ),
        # The server chooses the resolution: 5 s * 0.103 to 5 s * 0.569.
        (SIZES, FILM, {"resolution": "auto"}, "0.515", "2.845"),
        # A draft is made at 480p, and the final video at 1080p with the length of the draft, 3 to 15 s.
        (SIZES, FILM, {"draft": True}, "0.515", "0.515"),
        (SIZES, FILM, {"draft_task_id": "a"}, "1.707", "8.535"),
        # One of 5 s and 10 s * 0.2.
        (
            {**VIDEO, "cost_per_second": 0.2},
            object_schema(duration={"type": "string", "enum": ["5s", "10s"]}), {}, "1.0", "2.0",
        ),
        # The clients use the rate with audio, 5 s * 0.3, or that of the resolution, 5 s * 0.231.
        (
            {**VIDEO, "cost_per_second_by_resolution": RATES, "cost_per_second_with_audio": 0.3}, FILM, {},
            "1.155", "1.5",
        ),
        # Without audio, both use that of the resolution; without a table, both use the one with audio.
        (
            {**VIDEO, "cost_per_second_by_resolution": RATES, "cost_per_second_with_audio": 0.3}, FILM,
            {"generate_audio": False}, "1.155", "1.155",
        ),
        ({**VIDEO, "cost_per_second": 0.2, "cost_per_second_with_audio": 0.3}, FILM, {}, "1.5", "1.5"),
        # A model without the parameter may have audio or not: 5 s * 0.2 to 5 s * 0.3.
        (
            {**VIDEO, "cost_per_second": 0.2, "cost_per_second_with_audio": 0.3}, UPSCALER,
            {"duration": 5}, "1.0", "1.5",
        ),
        # The vendor bills 2k and 4k as high resolution; one client 1080p and 1440p as well. 10 s each.
        (TOPAZ, UPSCALER, {"duration": 10, "resolution": "4k"}, "1.494", "1.494"),
        (TOPAZ, UPSCALER, {"duration": 10}, "0.374", "1.494"),
        (TOPAZ, UPSCALER, {"duration": 10, "resolution": "1440p"}, "0.374", "1.494"),
        (TOPAZ, UPSCALER, {"duration": 10, "resolution": "720p"}, "0.374", "0.374"),
        # 30 s of sound * 0.003125.
        (SOUND, object_schema(duration={"type": "integer"}), {"duration": 30}, "0.09375", "0.09375"),
    ],
)  # fmt: skip
def test_each_method_gives_the_cost_by_hand(
    pricing: object, schema: object, sent: dict[str, Any], low: str, high: str
) -> None:
    """Each pricing method gives the cost by hand, and a range where it is not determined."""
    estimate = estimate_cost(pricing, schema, sent)
    assert estimate
    assert (estimate.low, estimate.high) == (Decimal(low), Decimal(high))


def counted(minimum: float, maximum: float) -> dict[str, Any]:
    """Return a schema with a number of images."""
    return object_schema(num_images={"type": "integer", "minimum": minimum, "maximum": maximum})


COUNTED = counted(1, 4)
LENGTHS = object_schema(duration={"type": "integer", "default": -1, "minimum": 4, "maximum": 15})
VIDEO_RATE = {**VIDEO, "cost_per_second": 0.1}
CHANGES = {"type": "string", "default": "fast", "description": "Fast is cheaper."}


@pytest.mark.parametrize(
    ("pricing", "schema", "sent", "reason"),
    [
        (None, {}, {}, "the price of the model is not known"),
        ({**IMAGE, "cost_per_image": None}, {}, {}, "the price has an unexpected form: None"),
        ({**IMAGE, "cost_per_image": -1}, {}, {}, "the price has an unexpected form: -1"),
        ({**IMAGE, "cost_per_image": 0.1}, {}, {"num_images": "many"}, "the number of images is not known"),
        # Numbers of images that no request has.
        *(
            ({**IMAGE, "cost_per_image": 0.1}, COUNTED, {"num_images": value}, "the number of images is not")
            for value in (2.5, 0, -1, 10**40, 10**5000, float("inf"), float("nan"), True)
        ),
        ({**IMAGE, "cost_per_image": 0.1}, counted(1.5, 4), {}, "the number of images is not known"),
        ({**IMAGE, "cost_per_image": 0.1}, counted(1, 4.5), {}, "the number of images is not known"),
        # Lengths that no video has.
        *(
            (VIDEO_RATE, LENGTHS, {"duration": value}, "the length of the video is not known")
            for value in (0, -3, 10**40, 10**5000, "long", "-5s", float("inf"), float("nan"), True)
        ),
        # Tables without a rate.
        ({**IMAGE, "cost_per_image_grid": {"high": {}}}, {}, {}, "the price has no size"),
        ({**TIERS, "cost_per_image_grid": {**GRID, "max": {}}}, {}, {}, "the price has no size"),
        (TIERS, {}, {"quality": "max"}, "the price has no quality 'max'"),
        (
            TIERS,
            {},
            {"quality": "low", "resolution": "4K"},
            "the price has no resolution '4K'",
        ),
        ({**VIDEO, "cost_per_second": 0.2}, {}, {}, "the length of the video is not known before the call"),
        (
            {**VIDEO, "cost_per_second_by_resolution": RATES, "cost_per_second": 0.2},
            FILM,
            {"resolution": "4k"},
            "the price has no resolution '4k'",
        ),
        (SOUND, {}, {}, "the length of the sound is not known before the call"),
        (
            {"method": "per_provider_credit", "cost_per_credit": 0.08},
            {},
            {},
            "the number of provider credits is not known before the call",
        ),
        (
            {"method": "token", "input_cost_per_token": 1e-6},
            {},
            {},
            "the number of tokens is not known before the call",
        ),
        (
            {"method": "time", "cost_per_second": 1},
            {},
            {},
            "the seconds of compute are not known before the call",
        ),
        ({"method": "per_pixel"}, {}, {}, "the price has an unknown method: 'per_pixel'"),
        # Parameters whose effect on the price is only described in words.
        (
            {**IMAGE, "cost_per_image": 0.1},
            object_schema(mode=CHANGES),
            {"mode": "pro"},
            "mode changes the price",
        ),
        (
            {**VIDEO, "cost_per_second": 0.1},
            object_schema(context={"description": "Billed as well."}),
            {},
            "context changes the price",
        ),
    ],
)
def test_undetermined_cost_has_a_reason(
    pricing: object, schema: object, sent: dict[str, Any], reason: str
) -> None:
    """Where the record does not determine the cost there is no number, but a reason."""
    estimate = estimate_cost(pricing, schema, sent)
    assert not estimate
    assert estimate.reason.startswith(reason)
    assert str(estimate).startswith(f"no estimate: {reason}")


FORMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "reference": ({"duration": {"$ref": "#/$defs/d"}}, {"d": FILM["properties"]["duration"]}),
    "member": ({"duration": {"allOf": [{"$ref": "#/$defs/d"}], "default": 5}}, {"d": {"type": "integer"}}),
    "alternative": ({"duration": {"anyOf": [{"type": "null"}, {"type": "integer", "default": 5}]}}, {}),
    "choice": ({"duration": {"anyOf": [{"enum": [5, "Auto"]}, {"type": "null"}], "default": 5}}, {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_default_in_any_form_is_found(form: str) -> None:
    """References, `allOf` and an alternative to null have the meaning of the schema that they stand for."""
    properties, definitions = FORMS[form]
    schema = {**object_schema(**properties), "$defs": definitions}
    assert str(estimate_cost({**VIDEO, "cost_per_second": 0.2}, schema, {})) == "$1"


@pytest.mark.parametrize("auto", ["auto", "Auto", "AUTO", None])
def test_choices_without_the_automatic_one_are_priced(auto: str | None) -> None:
    """An option that leaves the choice to the server, in any case of its letters, has no price of its own."""
    schema = object_schema(resolution={"enum": ["480p", auto, "720p"], "default": auto})
    estimate = estimate_cost(SIZES, schema, {"duration": 1})
    assert estimate
    assert (estimate.low, estimate.high) == (Decimal("0.103"), Decimal("0.231"))


def test_limits_of_nullable_number_are_found() -> None:
    """The range of a number of images that may be null is that of the number."""
    number = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 4}, {"type": "null"}]}
    estimate = estimate_cost({**IMAGE, "cost_per_image": 0.05}, object_schema(num_images=number), {})
    assert str(estimate) == "$0.05 to $0.20"


SHORT: dict[str, Any] = {"type": "integer", "minimum": 4, "maximum": 15}


@pytest.mark.parametrize(
    ("duration", "cost"),
    [
        ({"enum": [5]}, "$1"),
        ({"const": "5s"}, "$1"),
        ({"enum": [5, None, "auto", -1]}, "$1"),
        ({"oneOf": [{"const": 5}, {"const": 10}]}, "$1 to $2"),
        ({"anyOf": [{"enum": ["auto", 30]}, SHORT]}, "$0.80 to $6"),
        ({"anyOf": [SHORT, {"const": "auto"}, {"type": "null"}]}, "$0.80 to $3"),
        # The server may choose a value whose length is not known.
        ({"enum": [5, "long", 10]}, "no estimate"),
        ({"enum": [5, 10, 0]}, "no estimate"),
        ({"enum": ["auto", None]}, "no estimate"),
        ({"anyOf": [SHORT, {"type": "string"}]}, "no estimate"),
        ({"anyOf": [SHORT, True]}, "no estimate"),
        ({**SHORT, "type": ["integer", "string"]}, "no estimate"),
        ({**SHORT, "type": ["integer", "null"]}, "$0.80 to $3"),
        ({**SHORT, "minimum": -1}, "no estimate"),
        ({"type": "integer", "minimum": 4}, "no estimate"),
    ],
    ids=json.dumps,
)
def test_length_that_the_server_chooses(duration: dict[str, Any], cost: str) -> None:
    """Without a value or a default, the cost is that of all lengths, or unknown if one of them is."""
    estimate = estimate_cost({**VIDEO, "cost_per_second": 0.2}, object_schema(duration=duration), {})
    assert str(estimate).partition(":")[0] == cost


@pytest.mark.parametrize(
    ("images", "cost"), [([2, 4], "$0.10 to $0.20"), ([3], "$0.15"), ([1, "many"], "no estimate")]
)
def test_number_that_the_server_chooses(images: list[Any], cost: str) -> None:
    """Without a value or a default, the cost is that of all numbers of images, or unknown if one is."""
    schema = object_schema(num_images={"enum": images})
    estimate = estimate_cost({**IMAGE, "cost_per_image": 0.05}, schema, {})
    assert str(estimate).partition(":")[0] == cost


def test_described_price_at_its_default_is_the_base() -> None:
    """A parameter that changes the price does not at its default, and one "at the same price" never does."""
    same = {"description": "Slower, at the same price."}
    schema = object_schema(mode=CHANGES, thinking=same)
    estimate = estimate_cost({**IMAGE, "cost_per_image": 0.1}, schema, {"mode": "fast", "thinking": "high"})
    assert str(estimate) == "$0.10"


def test_estimate_states_its_basis() -> None:
    """The basis names quantities, rates and the reason of a range."""
    estimate = estimate_cost(TOPAZ, UPSCALER, {"duration": 10})
    assert estimate == Estimate(
        Decimal("0.374"),
        Decimal("1.494"),
        "USD",
        "10 seconds at $0.0374 to $0.1494 per second (the general rate to high resolution 1080p; clients of "
        "the API disagree whether 1080p is a high resolution)",
    )
    assert str(estimate) == "$0.374 to $1.494"


def test_estimate_counts_generations() -> None:
    """With several jobs of one request, all of them are counted."""
    estimate = QwenImage3Request(prompt="x", num_images=2).estimate(num_generations=4)
    # 4 jobs * 2 images * 0.039
    assert estimate
    assert (estimate.low, estimate.high) == (Decimal("0.312"),) * 2
    assert estimate.basis == "4 results, each of 2 images at $0.039 per image"
    with pytest.raises(ConfigurationError, match="num_generations must be a positive integer, got 0"):
        ZImageTurboRequest(prompt="x").estimate(0)


def test_model_without_a_price_has_no_estimate() -> None:
    """A model without a recorded price, or outside the package, has no estimate and no number."""
    assert BytedanceSeedAudio10Request(prompt="x").estimate() == NoEstimate(
        "the price of the model is not known"
    )
    assert UntypedRequest("acme/x", "/images/generate", {}).estimate() == NoEstimate(
        "the package has no model 'acme/x'"
    )


def test_chat_has_no_estimate() -> None:
    """A chat request has a reason in place of an estimate, as every request."""
    assert ChatRequestBase(model="gpt-4o").estimate() == NoEstimate("the price of the model is not known")


def test_subclass_is_estimated_like_its_base() -> None:
    """A subclass of a generated request has the price of its model."""

    class Hat(ZImageTurboRequest):
        """A request of the user's own."""

    assert str(Hat(prompt="x").estimate()) == "$0.01"
    assert str(UntypedRequest("z-image-turbo", "/images/generate", {"prompt": "x"}).estimate()) == "$0.01"
