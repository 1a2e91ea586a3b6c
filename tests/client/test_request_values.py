"""Requests sent as values, and the targets of a client that submits."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import oxen_models as ox
import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import QUEUE, read_bodies
from helpers.scenario import Steps, scenario
from oxen_models import Oxen, Request
from oxen_models.audio import BytedanceSeedAudio10Request
from oxen_models.images import QwenImageRequest
from oxen_models.testing import Hub
from oxen_models.videos import WanV27TextToVideoRequest

IMAGE = QwenImageRequest(prompt="x")
VIDEO = WanV27TextToVideoRequest(prompt="x")
AUDIO = BytedanceSeedAudio10Request(prompt="x")


@pytest.mark.async_values
@pytest.mark.parametrize(("request_", "kind"), [(IMAGE, "Image"), (VIDEO, "Video"), (AUDIO, "Audio")])
def test_run_returns_the_result_of_the_family(
    run: ClientRunner, hub: Hub, request_: Request, kind: str
) -> None:
    """A request that is run gives the type of result that its own call gives, with the same options."""
    result = run(
        lambda oxen: oxen.run(request_, extra_body={"beta": "x"}, extra_headers={"x-mark": "m"}, timeout=30),
        base_url=hub.url,
    )
    assert type(result) is run.get_class(f"{kind}Result")
    assert read_bodies(hub) == [{**request_.body(), "beta": "x"}]
    assert hub.requests[-1].headers["x-mark"] == "m"


def test_submit_returns_one_job(run: ClientRunner, hub: Hub) -> None:
    """Without num_generations a submitted request is one job."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield oxen.submit(VIDEO, extra_headers={"x-mark": "m"})
        return type(job), type((yield job.result()))

    assert run(steps, base_url=hub.url) == (run.get_class("Job"), run.get_class("VideoResult"))
    assert read_bodies(hub) == [VIDEO.body()]


@pytest.mark.parametrize("number", [1, 3])
def test_submit_with_a_number_returns_every_job(run: ClientRunner, hub: Hub, number: int) -> None:
    """With num_generations the jobs are a list, also if it is one."""
    jobs = run(lambda oxen: oxen.submit(IMAGE, num_generations=number), base_url=hub.url)
    assert len({job.id for job in jobs}) == number
    assert read_bodies(hub) == [{**IMAGE.body(), **({"num_generations": number} if number > 1 else {})}]


def test_untyped_request_is_run_and_submitted(run: ClientRunner, hub: Hub) -> None:
    """A request of a model that is known by its id alone is sent like any other."""

    @scenario
    def steps(oxen: Any) -> Steps:
        request = yield oxen.model("qwen-image").request(prompt="x")
        result = yield oxen.run(request)
        jobs = yield oxen.submit(request, num_generations=2)
        return type(result), len(jobs)

    assert run(steps, base_url=hub.url) == (run.get_class("ImageResult"), 2)


def test_sound_is_submitted(run: ClientRunner, hub: Hub) -> None:
    """A sound goes through the queue as well."""

    @scenario
    def steps(oxen: Any) -> Steps:
        job = yield oxen.submit(AUDIO)
        result = yield job.result(timeout=30)
        return str(type(result).__name__)

    assert run(steps, base_url=hub.url) == run.get_class("AudioResult").__name__


@pytest.mark.parametrize("name", ["run", "submit"])
def test_request_with_an_unknown_option_raises(run: ClientRunner, hub: Hub, name: str) -> None:
    """An option that does not exist is a TypeError, and nothing is sent."""
    with pytest.raises(TypeError, match="keyword argument 'timeot'; did you mean 'timeout'"):
        run(lambda oxen: getattr(oxen, name)(IMAGE, timeot=3), base_url=hub.url)
    assert hub.requests == []


TARGETS = {"target_repo": "me/hats", "target_directory": "a/b"}
SUBMISSIONS: list[Callable[[Any], Any]] = [
    lambda oxen: oxen.images.qwen_image.submit(prompt="x"),
    lambda oxen: oxen.submit(IMAGE),
    lambda oxen: oxen.submit(IMAGE, num_generations=1),
    lambda oxen: oxen.model("qwen-image").submit(prompt="x"),
]
BLOCKING: list[Callable[[Any], Any]] = [
    lambda oxen: oxen.images.qwen_image.generate(prompt="x"),
    lambda oxen: oxen.run(IMAGE),
    lambda oxen: oxen.model("qwen-image").generate(prompt="x"),
]


@pytest.mark.async_values
@pytest.mark.parametrize("call", SUBMISSIONS)
def test_submission_is_sent_with_the_targets(run: ClientRunner, hub: Hub, call: Any) -> None:
    """The targets of a client go along with every submission, and further options keep them."""
    run(lambda oxen: call(oxen.with_options(**TARGETS).with_options(timeout=30)), base_url=hub.url)
    assert read_bodies(hub) == [{**IMAGE.body(), **TARGETS}]


@pytest.mark.async_values
@pytest.mark.parametrize("call", BLOCKING)
def test_blocking_call_with_targets_raises(run: ClientRunner, hub: Hub, call: Any) -> None:
    """A blocking call would ignore the targets, so it raises before anything is sent."""
    error = run.expect_error(
        ox.ConfigurationError, lambda oxen: call(oxen.with_options(**TARGETS)), base_url=hub.url
    )
    assert str(error).startswith(
        "target_repo and target_directory cannot be used by a blocking call; use submit()"
    )
    assert read_bodies(hub) == []


@pytest.mark.slow
def test_run_many_submits_with_the_targets(run: ClientRunner, hub: Hub) -> None:
    """The results of a batch go to the targets."""

    async def collect(outcomes: Any) -> list[Any]:
        return [outcome async for outcome in outcomes]

    def batch(oxen: Any) -> Any:
        outcomes = oxen.with_options(**TARGETS).run_many([IMAGE, AUDIO])
        return collect(outcomes) if run.asynchronous else list(outcomes)

    assert [outcome.error for outcome in run(batch, base_url=hub.url)] == [None, None]
    bodies = sorted(read_bodies(hub), key=lambda body: body["model"])
    assert bodies == [{**AUDIO.body(), **TARGETS}, {**IMAGE.body(), **TARGETS}]


@pytest.mark.async_values
@pytest.mark.parametrize("targets", [{"target_repo": ""}, {"target_repo": 3}, {"target_directory": " "}])
def test_target_that_is_no_text_is_rejected(run: ClientRunner, hub: Hub, targets: Any) -> None:
    """A target is a non-empty string."""
    error = run.expect_error(
        ox.ConfigurationError, lambda oxen: oxen.with_options(**targets), base_url=hub.url
    )
    [name] = targets
    assert str(error) == f"{name} must be a non-empty string, got {targets[name]!r}"


def test_submit_has_the_signature_of_the_verb() -> None:
    """At run time `submit` has the parameters and the documentation of the call that it is derived from."""
    model = Oxen("any").images.qwen_image
    verb, submit = inspect.signature(model.generate), inspect.signature(model.submit)
    assert submit.parameters == verb.parameters
    assert (verb.return_annotation, submit.return_annotation) == ("ResultT", "JobT")
    assert (model.submit.__name__, QwenImageRequest.__module__) == ("submit", model.submit.__module__)
    doc = inspect.getdoc(model.submit) or ""
    assert doc.startswith("Submit the request to the queue and return its job.")
    assert (inspect.getdoc(model.generate) or "no doc") in doc
    assert inspect.signature(type(model).submit).parameters.keys() == {"self", *verb.parameters}


@pytest.mark.slow
def test_queue_is_reached_by_submit_alone(run: ClientRunner, hub: Hub) -> None:
    """A model whose `submit` was used still makes blocking calls, and the other way round."""

    @scenario
    def steps(oxen: Any) -> Steps:
        model = oxen.images.qwen_image
        submit = model.submit
        yield model.generate(prompt="x")
        yield submit(prompt="x")
        yield model.generate(prompt="x")

    run(steps, base_url=hub.url)
    paths = [request.path for request in hub.requests if request.method == "POST"]
    assert [path == QUEUE for path in paths] == [False, True, False]
