"""Runs queued generations: each starts, ends and is told of in its own time."""

import asyncio
from collections.abc import Callable

import anyio.to_thread

from ._errors import Refusal
from ._inputs import first_image
from ._jobs import Job
from ._json import JSON
from ._media import extension
from ._state import State

_QUEUED_SHARE = 0.25
"""How much of its time a generation waits before it starts."""


class Runner:
    """Lives in the hub's loop. A timer a job, not a task: thousands may wait at once."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._ending: set[asyncio.Task[None]] = set()
        for job in state.jobs.active():
            job.ends("failed", error="The hub was stopped while this ran")

    def enqueue(self, job: Job) -> None:
        self._state.jobs.add(job)
        self._later(job, _QUEUED_SHARE, self._start)

    async def run_now(self, job: Job) -> None:
        """Enqueue `job` and bring it to its end."""
        self._state.jobs.add(job)
        job.starts()
        await self._end(job)

    def cancel(self, job: Job) -> None:
        if job.active:
            job.ends("cancelled")

    def url(self, job: Job) -> str | None:
        """A fresh URL of the result, None where there is none."""
        return self._state.links.sign(self._state.url, job.file) if job.file else None

    def _later(self, job: Job, share: float, what: Callable[[Job], None]) -> None:
        delay = share * self._state.queued_seconds(job.media)
        asyncio.get_running_loop().call_later(delay, what, job)

    def _start(self, job: Job) -> None:
        if not job.active:
            return
        job.starts()
        if self._state.faults.draw("job-stuck") is None:
            self._later(job, 1 - _QUEUED_SHARE, self._finish)

    def _finish(self, job: Job) -> None:
        task = asyncio.create_task(self._end(job))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, job: Job) -> None:
        error: str | None = None
        file: str | None = None
        try:
            schema = await self._checked(job)
        except Refusal as refusal:
            error = str(refusal)
        else:
            file = f"{job.id}.{extension(job.media, job.parameters, schema)}"
        if job.active:
            job.ends("failed" if error else "succeeded", error=error, file=file)
            self._tell(job)

    async def _checked(self, job: Job) -> dict[str, JSON]:
        """The schema that the parameters are right by."""
        checks = self._state.checks
        schema = checks.schema(str(job.model["id"]), job.media)
        checks.parameters(schema, job.parameters)
        properties = schema.get("properties")
        if isinstance(properties, dict):
            if _holds_media(job.parameters):
                await anyio.to_thread.run_sync(first_image, job.parameters, properties)
            else:
                first_image(job.parameters, properties)
        return schema

    def _tell(self, job: Job) -> None:
        if not self._state.broadcast.heard:
            return
        event: dict[str, JSON] = {
            "generation_id": job.id,
            "status": job.status,
            "media_type": job.media,
        }
        if job.status == "succeeded":
            event |= {"model": job.model["id"], "url": self.url(job)}
        else:
            event["error"] = job.error
        self._state.broadcast.completed(event)


def _holds_media(parameters: dict[str, JSON]) -> bool:
    values = [
        each for value in parameters.values() for each in (value if isinstance(value, list) else [value])
    ]
    return any(isinstance(value, str) and value[:5].lower() == "data:" for value in values)
