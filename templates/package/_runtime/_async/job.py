"""Jobs: what the queue has taken, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from typing import Any, Generic, TypeVar

from ..advice import advise
from ..errors import (
    HubUnreachableError,
    JobCancelled,
    JobFailed,
    JobNotFound,
    JobTimeout,
    NotFoundError,
    OutcomeUnknownError,
    OxenError,
    UnexpectedResponseError,
)
from ..generations import Generation, enqueued, generation, reason
from ..ids import job_path
from ..request import Request
from ..responses import Headers, Response
from ..settings import checked_timeout
from ..waiting import End, Kind, Stop, Watched
from .results import AsyncResult, media_type, result_class, result_of
from .session import AsyncSession

R = TypeVar("R", bound=AsyncResult[Any])
R_co = TypeVar("R_co", bound=AsyncResult[Any], covariant=True)


class AsyncJob(Generic[R_co]):
    """A generation in the hub's queue. It goes on whether somebody waits for it or not.

    Source: GET /queue/{generation_id}. A job pickles, without the key.
    """

    def __init__(
        self,
        session: AsyncSession,
        id: str,
        result: type[R_co] | None,
        status: str = "queued",
        *,
        since: int | None = None,
        told: Generation | None = None,
        request: type[Request] | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._session = session
        self._id = id
        self._result_class = result
        self._request_class = request
        self._stop = stop
        self._media = None if told is None else told.media_type
        if result is not None:
            self._media = media_type(result)
        self._generation = told
        self._status = status
        self._watched: Watched | None = None
        if since is not None:
            self._watched = session.channel.watch(id, self._media, status, since)

    def __reduce__(self) -> tuple[Any, ...]:
        return AsyncJob, (self._session, self._id, self._result_class, self.status)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id} {self.status}>"

    @property
    def id(self) -> str:
        """The hub's `generation_id`: `oxen.job(id)` takes the job up again, in any process."""
        return self._id

    @property
    def status(self) -> str:
        """The last known status: a `JobStatus`, or whatever new word the hub uses; "unknown" for a job
        that was taken up by its id and not refreshed yet. Sends no request.
        """
        return self._status if self._watched is None else self._watched.status

    @property
    def generation(self) -> Generation | None:
        """What the hub said of the job when it was last refreshed or listed; None before that."""
        return self._generation

    async def refresh(self) -> Generation:
        """Ask the hub for the job's status.

        Raises:
            JobNotFound: The hub does not know it.
            OxenError: The hub refused, failed, or could not be reached.
        """
        try:
            answer = (await self._session.get(job_path(self._id))).json
            self._generation = generation(answer)
        except OxenError as error:
            raise self._about(error) from None
        self._session.channel.told(self._watch(), answer)
        return self._generation

    async def wait(
        self,
        timeout: float | None = None,
        *,
        on_status: Callable[[str], object] | None = None,
        cancel_on_timeout: bool = False,
    ) -> str:
        """Wait until the job ends, and return its status: succeeded, failed or cancelled.

        Args:
            timeout: Seconds to wait; left out, 10 minutes for an image and 60 for a video.
            on_status: Called with each new status, the first and the last included.
            cancel_on_timeout: Cancel the job when the time is over.

        Raises:
            JobTimeout: It did not end in time. It goes on, unless `cancel_on_timeout`.
            JobNotFound: The hub no longer knows it.
            OxenError: The hub could not be asked three times in a row, or the client was closed.
        """
        end = await self._ended(timeout, on_status, cancel_on_timeout)
        return str((end.answer or {}).get("status"))

    async def result(
        self,
        timeout: float | None = None,
        *,
        on_status: Callable[[str], object] | None = None,
        cancel_on_timeout: bool = False,
    ) -> R_co:
        """Wait for the result: of the same type as that of the blocking call.

        Args:
            timeout: Seconds to wait; left out, 10 minutes for an image and 60 for a video.
            on_status: Called with each new status, the first and the last included.
            cancel_on_timeout: Cancel the job when the time is over.

        Raises:
            JobFailed: It failed, for the reason that the hub gives.
            JobCancelled: It was cancelled.
            JobTimeout: It did not end in time. It goes on, unless `cancel_on_timeout`.
            JobNotFound: The hub no longer knows it.
            OxenError: The hub could not be asked three times in a row, or the client was closed.
        """
        return self._result(await self._ended(timeout, on_status, cancel_on_timeout))

    async def cancel(self) -> None:
        """Cancel the job. One that has ended stays as it is, and `status` says how it ended.

        Raises:
            JobNotFound: The hub does not know it.
            OxenError: The hub refused, failed, or could not be reached.
        """
        try:
            await self._session.delete(job_path(self._id))
        except OxenError as error:
            raise self._about(error) from None
        with suppress(OxenError):  # it is cancelled, also if the hub cannot say so now
            await self.refresh()

    def _result(self, end: End) -> R_co:
        answer = end.answer or {}
        status = str(answer.get("status"))
        if status == "failed":
            failed = JobFailed(self._id, status, reason(answer) or "the job failed; the hub gave no reason")
            advise(failed, self._request_class)
            raise failed
        if status == "cancelled":
            raise JobCancelled(self._id, status, "the job was cancelled")
        kind: Any = self._result_class or result_class(answer)
        try:
            result: R_co = result_of(kind, Response(200, Headers({}), dict(answer)), self._session, self._id)
        except OxenError as error:
            raise self._about(error) from None
        return result

    async def _ended(
        self,
        timeout: float | None,
        on_status: Callable[[str], object] | None,
        cancel_on_timeout: bool,
    ) -> End:
        if timeout is not None:
            checked_timeout(timeout)
        end = await self._session.channel.ended(self._watch(), timeout, on_status, self._stop)
        match end.kind:
            case Kind.ENDED:
                return end
            case Kind.GONE:
                raise JobNotFound(self._id, self.status, "the hub does not know the job any more")
            case Kind.LATE:
                fate = await self._cancelled() if cancel_on_timeout else "it goes on"
                raise JobTimeout(self._id, self.status, f"the job is not over in time; {fate}")
            case Kind.CLOSED:
                raise self._about(HubUnreachableError("the client was closed; the job goes on"))
            case Kind.LOST:
                assert end.error is not None
                raise self._about(copy(end.error))

    async def _cancelled(self) -> str:
        try:
            await self.cancel()
        except OxenError as error:
            return f"it could not be cancelled: {error}"
        return "it was cancelled" if self.status == "cancelled" else f"at last it was {self.status}"

    def _watch(self) -> Watched:
        self._watched = self._session.channel.watch(self._id, self._media, self.status, None)
        return self._watched

    def _about(self, error: OxenError) -> OxenError:
        """The error, as one that concerns this job."""
        if isinstance(error, NotFoundError):
            detail = f"the hub does not know the job: {error.detail}"
            return JobNotFound(self._id, self.status, detail, response=error.response)
        error.generation_id = self._id
        return error


async def enqueue(
    session: AsyncSession,
    body: bytes,
    result: type[R],
    timeout: float | None,
    extra_headers: Mapping[str, str] | None,
    request: type[Request] | None,
    stop: Stop | None = None,
) -> list[AsyncJob[R]]:
    """Have the queue take a request; the event stream is open before it is sent.

    Args:
        session: The client's.
        body: What is sent.
        result: What the jobs give.
        timeout: Seconds to wait for the response; None for the client's.
        extra_headers: Headers to send in addition to the client's own.
        request: The class of the request; None where it was not made by bindings.
        stop: What ends every wait for the jobs.

    Raises:
        OutcomeUnknownError: It was sent, and no job came back.
        OxenError: The hub refused, failed, or could not be reached.
    """
    channel = session.channel
    since = await channel.opened()
    async with channel.enqueuing.entered(session.settings.patience("/queue", timeout)):
        try:
            jobs = enqueued((await session.post("/queue", body, timeout, extra_headers)).json)
        except UnexpectedResponseError as error:
            raise OutcomeUnknownError(f"{error}; the request may have been accepted") from None
        except OxenError as error:
            advise(error, request)
            raise
    return [
        AsyncJob(session, id, result, status, since=since, request=request, stop=stop) for id, status in jobs
    ]
