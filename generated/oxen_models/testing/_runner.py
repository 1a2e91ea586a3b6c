# Copied by oxen-codegen from templates/package/testing/_runner.py. Do not edit.
"""Run queued generations."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

import anyio.to_thread

from ._errors import RequestError
from ._inputs import find_image, has_inline_media
from ._jobs import Job
from ._json import JSON
from ._links import result_name
from ._media import count_files, output_format
from ._models import schema_properties
from ._records import Records
from ._state import State

_QUEUED_SHARE = 0.25
"""The share of a job's time that it waits before it starts."""


class Runner:
    """Starts and ends jobs in the hub's event loop, with timers, because thousands may wait at once."""

    def __init__(self, state: State, records: Records) -> None:
        self._state = state
        self._records = records
        self._tasks: set[asyncio.Task[None]] = set()
        for job in state.jobs.active():
            job.error = "The hub was stopped while this ran"
            job.end("failed")

    def enqueue(self, job: Job) -> None:
        self._state.jobs.add(job)
        # Drawn here, because a job that was submitted before the fault was injected may start at any time.
        is_stuck = self._state.faults.draw("job-stuck") is not None
        self._schedule(job, _QUEUED_SHARE, partial(self._start, is_stuck=is_stuck))

    async def run(self, job: Job) -> None:
        """Enqueue `job` and complete it without a delay."""
        self._state.jobs.add(job)
        job.start()
        await self._complete(job)

    def _schedule(self, job: Job, share: float, action: Callable[[Job], None]) -> None:
        delay = share * self._state.queue_time(job.media)
        asyncio.get_running_loop().call_later(delay, action, job)

    def _start(self, job: Job, *, is_stuck: bool) -> None:
        if not job.is_active:
            return
        job.start()
        if not is_stuck:
            self._schedule(job, 1 - _QUEUED_SHARE, self._finish)

    def _finish(self, job: Job) -> None:
        if self._state.is_stopping:
            return  # the loop would not run the task
        task = asyncio.create_task(self._complete(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _complete(self, job: Job) -> None:
        error: RequestError | None = None
        schema: dict[str, JSON] = {}
        try:
            schema = self._state.validation.validate(job.model, job.media, job.parameters)
            properties = schema_properties(schema)
            if has_inline_media(job.parameters):
                await anyio.to_thread.run_sync(find_image, job.parameters, properties)
            else:
                find_image(job.parameters, properties)
        except RequestError as refusal:
            error = refusal
        if not job.is_active:
            return
        if error is not None:
            job.error, job.provider = error.detail, error.provider
            job.end("failed")
        else:
            extension = output_format(job.media, job.parameters, schema).extension
            count = count_files(job.media, job.parameters, schema)
            prompt = job.parameters.get("prompt")
            digits = [f"{(int(job.id[:8], 16) + number) % 16**8:08x}" for number in range(count)]
            job.files = [result_name(time.time(), prompt, digit, extension) for digit in digits]
            job.draft = self._state.drafts.add_if_draft(job.model, job.parameters)
            job.end("succeeded")
        if self._state.broadcast.has_listeners:
            self._state.broadcast.send_completed(await self._records.event(job))
