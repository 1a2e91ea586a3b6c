# Copied by oxen-codegen from templates/package/testing/_queue.py. Do not edit.
"""The queue, the history of jobs and the event stream."""

import time
import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal

import anyio
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._downloads import Downloads
from ._errors import RequestError, not_found
from ._events import EventStream
from ._jobs import Job
from ._json import json_response
from ._links import USER
from ._models import Media, Model, output_media
from ._records import Records
from ._runner import Runner
from ._state import State
from ._validation import TARGETS, read_body

_KEEP_ALIVE_INTERVAL = 15.0
_EARLY_EVENT_LEAD = 0.05  # seconds in which a client on this machine reads an event
_DEFAULT_PAGE_SIZE = 50
_MAX_PAGE_SIZE = 1000
_MAX_PAGE = 10**9


def queue_routes(state: State, downloads: Downloads) -> list[Route]:
    queue = _Queue(state, downloads)

    async def events(request: Request) -> Response:
        return EventStream(state.broadcast, state.faults, state.scale(_KEEP_ALIVE_INTERVAL))

    return [
        Route("/api/ai/queue", queue.enqueue, methods=["POST"]),
        Route("/api/ai/queue", queue.list),
        Route("/api/ai/queue/{id}", queue.cancel, methods=["DELETE"]),
        Route("/api/ai/queue/{id}", queue.get),
        Route("/api/ai/generations", queue.history),
        Route("/api/ai/generations/{id}", queue.history_detail),
        Route("/api/events", events),
    ]


class _Queue:
    def __init__(self, state: State, downloads: Downloads) -> None:
        self._state = state
        self._records = Records(state, downloads)
        self._runner = Runner(state, self._records)

    async def enqueue(self, request: Request) -> Response:
        body = read_body(request, await request.body())
        model, parameters = self._state.validation.split_body(body, queue=True)
        media = self._queued_media(model)
        targets = {name: body[name] for name in TARGETS if body.get(name) is not None}
        targets.setdefault("target_namespace", USER)
        count = body.get("num_generations", 1)
        assert isinstance(count, int)
        jobs = [
            Job(str(uuid.uuid4()), model, media, number, parameters, targets, int(time.time()))
            for number in range(count)
        ]
        response = json_response(
            {"generations": [{"generation_id": job.id, "status": job.status} for job in jobs]}
        )
        is_early = False
        for job in jobs:
            if self._state.faults.draw("events-early"):
                await self._runner.run(job)
                is_early = True
            else:
                self._runner.enqueue(job)
        if is_early:
            await anyio.sleep(_EARLY_EVENT_LEAD)
        return response

    async def list(self, request: Request) -> Response:
        query = request.query_params
        jobs = self._state.jobs.all() if "status" in query else self._state.jobs.active()
        records = [await self._records.job(job, brief=True) for job in _filter_jobs(jobs, query)]
        return json_response({"count": len(records), "generations": [*records]})

    async def get(self, request: Request) -> Response:
        job = self._find_job(request)
        if not job.is_active and self._state.faults.draw("job-not-found"):
            raise not_found()
        return json_response(await self._records.job(job))

    async def cancel(self, request: Request) -> Response:
        job = self._find_job(request)
        if job.is_active:
            job.end("cancelled")
        return json_response({"status": "success", "generation_id": job.id})

    async def history(self, request: Request) -> Response:
        query = request.query_params
        page = _parse_number(query, "page", 1, _MAX_PAGE)
        size = _parse_number(query, "page_size", _DEFAULT_PAGE_SIZE, _MAX_PAGE_SIZE)
        jobs = [*_filter_jobs(self._state.jobs.all(), query)][::-1]
        costs = [cost for job in jobs if (cost := job.cost()) is not None]
        shown = jobs[(page - 1) * size : page * size]
        rows = [await self._records.history_row(job, brief=True) for job in shown]
        return json_response(
            {
                "count": len(rows),
                "generations": [*rows],
                "page_number": page,
                "page_size": size,
                "total_pages": -(-len(jobs) // size),
                "total_entries": len(jobs),
                "total_cost": str(sum(costs, Decimal(0))) if costs else None,
            }
        )

    async def history_detail(self, request: Request) -> Response:
        row = await self._records.history_row(self._find_job(request))
        return json_response({"status": "success", "status_message": "resource_found", "generation": row})

    def _find_job(self, request: Request) -> Job:
        job = self._state.jobs.get(str(request.path_params["id"]))
        if job is None:
            raise not_found()
        return job

    def _queued_media(self, model: Model) -> Media:
        for media in output_media(model):
            if media != "audio" or self._state.dialect.audio_queue == "accepted":
                return media
        detail = f"model: {model['id']} makes no media that the queue accepts"
        raise RequestError(400, "invalid_params", detail)


def _filter_jobs(jobs: Iterable[Job], query: QueryParams) -> Iterator[Job]:
    statuses = {status for text in query.getlist("status") for status in text.split(",") if status}
    for job in jobs:
        filters = {
            "namespace": job.targets["target_namespace"],
            "model": job.model["id"],
            "media_type": job.media,
            "repo": job.targets.get("target_repo"),
            "folder": job.targets.get("target_directory"),
        }
        if (not statuses or job.status in statuses) and all(
            query[name] == value for name, value in filters.items() if name in query
        ):
            yield job


def _parse_number(query: QueryParams, name: str, default: int, maximum: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= maximum:
        raise RequestError(
            400, "invalid_params", f"{name} must be an integer from 1 to {maximum}, got {text!r}"
        )
    return int(text)
