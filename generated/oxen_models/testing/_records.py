# Copied by oxen-codegen from templates/package/testing/_records.py. Do not edit.
"""The records of jobs in the queue, in the history and in events."""

import base64

from ._dialect import PROVIDER_CODE
from ._downloads import Downloads
from ._jobs import Job
from ._json import JSON
from ._links import USER, result_path
from ._state import State
from ._validation import TARGETS

_MAX_INLINE_LENGTH = 100


class Records:
    """Makes the JSON objects that describe jobs, with their results in the form of the hub's dialect."""

    def __init__(self, state: State, downloads: Downloads) -> None:
        self._state = state
        self._downloads = downloads

    async def job(self, job: Job, *, brief: bool = False) -> dict[str, JSON]:
        """Return the record of a job.

        In a brief one inline media are truncated, because a list of a thousand jobs with an image each would
        be a gigabyte.
        """
        sent = job.parameters
        record: dict[str, JSON] = {
            **({name: _truncate(value) for name, value in sent.items()} if brief else sent),
            "generation_id": job.id,
            "model_name": job.model["id"],
            "prompt": job.parameters.get("prompt"),
            "media_type": job.media,
            "status": job.status,
            "error_message": job.error,
            "enqueued_at": job.enqueued_at,
            "started_at": job.started_at,
            "completed_at": job.completed_at,
            **{name: job.targets.get(name) for name in TARGETS},
        }
        if job.provider is not None and self._state.dialect.errors == "provider":
            record |= {
                "error_provider": job.provider,
                "error_provider_code": PROVIDER_CODE,
                "error_retryable": False,
            }
        return record | await self._results(job, "result_url")

    async def history_row(self, job: Job, *, brief: bool = False) -> dict[str, JSON]:
        """Return the record of a job with its cost, as in the history."""
        cost = job.cost()
        return {
            **await self.job(job, brief=brief),
            "cost": None if cost is None else str(cost),
            "user_id": None,
            "username": USER,
            "user_image": None,
        }

    async def event(self, job: Job) -> dict[str, JSON]:
        """Return the data of the event that a job is completed."""
        event: dict[str, JSON] = {
            "generation_id": job.id,
            "status": job.status,
            "media_type": job.media,
        }
        if job.status != "succeeded":
            return {**event, "error": job.error}
        return {**event, "model": job.model["id"], **await self._results(job, "url")}

    async def _results(self, job: Job, url_key: str) -> dict[str, JSON]:
        form = self._state.dialect.result
        media: list[JSON]
        if form == "b64_json" and job.files:
            files = await self._downloads.make(job)
            media = [{"b64_json": base64.b64encode(file.content).decode()} for file in files]
            return {f"{job.media}s": media}
        paths = [result_path(job.id, name) for name in job.files]
        urls: list[JSON] = [self._state.links.sign(self._state.url, path) for path in paths]
        results: dict[str, JSON] = {}
        if form in ("all", "list", "b64_json"):
            media = [{"url": url, **job.draft} for url in urls]
            results[f"{job.media}s"] = media
        if form in ("all", "result_url", "url"):
            results[url_key if form == "all" else form] = urls[0] if urls else None
        return results


def _truncate(value: JSON) -> JSON:
    if isinstance(value, list):
        return [_truncate(item) if isinstance(item, str) else item for item in value]
    if isinstance(value, str) and value[:5].lower() == "data:" and len(value) > _MAX_INLINE_LENGTH:
        return f"{value[:_MAX_INLINE_LENGTH]}…"
    return value
