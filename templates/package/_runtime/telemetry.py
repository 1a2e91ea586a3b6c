"""Spans and counters of OpenTelemetry, if the program has loaded its API.

The names are of this package, because the conventions for generative AI are not stable. Neither prompts nor
media nor keys are recorded, and no text of an error, because it may repeat a prompt.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from decimal import Decimal
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from .errors import JobError, OutcomeUnknownError, OxenError
from .version import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter
    from opentelemetry.trace import Span, Tracer

SpanName: TypeAlias = Literal[
    "oxen.run", "oxen.submit", "oxen.chat", "oxen.wait", "oxen.request", "oxen.upload"
]
_SCOPE = "oxen_models"


class Observation:
    """A call that is not recorded. Using it has no effect."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def record(
        self,
        status: str | None = None,
        job_id: str | None = None,
        cost: Decimal | None = None,
        error: OxenError | None = None,
    ) -> None:
        """Record the outcome of the call.

        Args:
            status: The status of the job, or "succeeded".
            job_id: The id of the job.
            cost: The cost in dollars, which is also counted.
            error: The error that the call returns. One that it raises is recorded in any case.
        """


class _RecordedCall(Observation):
    """A call that is recorded as a span."""

    def __init__(self, name: SpanName, model: str | None, job_id: str | None, *, is_current: bool) -> None:
        self._name: SpanName = name
        self._model = model
        self._job_id = job_id
        self._is_current = is_current
        self._scope: AbstractContextManager[Span] | None = None

    def __enter__(self) -> Self:
        from opentelemetry.trace import SpanKind, use_span

        self._started = time.monotonic()
        self._span = _tracer().start_span(self._name, kind=SpanKind.CLIENT)
        if self._is_current:
            self._scope = use_span(self._span)
            self._scope.__enter__()
        self._set("oxen.model", self._model)
        self._set("oxen.job.id", self._job_id)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._record_error(error)
        self._set("oxen.seconds", time.monotonic() - self._started)
        if self._scope is not None:
            # Without the error, whose text may repeat a prompt.
            self._scope.__exit__(None, None, None)
        self._span.end()

    def record(
        self,
        status: str | None = None,
        job_id: str | None = None,
        cost: Decimal | None = None,
        error: OxenError | None = None,
    ) -> None:
        from opentelemetry.trace import StatusCode

        if error is not None:
            self._record_error(error)
        if status == "failed":
            self._span.set_status(StatusCode.ERROR)
        self._set("oxen.status", status)
        self._set("oxen.job.id", job_id)
        if cost is not None:
            self._set("oxen.cost", float(cost))
            count_cost(self._model, cost)

    def _record_error(self, error: BaseException) -> None:
        from opentelemetry.trace import StatusCode

        name = type(error).__name__
        self._set("oxen.error", name)
        self._set("oxen.status", _find_status(error))
        self._set("oxen.job.id", error.generation_id if isinstance(error, OxenError) else None)
        if isinstance(error, OxenError):  # others end a call that did not fail
            self._span.set_status(StatusCode.ERROR, name)

    def _set(self, name: str, value: str | float | None) -> None:
        if value is not None:
            self._span.set_attribute(name, value)


_NOT_RECORDED = Observation()


def observe(
    name: SpanName, model: str | None = None, job_id: str | None = None, *, is_current: bool = True
) -> Observation:
    """Return a context manager that records a call as a span.

    Args:
        name: The name of the span.
        model: The id of the model; None if it is not known.
        job_id: The id of the job; None if there is none yet.
        is_current: Whether spans that begin during the call are its children. A generator must not be
            current, because its caller runs between its steps.
    """
    if _is_loaded():
        return _RecordedCall(name, model, job_id, is_current=is_current)
    return _NOT_RECORDED


def count_cost(model: str | None, cost: Decimal) -> None:
    """Count what a call cost, in dollars."""
    if _is_loaded():
        _counter("oxen.cost", "USD", "What calls cost").add(float(cost), _attributes(model))


def count_retry(model: str | None, reason: str) -> None:
    """Count a request that is sent again.

    Args:
        model: The id of the model; None if the request does not concern one.
        reason: The HTTP status or the class of the error.
    """
    if _is_loaded():
        counter = _counter("oxen.retries", "{request}", "Requests that were sent again")
        counter.add(1, {**_attributes(model), "oxen.reason": reason})


def _is_loaded() -> bool:
    return "opentelemetry.trace" in sys.modules


@cache
def _tracer() -> Tracer:
    from opentelemetry.trace import get_tracer

    return get_tracer(_SCOPE, __version__)


@cache
def _counter(name: str, unit: str, description: str) -> Counter:
    from opentelemetry.metrics import get_meter

    return get_meter(_SCOPE, __version__).create_counter(name, unit, description)


def _attributes(model: str | None) -> dict[str, str]:
    return {} if model is None else {"oxen.model": model}


def _find_status(error: BaseException) -> str:
    if isinstance(error, JobError):
        return error.status
    if isinstance(error, OutcomeUnknownError):
        return "unknown"
    return "failed" if isinstance(error, OxenError) else "interrupted"
