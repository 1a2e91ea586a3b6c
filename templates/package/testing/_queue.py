"""The queue: jobs come in, are asked for and are cancelled."""

import base64
import time
import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal

import anyio
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._check import body_of, outputs_of
from ._downloads import Downloads
from ._errors import Refusal
from ._events import EventStream
from ._jobs import TARGETS, Job
from ._json import JSON, json_answer
from ._media import Media
from ._models import Model
from ._runner import Runner
from ._state import State

_SILENCE = 15.0

# Time enough for a client on this machine to read an event that comes before its answer.
_HEAD_START = 0.05


def queue_routes(state: State, downloads: Downloads) -> list[Route]:
    queue = _Queue(state, downloads)

    async def events(request: Request) -> Response:
        return EventStream(state.broadcast, state.faults, state.scaled(_SILENCE))

    return [
        Route("/api/ai/queue", queue.enqueue, methods=["POST"]),
        Route("/api/ai/queue", queue.list),
        Route("/api/ai/queue/{id}", queue.cancel, methods=["DELETE"]),
        Route("/api/ai/queue/{id}", queue.one),
        Route("/api/ai/generations", queue.history),
        Route("/api/events", events),
    ]


class _Queue:
    def __init__(self, state: State, downloads: Downloads) -> None:
        self._state = state
        self._downloads = downloads
        self._runner = Runner(state)

    async def enqueue(self, request: Request) -> Response:
        body = body_of(request, await request.body())
        own = self._state.checks.common(body, queue=True)
        model = self._state.checks.model(str(body["model"]))
        media = _queued_media(model)
        targets = {name: body[name] for name in TARGETS if name in body}
        count = body.get("num_generations", 1)
        assert isinstance(count, int)
        jobs = [
            Job(str(uuid.uuid4()), model, media, number, own, targets, int(time.time()))
            for number in range(count)
        ]
        answer: JSON = {"generations": [{"generation_id": job.id, "status": "queued"} for job in jobs]}
        early = False
        for job in jobs:
            if self._state.faults.draw("events-early"):
                await self._runner.run_now(job)
                early = True
            else:
                self._runner.enqueue(job)
        if early:
            await anyio.sleep(_HEAD_START)
        return json_answer(answer)

    async def list(self, request: Request) -> Response:
        asked = request.query_params
        jobs = self._state.jobs.all() if "status" in asked else self._state.jobs.active()
        told = [await self._told(job, brief=True) for job in _matching(jobs, asked)]
        return json_answer({"count": len(told), "generations": [*told]})

    async def one(self, request: Request) -> Response:
        job = self._job(request)
        if not job.active and self._state.faults.draw("job-not-found"):
            raise _unknown(job.id)
        return json_answer(await self._told(job))

    async def cancel(self, request: Request) -> Response:
        job = self._job(request)
        self._runner.cancel(job)
        return json_answer({"status": "success", "generation_id": job.id})

    async def history(self, request: Request) -> Response:
        asked = request.query_params
        page, size = _number(asked, "page", 1, 10**9), _number(asked, "page_size", 50, 1000)
        jobs = [*_matching(self._state.jobs.all(), asked)][::-1]
        shown = jobs[(page - 1) * size : page * size]
        told: list[JSON] = [{**await self._told(job, brief=True), "cost": str(job.cost())} for job in shown]
        return json_answer(
            {
                "count": len(told),
                "generations": told,
                "page_number": page,
                "page_size": size,
                "total_pages": -(-len(jobs) // size),
                "total_entries": len(jobs),
                "total_cost": str(sum((job.cost() for job in jobs), Decimal(0))),
            }
        )

    def _job(self, request: Request) -> Job:
        id = str(request.path_params["id"])
        job = self._state.jobs.get(id)
        if job is None:
            raise _unknown(id)
        return job

    async def _told(self, job: Job, *, brief: bool = False) -> dict[str, JSON]:
        # Lists are brief: a thousand jobs, each with its picture, would be one answer of a gigabyte.
        told = job.told(brief=brief)
        place = self._state.dialect.result
        if not job.file:
            return told
        if place == "b64_json":
            file = await self._downloads.made(job)
            told[f"{job.media}s"] = [{"b64_json": base64.b64encode(file.content).decode()}]
            return told
        url = self._runner.url(job)
        told[place] = [{"url": url}] if place in ("images", "videos") else url
        return told


def _matching(jobs: Iterable[Job], asked: QueryParams) -> Iterator[Job]:
    statuses = {each for text in asked.getlist("status") for each in text.split(",") if each}
    for job in jobs:
        told = {
            "namespace": job.targets["target_namespace"],
            "model": job.model["id"],
            "media_type": job.media,
            "repo": job.targets.get("target_repo"),
            "folder": job.targets.get("target_directory"),
        }
        in_time = not statuses or job.status in statuses
        if in_time and all(asked[name] == value for name, value in told.items() if name in asked):
            yield job


def _queued_media(model: Model) -> Media:
    """What the queue makes with `model`: images and videos, nothing else."""
    endpoint = str(model.get("endpoint"))
    outputs = outputs_of(model) or [media for media in ("image", "video") if f"{media}s/" in endpoint]
    if "image" in outputs:
        return "image"
    if "video" in outputs:
        return "video"
    name = model["id"]
    raise Refusal(400, "invalid_params", f"model: {name} makes neither images nor videos: it has no queue")


def _number(asked: QueryParams, name: str, default: int, most: int) -> int:
    text = asked.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise Refusal(400, "invalid_params", f"{name}: a number from 1 to {most}, not {text!r}")
    return int(text)


def _unknown(id: str) -> Refusal:
    return Refusal(404, "resource_not_found", f"Generation not found: {id}")
