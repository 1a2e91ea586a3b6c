"""Spans and counters of OpenTelemetry, with the in-memory exporters of its SDK."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import QUEUE, wait_until
from helpers.scenario import Steps, collect, scenario
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import Counter as CostCounter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, StatusCode, TraceState
from opentelemetry.util.types import Attributes
from oxen_models.images import ZImageTurboRequest
from oxen_models.testing import Hub

PROMPT = "a secret prompt"
MODEL = "z-image-turbo"
REQUEST = ZImageTurboRequest(prompt=PROMPT)
INVALID = ox.UntypedRequest(MODEL, "/images/generate", {"prompt": PROMPT, "output_format": PROMPT})
GENERATE = "/api/ai/images/generate"
CHAT_MODEL = "claude-sonnet-5"
MESSAGES: Any = [{"role": "user", "content": PROMPT}]
PNG = b"\x89PNG\r\n\x1a\n"


class Switch(Sampler):
    """Records spans while it is on, because the provider of a process cannot be replaced."""

    is_on = False

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        return SamplingResult(Decision.RECORD_AND_SAMPLE if self.is_on else Decision.DROP)

    def get_description(self) -> str:
        return "switch"


class Telemetry:
    """What was exported since the test began."""

    def __init__(self) -> None:
        self.switch = Switch()
        self.exporter = InMemorySpanExporter()
        temporality: dict[type, AggregationTemporality] = {CostCounter: AggregationTemporality.DELTA}
        self.reader = InMemoryMetricReader(temporality)
        provider = TracerProvider(self.switch)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        trace.set_tracer_provider(provider)
        metrics.set_meter_provider(MeterProvider([self.reader]))

    def find(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def find_one(self, name: str) -> dict[str, Any]:
        """Return the attributes of the only span of a name, without its duration."""
        [span] = self.find(name)
        attributes = dict(span.attributes or {})
        assert isinstance(attributes.pop("oxen.seconds"), float)
        return attributes

    def names(self) -> list[str]:
        return sorted(span.name for span in self.exporter.get_finished_spans())

    def count(self, name: str) -> dict[tuple[tuple[str, Any], ...], float]:
        """Return the increases of a counter by attributes."""
        data: MetricsData | None = self.reader.get_metrics_data()
        resources: Sequence[ResourceMetrics] = data.resource_metrics if data is not None else ()
        return {
            tuple(sorted((point.attributes or {}).items())): point.value
            for resource in resources
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
            if metric.name == name and isinstance(point, NumberDataPoint)
        }


def get_id(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def get_parent(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


@pytest.fixture(scope="session")
def installed() -> Telemetry:
    """The exporters of this process."""
    return Telemetry()


@pytest.fixture
def telemetry(installed: Telemetry) -> Iterator[Telemetry]:
    """The exporters, which record during the test. Neither prompts nor keys are in them afterwards."""
    installed.exporter.clear()
    installed.reader.get_metrics_data()
    installed.switch.is_on = True
    yield installed
    installed.switch.is_on = False
    exported = "".join(span.to_json() for span in installed.exporter.get_finished_spans())
    assert PROMPT not in exported
    assert ClientRunner.KEY not in exported


def test_blocking_call_is_a_span(run: ClientRunner, hub: Hub, telemetry: Telemetry) -> None:
    """A blocking call is one span with the model and the status, within the span of the caller."""

    @scenario
    def call(oxen: Any) -> Steps:
        with trace.get_tracer("test").start_as_current_span("caller"):
            yield oxen.run(REQUEST)

    run(call, base_url=hub.url)
    assert telemetry.find_one("oxen.run") == {"oxen.model": MODEL, "oxen.status": "succeeded"}
    assert telemetry.names() == ["caller", "oxen.run"]
    [caller], [span] = telemetry.find("caller"), telemetry.find("oxen.run")
    assert get_parent(span) == get_id(caller)
    assert (span.kind, span.status.status_code) == (SpanKind.CLIENT, StatusCode.UNSET)


def test_submission_and_wait_are_spans(run: ClientRunner, hub: Hub, telemetry: Telemetry) -> None:
    """A submission and the wait for its job are one span each; a later call of `result` waits no more."""

    @scenario
    def submit(oxen: Any) -> Steps:
        job = yield oxen.submit(REQUEST)
        yield job.result()
        yield job.result()
        return job.id

    id = run(submit, base_url=hub.url)
    common = {"oxen.model": MODEL, "oxen.job.id": id}
    submission = telemetry.find_one("oxen.submit")
    # The event that the job has ended may be read before the span ends.
    assert submission.pop("oxen.status") in ("queued", "processing", "succeeded")
    assert submission == common
    assert telemetry.find_one("oxen.wait") == {**common, "oxen.status": "succeeded"}
    assert telemetry.names() == ["oxen.submit", "oxen.wait"]


@pytest.mark.parametrize("call", ["wait", "result"])
def test_failed_job_is_an_error(run: ClientRunner, hub: Hub, telemetry: Telemetry, call: str) -> None:
    """The wait for a job that failed has its status, and is an error without a text."""

    @scenario
    def submit(oxen: Any) -> Steps:
        job = yield oxen.submit(INVALID)
        try:
            return (yield getattr(job, call)())
        except ox.JobFailed as error:
            return error

    outcome = run(submit, base_url=hub.url)
    assert outcome == "failed" if call == "wait" else PROMPT in str(outcome)
    [span] = telemetry.find("oxen.wait")
    assert telemetry.find_one("oxen.wait")["oxen.status"] == "failed"
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.ERROR, None, ())


def test_cancelled_job_has_its_status(run: ClientRunner, hub: Hub, telemetry: Telemetry) -> None:
    """The wait for a job that was cancelled has its status, and is no error."""
    hub.inject_fault("job-stuck")

    @scenario
    def cancel(oxen: Any) -> Steps:
        job = yield oxen.submit(REQUEST)
        yield job.cancel()
        yield job.wait()

    run(cancel, base_url=hub.url)
    [span] = telemetry.find("oxen.wait")
    assert telemetry.find_one("oxen.wait")["oxen.status"] == "cancelled"
    assert span.status.status_code is StatusCode.UNSET


def test_timeout_of_a_wait_has_the_last_status(run: ClientRunner, hub: Hub, telemetry: Telemetry) -> None:
    """A wait that timed out has the status of the job, its id and the class of the error."""
    hub.inject_fault("job-stuck")

    @scenario
    def wait(oxen: Any) -> Steps:
        job = yield oxen.submit(REQUEST)
        yield job.result(timeout=0.01)

    error = run.expect_error(ox.JobTimeout, wait, base_url=hub.url)
    assert telemetry.find_one("oxen.wait") == {
        "oxen.model": MODEL,
        "oxen.job.id": error.generation_id,
        "oxen.status": error.status,
        "oxen.error": "JobTimeout",
    }


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), [("run", GENERATE), ("submit", QUEUE)])
def test_unknown_outcome_is_an_error(
    run: ClientRunner, hub: Hub, telemetry: Telemetry, method: str, path: str
) -> None:
    """A request that may have been accepted has the status unknown."""
    hub.inject_fault("cut-before-response", times=1, method="POST", path=path)
    run.expect_error(ox.OutcomeUnknownError, lambda oxen: getattr(oxen, method)(REQUEST), base_url=hub.url)
    [span] = telemetry.find(f"oxen.{method}")
    assert telemetry.find_one(f"oxen.{method}") == {
        "oxen.model": MODEL,
        "oxen.status": "unknown",
        "oxen.error": "OutcomeUnknownError",
    }
    assert (span.status.status_code, span.events) == (StatusCode.ERROR, ())


def test_cancelled_task_interrupts_the_call(hub: Hub, telemetry: Telemetry) -> None:
    """A call whose task is cancelled ends its span without an error."""
    hub.inject_fault("slow", 60, times=1, path=GENERATE)

    async def cancel() -> None:
        async with ox.AsyncOxen(ClientRunner.KEY, base_url=hub.url) as oxen:
            task = asyncio.ensure_future(oxen.run(REQUEST))
            await asyncio.to_thread(wait_until, lambda: hub.count("POST", GENERATE))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())
    [span] = telemetry.find("oxen.run")
    assert telemetry.find_one("oxen.run") == {
        "oxen.model": MODEL,
        "oxen.status": "interrupted",
        "oxen.error": "CancelledError",
    }
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.slow
def test_retries_are_counted(run: ClientRunner, hub: Hub, telemetry: Telemetry) -> None:
    """Each request that is sent again is counted by model and reason."""
    hub.respond_next(429, headers={"retry-after": "0"}, times=2, path=GENERATE)
    run(lambda oxen: oxen.run(REQUEST), base_url=hub.url)
    assert telemetry.count("oxen.retries") == {(("oxen.model", MODEL), ("oxen.reason", "429")): 2}


@pytest.mark.parametrize("form", ["complete", "stream"])
def test_chat_has_its_cost(run: ClientRunner, hub: Hub, telemetry: Telemetry, form: str) -> None:
    """A chat call, streamed or not, is one span with its cost, which is counted."""
    hub.chat("yes", usage={"cost": 0.25})

    @scenario
    def call(oxen: Any) -> Steps:
        if form == "complete":
            yield oxen.chat.complete(model=CHAT_MODEL, messages=MESSAGES)
        else:
            yield collect(oxen.chat.stream(model=CHAT_MODEL, messages=MESSAGES, include_usage=True))
            assert trace.get_current_span() is trace.INVALID_SPAN

    run(call, base_url=hub.url)
    assert telemetry.find_one("oxen.chat") == {
        "oxen.model": CHAT_MODEL,
        "oxen.status": "succeeded",
        "oxen.cost": 0.25,
    }
    assert telemetry.count("oxen.cost") == {(("oxen.model", CHAT_MODEL),): 0.25}


def test_stream_that_is_closed_is_interrupted(run: ClientRunner, hub: Hub, telemetry: Telemetry) -> None:
    """A stream that is closed early ends its span, and spans of the reader are not its children."""
    hub.chat("one two three")

    @scenario
    def read(oxen: Any) -> Steps:
        stream = oxen.chat.stream(model=CHAT_MODEL, messages=MESSAGES)
        yield collect(stream, 1) if not run.asynchronous else anext(stream)
        assert trace.get_current_span() is trace.INVALID_SPAN
        yield stream.aclose() if run.asynchronous else stream.close()

    run(read, base_url=hub.url)
    assert telemetry.find_one("oxen.chat")["oxen.status"] == "interrupted"


@pytest.mark.slow
def test_batch_has_a_span_per_request(
    run: ClientRunner, hub: Hub, telemetry: Telemetry, tmp_path: Path
) -> None:
    """Each request of a run is a span with its cost, within that of the caller; its submission and its wait
    are children. A replayed outcome is neither a span nor counted.
    """
    requests = [REQUEST, REQUEST, INVALID]

    @scenario
    def run_all(oxen: Any) -> Steps:
        with trace.get_tracer("test").start_as_current_span("caller"):
            return (yield collect(oxen.run_many(requests, journal=tmp_path / "runs.db")))

    outcomes = run(run_all, base_url=hub.url)
    by_job = {dict(span.attributes or {})["oxen.job.id"]: span for span in telemetry.find("oxen.request")}
    [caller] = telemetry.find("caller")
    assert telemetry.names() == ["caller", *["oxen.request"] * 3, *["oxen.submit"] * 3, *["oxen.wait"] * 3]
    for outcome in outcomes:
        span = by_job[outcome.job_id]
        attributes = dict(span.attributes or {})
        assert attributes["oxen.model"] == MODEL
        assert attributes["oxen.status"] == ("succeeded" if outcome.error is None else "failed")
        assert attributes.get("oxen.error") == (None if outcome.error is None else "JobFailed")
        assert attributes.get("oxen.cost") == (None if outcome.cost is None else float(outcome.cost))
        assert get_parent(span) == get_id(caller)
    children = [*telemetry.find("oxen.submit"), *telemetry.find("oxen.wait")]
    assert Counter(map(get_parent, children)) == dict.fromkeys(map(get_id, by_job.values()), 2)
    total = float(sum(outcome.cost or 0 for outcome in outcomes))
    assert total > 0
    assert telemetry.count("oxen.cost") == {(("oxen.model", MODEL),): pytest.approx(total)}
    telemetry.exporter.clear()
    run(run_all, base_url=hub.url)
    assert (telemetry.names(), telemetry.count("oxen.cost")) == (["caller"], {})


@pytest.mark.slow
def test_cost_of_a_job_is_counted_once(run: ClientRunner, hub: Hub, telemetry: Telemetry) -> None:
    """`job.cost()` counts the cost of a job once."""

    @scenario
    def submit(oxen: Any) -> Steps:
        job = yield oxen.submit(REQUEST)
        yield job.result()
        yield job.cost()
        return (yield job.cost())

    cost = run(submit, base_url=hub.url)
    assert telemetry.count("oxen.cost") == {(("oxen.model", MODEL),): float(cost)}


def test_upload_is_a_span(run: ClientRunner, hub: Hub, telemetry: Telemetry) -> None:
    """The upload of a file is a span; a URL from the client's memory is none."""

    @scenario
    def upload(oxen: Any) -> Steps:
        yield oxen.upload(PNG)
        yield oxen.upload(PNG)

    run(upload, base_url=hub.url)
    assert telemetry.find_one("oxen.upload") == {"oxen.status": "succeeded"}


@pytest.mark.slow
def test_nothing_is_loaded_for_telemetry(hub: Hub) -> None:
    """A program that does not use OpenTelemetry loads no part of it."""
    program = f"""
import sys
from oxen_models import Oxen
with Oxen("key", base_url={hub.url!r}) as oxen:
    oxen.images.z_image_turbo.generate(prompt="x")
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
