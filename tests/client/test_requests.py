"""Requests are valid values; a call with an invalid value raises, and sends nothing."""

from __future__ import annotations

import copy
import pickle
from collections import UserList, deque
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from helpers.compile import compile_request
from helpers.media_inputs import HAT, URL, WAV, edit
from oxen_models import OMIT, ConfigurationError, InvalidRequestError, Oxen, OxenError, Request
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.chat import ChatRequest
from oxen_models.images import QwenImageEdit2511Request, QwenImageEditPlusRequest
from oxen_models.testing import Hub
from oxen_models.videos import (
    BytedanceSeedance20TextToVideoRequest,
    LumaRayV32ReframeRequest,
    TopazlabsProteusVideoRequest,
    WanV27EditVideoRequest,
)
from pydantic import ValidationError


def expect_invalid(run: ClientRunner, hub: Hub, *steps: Callable[[Any], Any]) -> InvalidRequestError:
    """Return the error of a call, and check that nothing was sent."""
    with pytest.raises(InvalidRequestError) as caught:
        run(*steps, base_url=hub.url)
    assert hub.requests == []
    # Values may be large or secret, so no other error keeps a reference to them.
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value


def test_body_has_the_given_parameters() -> None:
    """The body is the model id and the given parameters; what is omitted is not in it."""
    request = QwenImageEditPlusRequest(**HAT, aspect_ratio="16:9", negative_prompt=OMIT)
    assert request.body() == {"model": "qwen-image-edit-plus", **HAT, "aspect_ratio": "16:9"}
    assert repr(request) == (
        f"QwenImageEditPlusRequest(prompt='Add a hat', input_image=['{URL}'], aspect_ratio='16:9')"
    )


def test_body_has_the_wire_names() -> None:
    """Python names are identifiers; bodies have the names of the schema."""
    schema = {"type": "object", "properties": {"from": {"type": "string"}, "cfg-scale": {"type": "number"}}}
    kind = compile_request(schema)
    body = {"model": "a-model", "from": "here", "cfg-scale": 0.5}
    request = kind.from_body(body)
    assert request.body() == body
    in_python = dict(request)
    assert all(name.isidentifier() for name in in_python)
    assert kind(**in_python) == request
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        kind.from_body(in_python)


def test_from_body_inverts_body() -> None:
    """`from_body` returns an equal request, and validates."""
    request = QwenImageEditPlusRequest(**HAT, output_format="jpg")
    assert QwenImageEditPlusRequest.from_body(request.body()) == request
    with pytest.raises(ValidationError, match="input_image"):
        QwenImageEditPlusRequest.from_body({"model": request.model_id, "prompt": "x"})


def test_from_body_rejects_another_model() -> None:
    """The body of another model raises ValueError."""
    body = QwenImageEdit2511Request(**HAT).body()
    with pytest.raises(ValueError, match="qwen-image-edit-2511"):
        QwenImageEditPlusRequest.from_body(body)


def test_equality_compares_model_and_parameters() -> None:
    """Requests are equal if the model and all parameters are."""
    request = QwenImageEditPlusRequest(**HAT)
    other_model: Request = QwenImageEdit2511Request(**HAT)
    assert dict(other_model) == dict(request)
    assert request != other_model
    assert request == QwenImageEditPlusRequest(prompt="Add a hat", input_image=(URL,))
    assert request != QwenImageEditPlusRequest(**HAT, aspect_ratio="16:9")
    assert request != QwenImageEditPlusRequest(prompt="Add a cap", input_image=[URL])


def copy_by_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("copied", [copy_by_pickle, copy.deepcopy, copy.copy])
def test_copy_omits_what_was_omitted(copied: Callable[[Request], Request]) -> None:
    """Copies and pickles of a request are equal to it, and omit the same parameters."""
    request = QwenImageEditPlusRequest(**HAT, aspect_ratio="1:1")
    twin = copied(request)
    assert twin is not request
    assert (twin, twin.body(), repr(twin)) == (request, request.body(), repr(request))


def test_request_is_immutable() -> None:
    """Neither assignment nor changes of the given list change a request."""
    given = [URL]
    request = QwenImageEditPlusRequest(prompt="x", input_image=given)
    given.append("later")
    for name in ("prompt", "colour"):
        with pytest.raises((ValidationError, AttributeError)):
            setattr(request, name, "y")
    assert request.body() == {"model": "qwen-image-edit-plus", "prompt": "x", "input_image": [URL]}


def test_unknown_parameter_is_rejected(run: ClientRunner, hub: Hub) -> None:
    """A parameter that the schema does not define raises, in a request and in a call."""
    misspelt: dict[str, Any] = {**HAT, "colour": "red"}
    with pytest.raises(ValidationError, match="colour"):
        QwenImageEditPlusRequest(**misspelt)
    with pytest.raises(TypeError, match="colour"):
        run(edit(colour="red"), base_url=hub.url)
    assert hub.requests == []


@pytest.mark.async_values
@pytest.mark.parametrize("value", ["qwen-image", {"prompt": "x"}, QwenImageEditPlusRequest, None])
@pytest.mark.parametrize("call", ["run", "submit"])
def test_value_that_is_no_request_is_rejected(run: ClientRunner, hub: Hub, call: str, value: Any) -> None:
    """Only requests can be run and submitted, not an id, a body or the class of a request."""
    with pytest.raises(TypeError, match=f"request must be a .*Request, got {type(value).__name__}"):
        run(lambda oxen: getattr(oxen, call)(value), base_url=hub.url)
    assert hub.requests == []


def test_chat_request_cannot_be_queued(run: ClientRunner, hub: Hub) -> None:
    """The queue has no chat models; the error names the calls that accept a chat request."""
    request = ChatRequest(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
    error = run.expect_error(
        ConfigurationError,
        lambda oxen: oxen.submit(request),
        base_url=hub.url,
    )
    assert str(error) == "a chat request cannot be queued: call run() or run_many()"
    assert hub.requests == []


class Case:
    """A parameter of a request class, with the other required parameters, and its call."""

    def __init__(self, request: type[Request], call: str, name: str, **rest: Any) -> None:
        self.request, self.call, self.name, self.rest = request, call, name, rest

    def body(self, value: object) -> dict[str, Any]:
        return self.request(**{**self.rest, self.name: value}).body()

    def make_call(self, value: object) -> Callable[[Any], Any]:
        return lambda oxen: attrgetter(self.call)(oxen)(**{**self.rest, self.name: value})


PITCH, SPEED = (
    Case(BytedanceSeedAudio10Request, "audio.bytedance_seed_audio_1_0.speak", name, prompt="x")
    for name in ("pitch", "speed")
)
FPS, INTERPOLATE = (
    Case(TopazlabsProteusVideoRequest, "videos.topazlabs_proteus_video.generate", name, input_video=URL)
    for name in ("target_fps", "interpolate_frames")
)
SHAPE, AVOID, PICTURES = (
    Case(QwenImageEditPlusRequest, "images.qwen_image_edit_plus.edit", name, **HAT)
    for name in ("aspect_ratio", "negative_prompt", "input_image")
)
AUTO = Case(
    BytedanceSeedance20TextToVideoRequest, "videos.bytedance_seedance_2_0_text_to_video.generate", "duration",
    prompt="x",
)  # fmt: skip
WHOLE = Case(
    WanV27EditVideoRequest, "videos.wan_v2_7_edit_video.generate", "duration", prompt="x", input_video=URL
)
PLACE = Case(
    LumaRayV32ReframeRequest, "videos.luma_ray_v3_2_reframe.generate", "source_position",
    prompt="x", input_video=URL, aspect_ratio="1:1",
)  # fmt: skip
NAN = float("nan")


SEQUENCES: list[Callable[[list[str]], Any]] = [list, tuple, deque, UserList]


@pytest.mark.parametrize(
    ("case", "given", "sent"),
    [
        *((PITCH, number, number) for number in (5, 0, -12, 12)),
        (PITCH, 5.0, 5),
        *((SPEED, number, number) for number in (1, 0.5, 2.0)),
        *((FPS, number, number) for number in (23.976, 29.97, 24, 24.0)),
        *((AUTO, number, number) for number in (-1, 4)),
        *((WHOLE, number, number) for number in (0, 2, 10)),
        (WHOLE, 2.0, 2),
        *((INTERPOLATE, flag, flag) for flag in (True, False)),
        *((AVOID, text, text) for text in ("", " ", "ö 🐂 \x00")),
        *((PICTURES, kind([URL, URL]), [URL, URL]) for kind in SEQUENCES),
        (PICTURES, [], []),
        (PLACE, {"x": [1, 0.5, None, {"y": "z"}]}, {"x": [1, 0.5, None, {"y": "z"}]}),
    ],
)
def test_valid_value_is_sent_as_json(case: Case, given: object, sent: object) -> None:
    """Valid values are sent with the type that the schema asks for."""
    value = case.body(given)[case.name]
    assert value == sent
    # Python has True == 1 == 1.0; JSON writes them differently.
    assert type(value) is type(sent) or {type(value), type(sent)} == {int, float}


@pytest.mark.parametrize(
    ("case", "values"),
    [
        (PITCH, ["5", True, 5.5, 13, -13, NAN, float("inf"), None, [5], 10**400]),
        (SPEED, ["1", True, 0.49, 2.01, NAN, None]),
        (FPS, [23.9, 23, "24", True, NAN, None]),
        (AUTO, ["4", True, 0, 4.5, -2, None]),
        (WHOLE, [False, True, 1, "2", 0.5, None]),
        (INTERPOLATE, [1, 0, "true", None]),
        (SHAPE, ["16:10", "", 16, None, ["16:9"]]),
        (AVOID, [5, None, b"x", ["x"]]),
        (PICTURES, [URL, URL.encode(), {URL}, {URL: 1}, iter([URL]), 5, None, [5], [None], [[URL]]]),
        (PLACE, [[1], "x", None, {"x": NAN}, {"x": {1}}, {1: 2}]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_invalid_value_is_rejected(case: Case, values: list[Any], hub: Hub) -> None:
    """A request raises ValidationError, and a call InvalidRequestError, for each invalid value."""
    with Oxen("key", base_url=hub.url) as oxen:
        for value in values:
            with pytest.raises(ValidationError):
                print(f"{value!r} is accepted as {case.body(value)}")
            with pytest.raises(InvalidRequestError) as caught:
                case.make_call(value)(oxen)
            assert caught.value.problems[0].parameter.startswith(case.name)
    assert hub.requests == []


@pytest.mark.parametrize("name", ["prompt", "extra_body"])
def test_value_that_is_not_json_is_rejected(run: ClientRunner, hub: Hub, name: str) -> None:
    """Lone surrogates, sets and NaN are rejected in parameters and in extra_body."""
    for value in ("half a \ud83d pair", {1}, NAN):
        given = value if name == "prompt" else {"given": value}
        assert f"{name}=" in str(expect_invalid(run, hub, edit(**{name: given})))


@pytest.mark.slow
def test_null_is_accepted_where_nullable() -> None:
    """None is a value where the schema allows null, and differs from an omitted parameter."""
    kind = compile_request({"type": "object", "properties": {"seed": {"type": ["integer", "null"]}}})
    assert kind.from_body({"seed": None}).body() == {"model": "a-model", "seed": None}
    assert kind.from_body({}).body() == {"model": "a-model"}
    assert kind.from_body({"seed": None}) != kind.from_body({})
    with pytest.raises(ValidationError):
        compile_request({"type": "object", "properties": {"seed": {"type": "integer"}}}).from_body(
            {"seed": None}
        )


def test_error_lists_problems_and_suggestions(run: ClientRunner, hub: Hub) -> None:
    """Each problem is a line with the value, what is expected, and a suggestion."""
    error = expect_invalid(run, hub, edit(input_image="dog.png", aspect_ratio="16:10", output_format="PNG"))
    assert str(error).splitlines() == [
        "qwen-image-edit-plus: input_image='dog.png': must be a valid list; "
        "wrap it in a list: input_image=['dog.png']",
        "qwen-image-edit-plus: aspect_ratio='16:10': "
        "must be '1:1', '16:9', '9:16', '4:3', '3:4', '3:2' or '2:3'; did you mean '16:9'?",
        "qwen-image-edit-plus: output_format='PNG': must be 'webp', 'jpg' or 'png'; did you mean 'png'?",
    ]
    assert (error.model_id, error.problems[1].given) == ("qwen-image-edit-plus", "'16:10'")


@pytest.mark.parametrize(
    ("case", "given", "message"),
    [
        (FPS, 23.9, "one of 24, 23.976, 25, 29.97, 30, 50, 59.94, 60; the nearest is 23.976"),
        (AUTO, 16, "must be less than or equal to 15, or must be -1"),
        (PITCH, 13, "bytedance-seed-audio-1-0: pitch=13: must be less than or equal to 12"),
        (SHAPE, "oval", "aspect_ratio='oval': must be '1:1', '16:9', '9:16', '4:3', '3:4', '3:2' or '2:3'"),
    ],
)
def test_error_suggests_the_nearest_option(case: Case, given: object, message: str, hub: Hub) -> None:
    """The suggestion is the most similar option, or the nearest number."""
    assert str(expect_invalid(ClientRunner(asynchronous=False), hub, case.make_call(given))).endswith(message)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"prompt": "x", "input_images": [URL] * 4}, "must have at most 3 items, got 4"),
        ({"prompt": "x", "seed": [1]}, "must be a valid integer"),
    ],
)
def test_error_counts_the_items_of_a_list(
    run: ClientRunner, hub: Hub, parameters: dict[str, Any], message: str
) -> None:
    """A limit of items is stated in the words of other limits, without those of pydantic."""
    error = expect_invalid(run, hub, lambda oxen: oxen.images.qwen_image_3.generate(**parameters))
    assert str(error).endswith(f": {message}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "huge", [WAV + bytes(5_000_000), f"data:image/png;base64,{'A' * 7_000_000}", "x" * 5_000_000]
)
def test_error_truncates_large_values(hub: Hub, huge: Any) -> None:
    """Values of megabytes do not make errors large."""
    error = expect_invalid(
        ClientRunner(asynchronous=False), hub, edit(prompt=[huge], input_image=huge, aspect_ratio=huge)
    )
    assert len(str(error)) + len(repr(error)) + len(pickle.dumps(error)) < 6000


def test_error_is_a_value_error_and_pickles(run: ClientRunner, hub: Hub) -> None:
    """InvalidRequestError is an OxenError and a ValueError, and can be pickled."""
    error = expect_invalid(run, hub, edit(prompt=5, aspect_ratio="16:10"))
    assert {OxenError, ValueError} <= set(InvalidRequestError.__mro__)
    twin = copy_by_pickle(error)
    assert (type(twin), str(twin), twin.model_id) == (type(error), str(error), error.model_id)
    assert twin.problems == error.problems
