"""Every model of the catalogue is called in every way that it supports."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL
from helpers.scenario import Steps, collect, scenario
from oxen_models import catalog, schema
from oxen_models.catalog import ModelInfo
from oxen_models.chat import ChatRequest
from oxen_models.testing import Hub

TYPED = catalog.models(typed=True)
CHAT = catalog.models(family="chat")
QUEUE, COMPLETIONS = "/api/ai/queue", "/api/ai/chat/completions"
MEDIA = {"image": DOG_URL, "video": "https://example.com/v.mp4", "audio": "https://example.com/a.mp3"}
MESSAGES: Any = [{"role": "user", "content": "Hello"}]
VALUES: dict[str, Any] = {"string": "a fox", "integer": 1, "number": 1, "boolean": True, "object": {}}
# One kind of client for each way, because both have the same code.
SYNC, ASYNC = ClientRunner(False), ClientRunner(True)
Calls = list[tuple[ModelInfo, str, dict[str, Any]]]


def make_value(name: str, node: dict[str, Any]) -> Any:
    """Return a value that a parameter accepts."""
    if "default" in node or "enum" in node:
        return node.get("default", node.get("enum", [None])[0])
    if node["type"] == "array":
        return [make_value(name, node["items"])]
    if node.get("format") == "uri":
        return MEDIA[next((kind for kind in MEDIA if kind in name), "image")]
    return node.get("minimum", VALUES[node["type"]])


def list_calls() -> Calls:
    """Return each call of each model that the package has calls of, with parameters."""
    calls: Calls = []
    for model in TYPED:
        properties = schema(model.id)["properties"]
        required = {name: make_value(name, properties[name]) for name in schema(model.id)["required"]}
        for verb in model.verbs:
            image = next((name for name in properties if verb == "edit" and "input_image" in name), None)
            added = {} if image is None else {image: make_value(image, properties[image])}
            calls.append((model, verb, {**required, **added}))
    return calls


CALLS = list_calls()


def choose_sample() -> Calls:
    """Return the first call of each shape: of the model, the verb and the types of the parameters."""
    sample: dict[tuple[object, ...], tuple[ModelInfo, str, dict[str, Any]]] = {}
    for model, verb, parameters in CALLS:
        types = {type(value).__name__ for value in parameters.values()}
        shape = (model.family, model.verbs, model.outputs, verb, tuple(sorted(types)))
        sample.setdefault(shape, (model, verb, parameters))
    return [*sample.values()]


SAMPLE = choose_sample()
"""The calls for tests of what depends on the shape of a model only."""


def find_call(oxen: Any, model: ModelInfo) -> Any:
    """Return the calls of a model, as attributes of the client."""
    assert model.family is not None
    assert model.module is not None
    return getattr(getattr(oxen, model.family), model.module.rpartition(".")[2])


def read_bodies(hub: Hub) -> list[tuple[str, Any]]:
    """Return path and body of each request that was sent."""
    return [(request.path, request.body) for request in hub.requests if request.method == "POST"]


def check_results(results: list[Any], calls: Calls) -> None:
    """Check that each call has one result of the kind of its model."""
    for result, (model, _, _) in zip(results, calls, strict=True):
        assert len(result) == 1, model.id
        assert model.outputs[0].title() in type(result).__name__, model.id


def test_every_model_is_typed_or_for_chat() -> None:
    """The tests of this module cover each model of the catalogue."""
    assert {model.id for model in catalog.models()} == {model.id for model in [*TYPED, *CHAT]}
    assert {verb for _, verb, _ in CALLS} == {"generate", "edit", "speak"}


@pytest.mark.slow
def test_every_call_returns_a_result(hub: Hub) -> None:
    """The blocking call sends the parameters, and returns a result of the kind of the model."""

    @scenario
    def steps(oxen: Any) -> Steps:
        results: list[Any] = []
        for model, verb, parameters in CALLS:
            results.append((yield getattr(find_call(oxen, model), verb)(**parameters)))
        check_results(results, CALLS)

    SYNC(steps, base_url=hub.url)
    check_blocking_calls(hub, CALLS)


@pytest.mark.slow
def test_id_has_the_call_of_its_model(hub: Hub) -> None:
    """The blocking call by id sends the same as the typed one, and returns a result of the same kind."""

    @scenario
    def steps(oxen: Any) -> Steps:
        results: list[Any] = []
        for model, verb, parameters in SAMPLE:
            results.append((yield getattr(oxen.model(model.id), verb)(**parameters)))
        check_results(results, SAMPLE)

    ASYNC(steps, base_url=hub.url)
    check_blocking_calls(hub, SAMPLE)


def check_blocking_calls(hub: Hub, calls: Calls) -> None:
    """Check path and body of each blocking call."""
    for (path, body), (model, verb, parameters) in zip(read_bodies(hub), calls, strict=True):
        assert body == {"model": model.id, **parameters}
        assert path == f"/api/ai/{model.family}/{'edit' if verb == 'edit' else 'generate'}"


@pytest.mark.slow
def test_every_model_can_be_queued(run: ClientRunner, hub: Hub) -> None:
    """A submission, by attribute, or by id for a sample, becomes a job with a result."""
    sent = SAMPLE if run.asynchronous else CALLS

    @scenario
    def steps(oxen: Any) -> Steps:
        jobs: list[Any] = []
        for model, _, parameters in sent:
            calls = oxen.model(model.id) if run.asynchronous else find_call(oxen, model)
            jobs.append((yield calls.submit(**parameters)))
        results: list[Any] = []
        for job in jobs:
            results.append((yield job.result(timeout=60)))
        check_results(results, sent)
        found = yield oxen.job(jobs[0].id).result()
        assert found[0].generation_id == jobs[0].id

    run(steps, base_url=hub.url)
    assert read_bodies(hub) == [(QUEUE, {"model": model.id, **parameters}) for model, _, parameters in sent]


@pytest.mark.slow
def test_every_model_has_a_request(run: ClientRunner, hub: Hub) -> None:
    """Each model has a request, by class with one client and by id with the other, and a sample runs."""

    @scenario
    def steps(oxen: Any) -> Steps:
        requests: list[Any] = []
        for call in CALLS:
            model, _, parameters = call
            make = oxen.model(model.id).request if run.asynchronous else model.request
            request = yield make(**parameters)
            assert request.body() == {"model": model.id, **parameters}
            if call in SAMPLE:
                requests.append(request)
        outcomes = yield collect(oxen.run_many(requests))
        assert [outcome.error for outcome in outcomes] == [None] * len(requests)
        results = {outcome.index: outcome.result for outcome in outcomes}
        check_results([results[index] for index in range(len(requests))], SAMPLE)

    run(steps, base_url=hub.url)


@pytest.mark.slow
def test_every_chat_model_answers(hub: Hub) -> None:
    """Each chat model completes, and runs in a batch, by the id of the catalogue."""

    @scenario
    def steps(oxen: Any) -> Steps:
        for model in CHAT:
            answer = yield oxen.chat.complete(model=model.id, messages=MESSAGES)
            assert (answer.model, bool(answer.text)) == (model.id, True)
        requests = [ChatRequest(model=model.id, messages=MESSAGES) for model in CHAT]
        outcomes = yield collect(oxen.run_many(requests))
        assert [outcome.error for outcome in outcomes] == [None] * len(CHAT)
        assert {outcome.result.model for outcome in outcomes} == {model.id for model in CHAT}

    SYNC(steps, base_url=hub.url)
    assert hub.count("POST", COMPLETIONS) == 2 * len(CHAT)


@pytest.mark.slow
def test_every_chat_model_streams(hub: Hub) -> None:
    """Each chat model streams its answer, by the id of the catalogue."""

    @scenario
    def steps(oxen: Any) -> Steps:
        for model in CHAT:
            chunks = yield collect(oxen.chat.stream(model=model.id, messages=MESSAGES))
            assert "".join(chunk.text or "" for chunk in chunks)
            assert chunks[-1].choices[0].finish_reason == "stop"

    ASYNC(steps, base_url=hub.url)
    assert hub.count("POST", COMPLETIONS) == len(CHAT)
