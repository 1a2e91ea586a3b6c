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
    AnyResult,
    AsyncAnyResult,
    AsyncImage,
    AsyncImageResult,
    AsyncJob,
    AsyncOxen,
    AudioResult,
    Generation,
    Image,
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
    Request,
    RequestLike,
    RequestOptions,
    UntypedRequest,
    VideoResult,
    catalog,
    compare,
    schema,
)
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.chat import (
    ChatMessage,
    ChatMessageDict,
    ChatPartDict,
    ChatRequest,
    Completion,
    Message,
    Usage,
)
from oxen_models.images import QwenImageEditPlus, QwenImageEditPlusRequest, QwenImageRequest
from oxen_models.testing import Hub
from oxen_models.videos import TopazlabsProteusVideoRequest
from PIL import Image as pil


class Array:
    """An object like an array of numpy."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {}


class Integer:
    """An object like an integer of numpy."""

    def __index__(self) -> int:
        return 1


class Float:
    """An object like a float of numpy."""

    def __float__(self) -> float:
        return 1


def media(oxen: Oxen, urls: list[str], picture: pil.Image, some: Sequence[ImageInput]) -> None:
    edit = oxen.images.qwen_image_edit_plus.edit
    edit(prompt="x", input_image=urls)
    edit(prompt="x", input_image=("a.png", Path("b.png"), b"c", io.BytesIO(b"d"), picture))
    edit(prompt="x", input_image=some)
    edit(prompt="x", input_image=[bytearray(b"a"), memoryview(b"b"), Array()])
    made = edit(prompt="x", input_image=["a"])
    edit(prompt="x", input_image=[made.images[0], made.image, made[0]])
    with open("dog.png", "rb") as file:
        edit(prompt="x", input_image=[file])


def uploads(picture: pil.Image) -> None:
    oxen = Oxen(uploads=True, max_inline=1_000_000)
    for file in ("dog.mp4", Path("dog.png"), b"dog", io.BytesIO(), picture):
        assert_type(oxen.upload(file), str)
    Oxen(uploads="studio/inputs")


def numbers(oxen: Oxen) -> None:
    oxen.images.qwen_image.generate(prompt="x", seed=Integer(), guidance=Float())
    QwenImageRequest(prompt="x", seed=Integer(), guidance=Float())
    oxen.videos.topazlabs_proteus_video.generate(input_video=memoryview(b"a"), target_fps=Float())


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
    job = stub.submit(prompt="x", input_image=["a"], timeout=3, extra_headers={"x-mark": "m"})
    assert_type(job, Job[ImageResult])
    assert_type(job.result(timeout=3, on_status=print, cancel_on_timeout=True), ImageResult)
    assert_type(oxen.job("id"), Job[AnyResult])
    any_job: Job[ImageResult | VideoResult] = job
    assert_type(any_job.refresh().status, str)
    assert_type([generation.cost for generation in oxen.generations()], list[Decimal | None])
    for outcome in oxen.run_many(
        [QwenImageEditPlusRequest(prompt="x", input_image=["a"])], journal="j.jsonl"
    ):
        assert_type(outcome.result, ImageResult | VideoResult | AudioResult | None)


def requests_as_values(oxen: Oxen, any_request: RequestLike, options: RequestOptions) -> None:
    image = QwenImageEditPlusRequest(prompt="x", input_image=["a"])
    video = TopazlabsProteusVideoRequest(input_video="a")
    assert_type(oxen.run(image), ImageResult)
    assert_type(oxen.run(video, timeout=3, extra_headers={"x-mark": "m"}), VideoResult)
    assert_type(oxen.run(BytedanceSeedAudio10Request(prompt="x"), extra_body={"beta": 1}), AudioResult)
    assert_type(oxen.run(any_request, **options), ImageResult | VideoResult | AudioResult)
    assert_type(oxen.submit(image), Job[ImageResult])
    assert_type(oxen.submit(image, num_generations=4), list[Job[ImageResult]])
    assert_type(oxen.submit(video, extra_body={"beta": 1}), Job[VideoResult])
    jobs = oxen.submit(any_request, num_generations=4)
    assert_type(jobs, list[Job[ImageResult]] | list[Job[VideoResult]] | list[Job[AudioResult]])
    assert_type([job.result() for job in jobs], list[AnyResult])
    assert_type(oxen.submit(oxen.model("any-id").request(prompt="x")), Job[AnyResult])
    assert_type(oxen.submit(BytedanceSeedAudio10Request(prompt="x")), Job[AudioResult])
    assert_type(oxen.generation("id"), Generation)
    other = oxen.with_options(target_repo="me/hats", target_directory="new", timeout=3)
    assert_type(other.submit(image), Job[ImageResult])


async def requests_as_values_to_await(oxen: AsyncOxen) -> None:
    image = QwenImageEditPlusRequest(prompt="x", input_image=["a"])
    assert_type(await oxen.run(image), AsyncImageResult)
    assert_type(await oxen.submit(image), AsyncJob[AsyncImageResult])
    assert_type(await oxen.submit(image, num_generations=4), list[AsyncJob[AsyncImageResult]])


def wrapped(model: QwenImageEditPlus, sync: QwenImageEditPlus[ImageResult, Job[ImageResult]]) -> ImageResult:
    model.edit(prompt="x", input_image=["a"])
    return sync.submit(prompt="x", input_image=["a"]).result()


async def jobs_to_await(oxen: AsyncOxen) -> None:
    stub = oxen.images.qwen_image_edit_plus
    job = await stub.submit(prompt="x", input_image=["a"])
    assert_type(await job.result(), AsyncImageResult)
    async for generation in oxen.generations():
        assert_type(generation, Generation)


def by_id(oxen: Oxen, picture: pil.Image, more: dict[str, Any]) -> None:
    model = oxen.model("any-id")
    assert_type(model, AnyModel)
    assert_type(model.edit(prompt="x", input_image=[picture], timeout=3, colour=None), ImageResult)
    assert_type(model.generate(**more, extra_body={"beta": True}), ImageResult | VideoResult)
    assert_type(model.speak(prompt="x"), AudioResult)
    assert_type(model.generate({"cfg-scale": 0.5}, prompt="x", timeout=3), ImageResult | VideoResult)
    assert_type(model.submit(prompt="x").result(), AnyResult)
    assert_type(model.request(prompt="x"), UntypedRequest)
    for outcome in oxen.run_many([model.request(prompt="x"), QwenImageRequest(prompt="x")]):
        assert_type(outcome.request, Request | UntypedRequest)
    assert_type(schema("qwen-image"), dict[str, Any])
    assert_type(QwenImageRequest.model_json_schema(), dict[str, Any])


async def by_id_to_await(oxen: AsyncOxen) -> None:
    assert_type(await oxen.model("any-id").edit(prompt="x"), AsyncImageResult)
    assert_type(await oxen.model("any-id").request(prompt="x"), UntypedRequest)


def results(oxen: Oxen) -> None:
    image = oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"])
    assert_type(image, ImageResult)
    assert_type(image.images[0].url, str | None)
    assert_type(image.images[0].read(), bytes)
    assert_type(image.images[0].save("hat.png"), Path)
    assert_type(image.images[0].save("folder/hat.png", parents=True), Path)
    assert_type(image.images[0].mime, str)
    assert_type(image.image, Image)
    assert_type(image[0], Image)
    assert_type(list(image), list[Image])
    assert_type(len(image), int)
    assert_type(image.save_all("folder", "{index}_{id}.{ext}"), list[Path])
    with open("hat.png", "wb") as file:
        image.image.save(file)
    image.image.save(io.BytesIO())
    assert_type(image.created, int | None)
    assert_type(oxen.audio.bytedance_seed_audio_1_0.speak(prompt="hi"), AudioResult)
    assert_type(oxen.videos.topazlabs_proteus_video.generate(input_video="a", target_fps=23.976), VideoResult)


async def awaited() -> None:
    async with AsyncOxen(api_key="k", http_client=httpx.AsyncClient()) as oxen:
        result = await oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"])
        assert_type(result, AsyncImageResult)
        assert_type(await result.images[0].save("hat.png"), Path)
        assert_type(await result.image.save(Path("hats"), parents=True), Path)
        assert_type(await result.save_all("hats"), list[Path])
        assert_type(list(result), list[AsyncImage])
        await oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[result.image])


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


def taken_up(oxen: Oxen, job: Job[ImageResult]) -> Job[AnyResult] | ImageResult:
    try:
        return job.result(timeout=3)
    except JobTimeout as error:
        return oxen.job(error.generation_id)


def filtered(oxen: Oxen, status: JobStatus, medium: MediaType) -> list[Job[AnyResult]]:
    oxen.generations(status="failed", media_type=medium)
    return oxen.jobs(status=status, media_type="video")


def pictured(oxen: Oxen, requests: Iterable[RequestLike]) -> list[AnyResult]:
    return [outcome.result for outcome in oxen.run_many(requests) if outcome.result]


async def pictured_to_await(oxen: AsyncOxen, requests: list[RequestLike]) -> list[AsyncAnyResult]:
    return [outcome.result async for outcome in oxen.run_many(requests) if outcome.result]


def listed() -> list[str]:
    return [model.id for model in catalog.models(family="images", input="image", typed=True)]


def compared(oxen: Oxen) -> list[AnyResult | None]:
    plan = compare.plan(["z-image-turbo", "ideogram-v4"], prompt="x", seed=1)
    oxen.compare(plan, budget=1, unpriced="allow")
    comparison = oxen.compare(
        models=["qwen-image-edit"], prompt="x", image=[Path("dog.png")], resolution="1K"
    )
    comparison.save(Path("sheet.png"), columns=2)
    return [item.result for item in comparison]


async def compared_to_await(oxen: AsyncOxen) -> list[AsyncAnyResult | None]:
    comparison = await oxen.compare(["z-image-turbo"], prompt="x", progress=True)
    await comparison.save("sheet.png")
    return [item.result for item in comparison]


def stand_in() -> None:
    with Hub() as hub, Oxen("any", base_url=hub.url, timeout=10) as oxen:
        results(oxen)


def chat(oxen: Oxen, text: str, model: str) -> None:
    answer = oxen.chat.complete(model="claude-sonnet-5", messages=[{"role": "user", "content": text}])
    assert_type(answer, Completion)
    messages: list[ChatMessage | ChatMessageDict | Message] = [{"role": "system", "content": "Be brief."}]
    messages.append(answer.message)
    messages.append(ChatMessage(role="user", content=text))
    picture: ChatPartDict = {"type": "image_url", "image_url": {"url": Path("dog.png")}}
    oxen.chat.complete(
        model=model,
        messages=[*messages, {"role": "user", "content": [picture, {"type": "text", "text": text}]}],
        temperature=0,
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        tool_choice="auto",
        response_format={"type": "json_object"},
        timeout=3,
    )
    with oxen.chat.stream(model=model, messages=messages, include_usage=True) as chunks:
        assert_type([chunk.text for chunk in chunks], list[str])
    request = ChatRequest(model="any", messages=[{"role": "user", "content": text}])
    assert_type(oxen.run(request), Completion)
    for outcome in oxen.run_many([request, request]):
        assert_type(outcome.result, Completion | None)
    mixed: list[ChatRequest | QwenImageRequest] = [request, QwenImageRequest(prompt="x")]
    for either in oxen.run_many(mixed):
        assert_type(either.result, ImageResult | VideoResult | AudioResult | Completion | None)


async def chat_async(oxen: AsyncOxen) -> None:
    answer = await oxen.chat.complete(model="gpt-4o", messages=[{"role": "user", "content": "x"}])
    assert_type(answer, Completion)
    async with oxen.chat.stream(model="gpt-4o", messages=[]) as chunks:
        async for chunk in chunks:
            assert_type(chunk.usage, Usage | None)
