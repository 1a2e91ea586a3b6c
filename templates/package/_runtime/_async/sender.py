"""Sending requests: as blocking calls, or through the queue."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Unpack

from ..billing import warn_if_billed_without_result
from ..bodies import encode_body, encode_queue_body
from ..context import CallContext
from ..errors import ConfigurationError
from ..local_media import BlockingMediaError
from ..options import RequestOptions
from ..provenance import Origin
from ..request import RequestLike, RequestT, build_request, typed_class
from ..telemetry import observe
from .job import AsyncJob, enqueue
from .results import AsyncAnyResult, parse_result, result_type
from .session import AsyncSession
from .threads import MAY_BLOCK, run_blocking
from .uploads import upload_media


class AsyncSender:
    """Builds the requests of models and sends them as blocking calls."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return self._session.settings.base_url

    def to_queue(self) -> AsyncQueueSender:
        """Return a sender that submits requests to the queue."""
        return AsyncQueueSender(self._session)

    async def send(self, build: partial[RequestT], options: RequestOptions) -> AsyncAnyResult:
        """Build a request, send it and return the result. Raises as `run_request` does."""
        return await run_request(self._session, await _build(build), **options)


class AsyncQueueSender:
    """Builds the requests of models and submits them to the queue."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return self._session.settings.base_url

    def to_queue(self) -> AsyncQueueSender:
        """Return this sender."""
        return self

    async def send(self, build: partial[RequestT], options: RequestOptions) -> AsyncJob[AsyncAnyResult]:
        """Build a request, submit it and return its job. Raises as `submit_request` does."""
        [job, *_] = await submit_request(self._session, await _build(build), **options)
        return job


async def run_request(
    session: AsyncSession, request: RequestLike, **options: Unpack[RequestOptions]
) -> AsyncAnyResult:
    """Send a request as a blocking call and return its result.

    Raises:
        ConfigurationError: An option is not usable, or the client has options that apply to submissions only.
        InvalidRequestError: `extra_body` is not JSON.
        OutcomeUnknownError: No response was received; the request may have been accepted.
        UploadError: A file could not be uploaded; the request was not sent.
        OxenError: The server rejected the request, failed, or could not be reached.
    """
    if session.settings.targets:
        names = " and ".join(session.settings.targets)
        raise ConfigurationError(
            f"{names} cannot be used by a blocking call; use submit(), or a client without {names}"
        )
    extra_body = options.get("extra_body")
    timeout, extra_headers = options.get("timeout"), options.get("extra_headers")
    body = encode_body(request, extra_body)
    context = CallContext(
        request_class=typed_class(request),
        extra_names=frozenset(extra_body or ()),
        model_id=request.model_id,
    )
    with observe("oxen.run", request.model_id) as call:
        body = await upload_media(session, request, body, timeout)
        warn_if_billed_without_result(request)
        origin = Origin(request, extra_body or {}, datetime.now(UTC))
        response = await session.post(request.endpoint, body, timeout, extra_headers, context)
        result = parse_result(result_type(request), response, session, origin=origin)
        call.record("succeeded")
    return result


async def submit_request(
    session: AsyncSession,
    request: RequestLike,
    num_generations: int = 1,
    **options: Unpack[RequestOptions],
) -> list[AsyncJob[AsyncAnyResult]]:
    """Submit a request to the queue and return its jobs.

    Raises:
        ConfigurationError: An option is not usable.
        InvalidRequestError: `num_generations` is not positive, or `extra_body` is not JSON.
        OutcomeUnknownError: No response was received; the request may have been accepted.
        UploadError: A file could not be uploaded; the request was not sent.
        OxenError: The server rejected the request, failed, or could not be reached.
    """
    extra_body = options.get("extra_body")
    timeout, extra_headers = options.get("timeout"), options.get("extra_headers")
    body = encode_queue_body(request, num_generations, session.settings.targets, extra_body)
    context = CallContext(
        request_class=typed_class(request),
        extra_names=frozenset(extra_body or ()),
        model_id=request.model_id,
        is_submission=True,
    )
    with observe("oxen.submit", request.model_id) as call:
        body = await upload_media(session, request, body, timeout)
        warn_if_billed_without_result(request)
        jobs = await enqueue(session, body, result_type(request), timeout, extra_headers, context)
        call.record(jobs[0].status, ",".join(job.id for job in jobs))
    return jobs


async def _build(build: partial[RequestT]) -> RequestT:
    with suppress(BlockingMediaError):
        return build_request(build, may_block=MAY_BLOCK)
    return await run_blocking(build_request, build)
