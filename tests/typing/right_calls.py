"""Calls that both type checkers have to accept. Never run."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, assert_type

import httpx
from oxen_models import (
    OMIT,
    AnyModel,
    AnyRequest,
    AsyncImageResult,
    AsyncOxen,
    AsyncSomeResult,
    AudioResult,
    Generation,
    ImageInput,
    ImageResult,
    InvalidRequestError,
    Job,
    JobStatus,
    JobTimeout,
    MediaType,
    Omit,
    Oxen,
    OxenError,
    RawResponse,
    Request,
    SomeRequest,
    SomeResult,
    VideoResult,
    catalog,
    schema,
)
from oxen_models.images import QwenImageEditPlusRequest, QwenImageRequest
from oxen_models.testing import Hub
from PIL import Image as pil


def media(oxen: Oxen, urls: list[str], picture: pil.Image, some: Sequence[ImageInput]) -> None:
    edit = oxen.images.qwen_image_edit_plus.edit
    edit(prompt="x", input_image=urls)
    edit(prompt="x", input_image=("a.png", Path("b.png"), b"c", io.BytesIO(b"d"), picture))
    edit(prompt="x", input_image=some)
    with open("dog.png", "rb") as file:
        edit(prompt="x", input_image=[file])


def left_out(oxen: Oxen, ratio: Literal["16:9", "1:1"] | None, shape: Literal["16:9"] | Omit) -> ImageResult:
    return oxen.images.qwen_image_edit_plus.edit(
        prompt="x",
        input_image=["a"],
        aspect_ratio=ratio if ratio is not None else OMIT,
        output_format="png",
        response_format="b64_json",
        extra_body={"beta": True},
        timeout=3,
    ) or oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"], aspect_ratio=shape)


def jobs(oxen: Oxen) -> None:
    stub = oxen.images.qwen_image_edit_plus
    job = stub.submit(prompt="x", input_image=["a"], target_repo="me/hats", target_directory="new")
    assert_type(job, Job[ImageResult])
    assert_type(job.result(timeout=3, on_status=print, cancel_on_timeout=True), ImageResult)
    assert_type(stub.submit_many(num_generations=2, prompt="x", input_image=["a"]), list[Job[ImageResult]])
    assert_type(oxen.job("id"), Job[ImageResult | VideoResult])
    any_job: Job[ImageResult | VideoResult] = job
    assert_type(any_job.refresh().status, str)
    assert_type([each.cost for each in oxen.generations()], list[Decimal | None])
    raw = stub.with_raw_response.edit(prompt="x", input_image=["a"])
    assert_type(raw, RawResponse[ImageResult])
    assert_type(raw.parse(), ImageResult)
    for outcome in oxen.run_many(
        [QwenImageEditPlusRequest(prompt="x", input_image=["a"])], journal="j.jsonl"
    ):
        assert_type(outcome.result, ImageResult | VideoResult | AudioResult | None)


async def jobs_to_await(oxen: AsyncOxen) -> None:
    stub = oxen.images.qwen_image_edit_plus
    job = await stub.submit(prompt="x", input_image=["a"])
    assert_type(await job.result(), AsyncImageResult)
    async for generation in oxen.generations():
        assert_type(generation, Generation)
    raw = await stub.with_raw_response.edit(prompt="x", input_image=["a"])
    assert_type(raw.parse(), AsyncImageResult)


def by_id(oxen: Oxen, picture: pil.Image, more: dict[str, Any]) -> None:
    model = oxen.model("any-id")
    assert_type(model, AnyModel)
    assert_type(model.edit(prompt="x", input_image=[picture], timeout=3, colour=None), ImageResult)
    assert_type(model.generate(**more, extra_body={"beta": True}), ImageResult | VideoResult)
    assert_type(model.speak(prompt="x"), AudioResult)
    assert_type(model.submit(prompt="x", target_repo="me/hats").result(), ImageResult | VideoResult)
    assert_type(model.submit_many(num_generations=2, prompt="x"), list[Job[ImageResult | VideoResult]])
    assert_type(model.request(prompt="x"), AnyRequest)
    for outcome in oxen.run_many([model.request(prompt="x"), QwenImageRequest(prompt="x")]):
        assert_type(outcome.request, Request | AnyRequest)
    assert_type(schema("qwen-image"), dict[str, Any])
    assert_type(QwenImageRequest.model_json_schema(), dict[str, Any])


async def by_id_to_await(oxen: AsyncOxen) -> None:
    assert_type(await oxen.model("any-id").edit(prompt="x"), AsyncImageResult)
    assert_type(await oxen.model("any-id").request(prompt="x"), AnyRequest)


def results(oxen: Oxen) -> None:
    image = oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"])
    assert_type(image, ImageResult)
    assert_type(image.images[0].url, str | None)
    assert_type(image.images[0].read(), bytes)
    assert_type(image.images[0].save("hat.png"), Path)
    assert_type(image.created, int | None)
    assert_type(oxen.audio.bytedance_seed_audio_1_0.speak(prompt="hi"), AudioResult)
    assert_type(oxen.videos.topazlabs_proteus_video.generate(input_video="a", target_fps=23.976), VideoResult)


async def awaited() -> None:
    async with AsyncOxen(api_key="k", http_client=httpx.AsyncClient()) as oxen:
        result = await oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"])
        assert_type(result, AsyncImageResult)
        assert_type(await result.images[0].save("hat.png"), Path)


def values() -> Request:
    request = QwenImageEditPlusRequest(prompt="x", input_image=["a"])
    assert_type(request.model_id, str)
    assert_type(QwenImageEditPlusRequest.from_body(request.body()), QwenImageEditPlusRequest)
    return request


def errors(oxen: Oxen) -> ValueError | OxenError:
    try:
        left_out(oxen, "16:9", OMIT)
    except InvalidRequestError as error:
        return error
    return ValueError()


def taken_up(oxen: Oxen, job: Job[ImageResult]) -> Job[ImageResult | VideoResult] | ImageResult:
    try:
        return job.result(timeout=3)
    except JobTimeout as error:
        return oxen.job(error.generation_id)


def filtered(oxen: Oxen, status: JobStatus, medium: MediaType) -> list[Job[ImageResult | VideoResult]]:
    oxen.generations(status="failed", media_type=medium)
    return oxen.jobs(status=status, media_type="video")


def pictured(oxen: Oxen, requests: Iterable[SomeRequest]) -> list[SomeResult]:
    return [outcome.result for outcome in oxen.run_many(requests) if outcome.result]


async def pictured_to_await(oxen: AsyncOxen, requests: list[SomeRequest]) -> list[AsyncSomeResult]:
    return [outcome.result async for outcome in oxen.run_many(requests) if outcome.result]


def listed() -> list[str]:
    return [model.id for model in catalog.models(family="images", input="image", bound=True)]


def stand_in() -> None:
    with Hub() as hub, Oxen("any", base_url=hub.url, timeout=10) as oxen:
        results(oxen)
