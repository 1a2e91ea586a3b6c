# Copied by oxen-codegen from templates/package/_runtime/_async/job_tracker.py. Do not edit.
"""The jobs of a client: their state, from events and polls, and the waits for them."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import AsyncGenerator
from functools import partial
from threading import Lock

from ..cancellation import CancellationToken
from ..connections import CallNotStartedError
from ..context import NO_CONTEXT, CallContext
from ..errors import HubTimeoutError, HubUnreachableError, NotFoundError, OxenError
from ..generations import GenerationCompleted, parse_generation, parse_generations
from ..responses import Response
from ..scheduler import (
    JobScheduler,
    PollAction,
    TrackedJob,
    WaitOutcome,
    WaitResult,
    default_wait_timeout,
    latest_end,
)
from ..urls import job_path
from .calls import Calls
from .concurrency import STOPPED, Callback, Event, Limiter, call_back
from .event_stream import AsyncEventStream
from .owner import current_loop_or_process, is_closed
from .transport import AsyncTransport

POLL_TIMEOUT = 10.0
LIST_TIMEOUT = 30.0
MIN_POLL_TIMEOUT = 0.1
MAX_SUBMISSIONS = 40
MAX_POLLS = 20
_log = logging.getLogger("oxen_models")


class _EventHandler:
    """Passes events to the scheduler under its lock.

    It does not refer to the tracker, so that a client that is not closed is freed without the cyclic GC.
    """

    def __init__(self, scheduler: JobScheduler, lock: Lock) -> None:
        self._scheduler = scheduler
        self._lock = lock

    def needs_events(self) -> bool:
        with self._lock:
            return self._scheduler.has_open_jobs

    def on_connected(self) -> None:
        with self._lock:
            self._scheduler.on_connected()

    def on_event(self, event: GenerationCompleted) -> None:
        with self._lock:
            self._scheduler.on_event(event, time.monotonic())

    def on_disconnected(self) -> None:
        with self._lock:
            self._scheduler.on_disconnected(time.monotonic())


class AsyncJobTracker:
    """Reads the event stream while jobs are open, and polls the queue as a fallback.

    Args:
        transport: Sends the requests.
    """

    def __init__(self, transport: AsyncTransport) -> None:
        self.transport = transport
        # Limits concurrency because httpx's pool is slow with thousands of waiters.
        self.submission_limiter = Limiter(MAX_SUBMISSIONS)
        self._poll_limiter = Limiter(MAX_POLLS)
        self._scheduler = JobScheduler()
        self._lock = Lock()
        self._owner = current_loop_or_process()
        self._stream = AsyncEventStream(transport, _EventHandler(self._scheduler, self._lock))
        # The event stream is read for the jobs of this client, so it ends with the last reference to it.
        weakref.finalize(self, _abandon, self._owner, self._stream, transport.calls)

    async def wait_for_stream(self) -> int:
        """Return the number of the open event stream; 0 if it is not open within 5 seconds."""
        await self._stream.wait_until_open()
        with self._lock:
            if self._scheduler.is_stream_open:
                return self._scheduler.stream_epoch
        _log.debug("the event stream is not open: jobs are polled")
        return 0

    def track(self, id: str, media_type: str | None, status: str, stream_epoch: int | None) -> TrackedJob:
        """Return the state of a job. The arguments are those of `JobScheduler.track`."""
        with self._lock:
            return self._scheduler.track(id, media_type, status, time.monotonic(), stream_epoch=stream_epoch)

    def on_polled(self, job: TrackedJob, response: Response) -> None:
        """Update a job from its record."""
        with self._lock:
            self._scheduler.on_polled(job, response, time.monotonic())

    async def wait(
        self,
        job: TrackedJob,
        timeout: float | None,
        on_status: Callback[str] | None = None,
        token: CancellationToken | None = None,
    ) -> WaitResult:
        """Wait until a job ends, the timeout passes, or the client is closed.

        Args:
            job: The job.
            timeout: Seconds to wait; None for the default of its media type.
            on_status: Called with each new status, including the first and the last.
            token: Ends the wait when it is set.
        """
        self._stream.start()
        started = time.monotonic()
        event = Event()
        reported: str | None = None
        with self._lock:
            self._scheduler.add_waiter(job, event, time.monotonic())
        if token is not None:
            token.add(event)
        try:
            while True:
                event.clear()
                if on_status is not None and job.status != reported:
                    reported = job.status
                    await call_back(on_status, reported)
                if token is not None and token.is_set:
                    return WaitResult(WaitOutcome.CLOSED)
                deadline = started + (default_wait_timeout(job.media_type) if timeout is None else timeout)
                with self._lock:
                    action = self._scheduler.next_action(job, deadline, time.monotonic())
                if isinstance(action, WaitResult):
                    if on_status is not None and job.status != reported:
                        await call_back(on_status, job.status)
                    return action
                if not isinstance(action, PollAction):
                    await event.wait(action)
                    continue
                is_poll = action is PollAction.POLL
                request = partial(self._poll, job, deadline) if is_poll else partial(self._list, deadline)
                try:
                    # Beside the wait, which an event may end before the response arrives.
                    self.transport.calls.start(request)
                except CallNotStartedError:  # without a thread, the request fails in the same way
                    await request()
        finally:
            if token is not None:
                token.discard(event)
            with self._lock:
                self._scheduler.remove_waiter(job, event)

    def events(self) -> AsyncGenerator[GenerationCompleted]:
        """Yield all events from now on. Raises as `AsyncEventStream.events` does."""
        return self._stream.events()

    async def aclose(self) -> None:
        """End the event stream and every wait."""
        if not is_closed(self._owner):  # in a fork, a thread of the parent may hold the lock
            with self._lock:
                self._scheduler.close()
            reader = self._stream.close()
            await self.transport.calls.aclose()
            if reader is not None:
                await reader.stop()

    async def _poll(self, job: TrackedJob, deadline: float) -> None:
        context = CallContext(job.id)
        try:
            response = await self._get(job_path(job.id), POLL_TIMEOUT, deadline, context)
            parse_generation(response, job.id)
            self.on_polled(job, response)
        except NotFoundError as error:
            with self._lock:
                self._scheduler.on_not_found(job, error.response)
        except STOPPED:
            raise
        except BaseException as error:
            failure = self._map_error(error, job.id)
            with self._lock:
                self._scheduler.on_poll_failed(job, failure, deadline, time.monotonic())
        finally:
            with self._lock:
                self._scheduler.poll_finished(job)

    async def _list(self, deadline: float) -> None:
        with self._lock:
            jobs = self._scheduler.open_jobs()
        active: dict[str, str] | None = None
        failure: OxenError | None = None
        try:
            response = await self._get("/queue", LIST_TIMEOUT, deadline, NO_CONTEXT)
            active = {job.generation_id: job.status for job in parse_generations(response)}
        except STOPPED:
            raise
        except BaseException as error:
            failure = self._map_error(error, None)
            _log.debug("the queue could not be listed: %s", failure)
        finally:
            with self._lock:
                if active is None:
                    self._scheduler.on_list_failed(failure, time.monotonic())
                else:
                    self._scheduler.on_listed(jobs, active, time.monotonic())

    def _map_error(self, error: BaseException, id: str | None) -> OxenError:
        """Return the error of a request, also if it is one of a hook or a transport of the caller."""
        if isinstance(error, OxenError):
            return error
        text = self.transport.settings.redact(f"{type(error).__name__}: {error}")
        return HubUnreachableError(f"the request failed: {text}", generation_id=id)

    async def _get(self, path: str, timeout: float, deadline: float, context: CallContext) -> Response:
        end = latest_end(deadline)
        async with self._poll_limiter.acquire(end - time.monotonic()) as is_acquired:
            if not is_acquired:
                raise HubTimeoutError(
                    "too many requests are waiting to be sent; nothing was sent",
                    generation_id=context.generation_id,
                )
            left = max(end - time.monotonic(), MIN_POLL_TIMEOUT)
            return await self.transport.get(path, {}, min(timeout, left), context, retry=False)


def _abandon(owner: object, stream: AsyncEventStream, calls: Calls) -> None:
    """End the event stream of a client that nothing waits for. Takes no locks, for finalizers."""
    if not is_closed(owner):
        stream.abandon()
        calls.interrupt()
