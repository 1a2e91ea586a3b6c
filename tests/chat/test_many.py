"""Chat requests in batches: blocking calls that are journalled."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import oxen_models.testing
import pytest
from helpers.chat import CHAT_PATH, MODEL
from helpers.client_runner import ClientRunner
from oxen_models import (
    BadRequestError,
    ConfigurationError,
    OutcomeUnknownError,
    UnexpectedResponseError,
    UnpricedRequestError,
    journal,
)
from oxen_models.chat import ChatPartDict, ChatRequest, Completion
from oxen_models.images import QwenImageRequest
from oxen_models.testing import Hub

MEDIA = Path(oxen_models.testing.__file__).parent / "media"


def ask(text: str, model: str = MODEL) -> ChatRequest:
    """Return a request with one message."""
    return ChatRequest(model=model, messages=[{"role": "user", "content": text}])


def collect(run: Any) -> Any:
    """Return the outcomes of a run by index, or a coroutine that does."""
    return (
        _collect_async(run) if hasattr(run, "__aiter__") else sorted(run, key=lambda outcome: outcome.index)
    )


async def _collect_async(run: Any) -> list[Any]:
    return sorted([outcome async for outcome in run], key=lambda outcome: outcome.index)


def run_all(run: ClientRunner, hub: Hub, requests: list[Any], **options: Any) -> list[Any]:
    """Return the outcomes of requests."""
    outcomes: list[Any] = run(lambda oxen: oxen.run_many(requests, **options), collect, base_url=hub.url)
    return outcomes


def test_run_returns_a_completion(run: ClientRunner, hub: Hub) -> None:
    """`run` sends a chat request as other requests."""
    completion = run(lambda oxen: oxen.run(ask("Hello"), timeout=9), base_url=hub.url)
    assert completion.text == "The stand-in read: Hello"


@pytest.mark.slow
def test_batch_mixes_chat_and_media(run: ClientRunner, hub: Hub) -> None:
    """Chat requests are blocking calls, and other requests of the batch are submitted to the queue."""
    requests = [ask("a"), QwenImageRequest(prompt="An ox"), ask("b")]
    outcomes = run_all(run, hub, requests)
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert [outcomes[index].result.text for index in (0, 2)] == [
        "The stand-in read: a",
        "The stand-in read: b",
    ]
    assert [outcome.job_id is None for outcome in outcomes] == [True, False, True]
    assert (hub.count("POST", CHAT_PATH), hub.count("POST", "/api/ai/queue")) == (2, 1)


@pytest.mark.slow
def test_journal_keeps_completions(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A second run yields the completions of the first with their cost, and sends nothing."""
    hub.chat("Moo.", usage={"cost": 0.002}, times=2)
    audio: ChatPartDict = {"type": "audio_url", "audio_url": {"url": MEDIA / "audio.mp3"}}
    speech = ChatRequest(model="gpt-audio", messages=[{"role": "user", "content": [audio]}])
    path = tmp_path / "chat.db"
    first = run_all(run, hub, [ask("a"), speech], journal=path)
    again = run_all(run, hub, [ask("a"), speech], journal=path)
    assert [outcome.result.text for outcome in again] == ["Moo.", "Moo."]
    assert [outcome.cost for outcome in [*first, *again]] == [Decimal("0.002")] * 4
    assert first[0].result.usage == again[0].result.usage
    assert hub.count("POST", CHAT_PATH) == 2
    entries = {entry.model: entry for entry in journal.read(path)}
    assert {entry.state for entry in entries.values()} == {"succeeded"}
    [message] = entries["gpt-audio"].body["messages"]
    assert message["content"][0]["audio_url"]["url"].startswith("sha256:")


@pytest.mark.slow
def test_unknown_outcome_is_not_sent_again(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A cut connection, and a response without an answer, are of unknown outcome in the next run, too."""
    path = tmp_path / "chat.db"
    hub.inject_fault("cut-before-response", times=1, path=CHAT_PATH)
    [cut] = run_all(run, hub, [ask("a")], journal=path)
    hub.respond_next(200, body={"choices": []}, path=CHAT_PATH)
    [_, empty] = run_all(run, hub, [ask("a"), ask("b")], journal=path)
    assert (type(cut.error), type(empty.error)) == (OutcomeUnknownError, UnexpectedResponseError)
    outcomes = run_all(run, hub, [ask("a"), ask("b")], journal=path, reconcile=True)
    assert [type(outcome.error) for outcome in outcomes] == [OutcomeUnknownError] * 2
    assert str(outcomes[0].error).endswith("not sent again; pass resend_unknown=True to send it again")
    assert hub.count("POST", CHAT_PATH) == 2
    outcomes = run_all(run, hub, [ask("a"), ask("b")], journal=path, resend_unknown=True)
    assert all(isinstance(outcome.result, Completion) for outcome in outcomes)


@pytest.mark.slow
def test_rejected_request_is_sent_again(run: ClientRunner, hub: Hub, tmp_path: Path) -> None:
    """A request that was rejected has the error, and the next run sends it again."""
    path = tmp_path / "chat.db"
    hub.chat(error={"code": 400, "message": "too many oxen"})
    [outcome] = run_all(run, hub, [ask("a")], journal=path)
    assert isinstance(outcome.error, BadRequestError)
    [outcome] = run_all(run, hub, [ask("a")], journal=path)
    assert outcome.result.text == "The stand-in read: a"


@pytest.mark.slow
def test_rate_limit_pauses_the_run(run: ClientRunner, hub: Hub) -> None:
    """A rate-limited chat request is sent again when the run continues."""
    hub.respond_next(429, headers={"retry-after": "0"}, path=CHAT_PATH)
    outcomes = run_all(run, hub, [ask("a"), ask("b")], max_in_flight=1)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert hub.count("POST", CHAT_PATH) == 3


@pytest.mark.slow
def test_budget_refuses_unpriced_requests(run: ClientRunner, hub: Hub) -> None:
    """The price of a chat request is not known before it is sent."""
    assert not ask("a").estimate()
    [outcome] = run_all(run, hub, [ask("a")], budget=1)
    assert isinstance(outcome.error, UnpricedRequestError)
    assert hub.count("POST", CHAT_PATH) == 0
    [outcome] = run_all(run, hub, [ask("a")], budget=1, unpriced="allow")
    assert outcome.error is None


def test_target_of_the_client_ends_the_run(run: ClientRunner, hub: Hub) -> None:
    """A client with a target, which applies to submissions only, sends no chat request."""
    with pytest.raises(ConfigurationError, match="target_repo"):
        run(
            lambda oxen: oxen.with_options(target_repo="ox/herd").run_many([ask("a")]),
            collect,
            base_url=hub.url,
        )
    assert hub.count("POST", CHAT_PATH) == 0
