# Derived by oxen-codegen from _runtime/_async/sender.py. Do not edit.
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
from .job import Job, enqueue
from .results import AnyResult, parse_result, result_type
from .session import Session
from .threads import MAY_BLOCK, run_blocking
from .uploads import upload_media


class Sender:
    """Builds the requests of models and sends them as blocking calls."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return self._session.settings.base_url

    def to_queue(self) -> QueueSender:
        """Return a sender that submits requests to the queue."""
        return QueueSender(self._session)

    def send(self, build: partial[RequestT], options: RequestOptions) -> AnyResult:
        """Build a request, send it and return the result. Raises as `run_request` does."""
        return run_request(self._session, _build(build), **options)


class QueueSender:
    """Builds the requests of models and submits them to the queue."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return self._session.settings.base_url

    def to_queue(self) -> QueueSender:
        """Return this sender."""
        return self

    def send(self, build: partial[RequestT], options: RequestOptions) -> Job[AnyResult]:
        """Build a request, submit it and return its job. Raises as `submit_request` does."""
        [job, *_] = submit_request(self._session, _build(build), **options)
        return job


def run_request(session: Session, request: RequestLike, **options: Unpack[RequestOptions]) -> AnyResult:
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
        body = upload_media(session, request, body, timeout)
        warn_if_billed_without_result(request)
        origin = Origin(request, extra_body or {}, datetime.now(UTC))
        response = session.post(request.endpoint, body, timeout, extra_headers, context)
        result = parse_result(result_type(request), response, session, origin=origin)
        call.record("succeeded")
    return result


def submit_request(
    session: Session,
    request: RequestLike,
    num_generations: int = 1,
    **options: Unpack[RequestOptions],
) -> list[Job[AnyResult]]:
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
        body = upload_media(session, request, body, timeout)
        warn_if_billed_without_result(request)
        jobs = enqueue(session, body, result_type(request), timeout, extra_headers, context)
        call.record(jobs[0].status, ",".join(job.id for job in jobs))
    return jobs


def _build(build: partial[RequestT]) -> RequestT:
    with suppress(BlockingMediaError):
        return build_request(build, may_block=MAY_BLOCK)
    return run_blocking(build_request, build)
