"""`oxen.chat.stream`: chunks, ends, interruptions and the release of connections."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from helpers.chat import CHAT_PATH, MODEL, close, collect, complete, in_turn, open_stream, read_one
from helpers.client_runner import ClientRunner
from oxen_models import (
    APIError,
    IncompleteStreamError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    Oxen,
    RateLimitError,
)
from oxen_models.testing import Hub

CALLS = [("weather", {"city": "Oslo"}), ("weather", {"city": "Bern"})]


def drop(stream: object) -> None:
    """Do nothing with a stream."""


def as_stream(*events: str) -> dict[str, Any]:
    """Return the arguments of a planned response with these events."""
    body = "".join(f"data: {event}\n\n" for event in events)
    return {"status": 200, "body": body, "headers": {"content-type": "text/event-stream"}, "path": CHAT_PATH}


@pytest.mark.slow
def test_stream_yields_the_pieces_of_the_answer(run: ClientRunner, hub: Hub) -> None:
    """The texts of the chunks are the text of the answer, which is complete at the end."""
    hub.chat("The ox says moo.", times=2)
    stream = run(open_stream(), in_turn(collect, lambda stream: stream), base_url=hub.url)
    assert stream.completion.text == "The ox says moo."
    chunks = run(open_stream(), collect, base_url=hub.url)
    assert [chunk.text for chunk in chunks] == ["", "The", " ox", " says", " moo.", ""]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 5 + ["stop"]
    assert {chunk.model for chunk in chunks} == {"claude-sonnet-5"}
    sent: Any = hub.requests[-1].body
    assert (sent["stream"], "stream_options" in sent) == (True, False)


def test_stream_includes_the_usage(run: ClientRunner, hub: Hub) -> None:
    """With `include_usage`, the last chunk has no choice and the usage."""
    stream = run(open_stream(include_usage=True), in_turn(collect, lambda stream: stream), base_url=hub.url)
    assert stream.completion.usage.total_tokens > 0
    *others, last = run(open_stream(include_usage=True), collect, base_url=hub.url)
    assert (last.choices, last.usage.total_tokens > 0) == ((), True)
    assert {chunk.usage for chunk in others} == {None}


def test_stream_assembles_tool_calls(run: ClientRunner, hub: Hub) -> None:
    """The pieces of tool calls are joined by their index, and equal those of an answer at once."""
    hub.chat(tool_calls=CALLS, times=2)
    stream = run(open_stream(), in_turn(collect, lambda stream: stream), base_url=hub.url)
    completion = stream.completion
    assert [call.parse_arguments()["city"] for call in completion.tool_calls] == ["Oslo", "Bern"]
    assert completion.tool_calls == run(complete(), base_url=hub.url).tool_calls
    assert (completion.finish_reason, completion.message.content) == ("tool_calls", "")


def test_refusal_is_streamed(run: ClientRunner, hub: Hub) -> None:
    """The pieces of a refusal are joined."""
    hub.chat(refusal="I must not.")
    stream = run(open_stream(), in_turn(collect, lambda stream: stream), base_url=hub.url)
    assert stream.completion.message.refusal == "I must not."


@pytest.mark.slow
def test_finish_reason_without_done_is_complete(run: ClientRunner, hub: Hub) -> None:
    """A stream that ends after the finish reason is complete, also if the connection is cut then."""
    hub.chat("Moo.", end="finish-reason")
    assert len(run(open_stream(), collect, base_url=hub.url)) == 3
    choice = '{"choices": [{"delta": {"content": "Moo."}, "finish_reason": "stop"}]}'
    hub.respond_next(**as_stream(choice, "not JSON"))
    assert len(run(open_stream(), collect, base_url=hub.url)) == 1


def test_done_without_finish_reason_is_complete(run: ClientRunner, hub: Hub) -> None:
    """A stream that ends with [DONE] is complete."""
    hub.respond_next(**as_stream('{"choices": [{"delta": {"content": "Moo."}}]}', "[DONE]"))
    assert len(run(open_stream(), collect, base_url=hub.url)) == 1


def test_cut_stream_raises_with_what_arrived(run: ClientRunner, hub: Hub) -> None:
    """A stream without finish reason and [DONE] raises, is not sent again, and its text is kept."""
    hub.chat("The ox says", end="cut")
    error = run.expect_error(IncompleteStreamError, open_stream(), collect, base_url=hub.url)
    assert issubclass(IncompleteStreamError, OutcomeUnknownError)
    assert (error.completion.text, error.completion.finish_reason) == ("The ox says", None)
    assert "11 characters of the answer arrived" in str(error)
    assert hub.count("POST", CHAT_PATH) == 1


@pytest.mark.async_values
@pytest.mark.parametrize("events", [("[1]",), ("not JSON",), ('{"choices": []}',), ()])
def test_stream_without_an_answer_raises(run: ClientRunner, hub: Hub, events: tuple[str, ...]) -> None:
    """Events that are no chunks, or none at all, are an incomplete stream with an empty answer."""
    hub.respond_next(**as_stream(*events, *([": only a comment"] if not events else [])))
    error = run.expect_error(IncompleteStreamError, open_stream(), collect, base_url=hub.url)
    assert error.completion.text == ""


def test_cut_connection_raises_with_what_arrived(run: ClientRunner, hub: Hub) -> None:
    """A connection that breaks within the stream raises an incomplete stream."""
    hub.inject_fault("cut-mid-response", times=1, path=CHAT_PATH)
    run.expect_error(IncompleteStreamError, open_stream(), collect, base_url=hub.url)
    assert hub.count("POST", CHAT_PATH) == 1


@pytest.mark.slow
def test_error_in_the_stream_raises(run: ClientRunner, hub: Hub) -> None:
    """An error object in the stream raises the error of its code, after the chunks before it."""
    hub.chat("The ox", error={"code": 429, "message": "too many oxen", "type": "rate_limited"})
    error = run.expect_error(RateLimitError, open_stream(), collect, base_url=hub.url)
    assert (error.detail, error.type) == ("too many oxen", "rate_limited")
    hub.chat("The ox", error={"message": "the provider failed"})
    error = run.expect_error(APIError, open_stream(), collect, base_url=hub.url)
    assert error.detail == "the provider failed"


@pytest.mark.slow
def test_rejection_of_a_stream_raises(run: ClientRunner, hub: Hub) -> None:
    """An error response raises as without a stream; a rate limit is retried."""
    run.expect_error(NotFoundError, open_stream(model="no-such-model"), collect, base_url=hub.url)
    hub.respond_next(429, headers={"retry-after": "0"}, path=CHAT_PATH)
    assert run(open_stream(), collect, base_url=hub.url)
    hub.inject_fault("cut-before-response", times=1, path=CHAT_PATH)
    run.expect_error(OutcomeUnknownError, open_stream(), collect, base_url=hub.url)
    assert hub.count("POST", CHAT_PATH) == 4


def test_stream_with_wrong_extra_body_raises(run: ClientRunner, hub: Hub) -> None:
    """The errors of an `extra_body` are those of other calls."""
    stream = open_stream(extra_body="temperature")
    error = run.expect_error(InvalidRequestError, lambda oxen: collect(stream(oxen)), base_url=hub.url)
    assert str(error).startswith(f"{MODEL}: extra_body='temperature': must be a mapping")
    stream = open_stream(extra_body={"stream": False})
    error = run.expect_error(InvalidRequestError, lambda oxen: collect(stream(oxen)), base_url=hub.url)
    assert str(error) == f"{MODEL}: extra_body['stream']=False: cannot be set here; chat.stream() sets it"
    assert hub.requests == []


def test_stream_is_sent_with_the_first_chunk(run: ClientRunner, hub: Hub) -> None:
    """A stream that is not read sends nothing; an invalid request raises when it is read."""
    run(open_stream(), base_url=hub.url)
    assert hub.count("POST", CHAT_PATH) == 0
    run.expect_error(InvalidRequestError, open_stream("Hello"), collect, base_url=hub.url)
    assert hub.count("POST", CHAT_PATH) == 0


def test_answer_at_once_is_a_single_chunk(run: ClientRunner, hub: Hub) -> None:
    """A server that does not stream is accepted: its answer is one chunk."""
    message = {"role": "assistant", "content": "Moo."}
    body = {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    hub.respond_next(200, body=body, path=CHAT_PATH)
    [chunk] = run(open_stream(), collect, base_url=hub.url)
    assert chunk.text == "Moo."


@pytest.mark.parametrize("leave", [close, drop], ids=["closed", "dropped"])
def test_leaving_a_stream_releases_its_connection(run: ClientRunner, hub: Hub, leave: Any) -> None:
    """After a stream is closed or dropped, the only connection of the pool serves the next request."""
    hub.chat("The ox says moo.", chunk_time=0.01)
    http = run.make_http_client(limits=httpx.Limits(max_connections=1))
    texts: list[str] = []
    run(
        in_turn(lambda oxen: in_turn(read_one, leave)(open_stream()(oxen)), complete(timeout=5)),
        lambda completion: texts.append(completion.text),
        lambda _: close(http),
        base_url=hub.url,
        http_client=http,
    )
    assert texts == ["The stand-in read: Hello, ox."]


def test_closed_stream_yields_nothing(run: ClientRunner, hub: Hub) -> None:
    """A closed stream has ended, and keeps what arrived."""
    hub.chat("The ox says moo.")
    stream = run(open_stream(), in_turn(read_one, read_one, close, lambda stream: stream), base_url=hub.url)
    assert stream.completion.text == "The"


def test_context_manager_closes_the_stream(own_hub: Hub) -> None:
    """After the block, the iteration has ended."""
    own_hub.chat("The ox says moo.")
    with Oxen("any", base_url=own_hub.url) as oxen:
        with open_stream()(oxen) as stream:
            next(stream)
        assert list(stream) == []


def test_silent_stream_times_out(run: ClientRunner, hub: Hub) -> None:
    """A stream whose next chunk does not arrive within the timeout raises with what arrived."""
    hub.chat("The ox", chunk_time=60)
    error = run.expect_error(IncompleteStreamError, open_stream(timeout=0.2), collect, base_url=hub.url)
    assert error.reason == "nothing was received for 0.2 s"


@pytest.mark.slow
def test_too_long_event_raises(run: ClientRunner, hub: Hub) -> None:
    """An event above the limit ends the stream with an error."""
    hub.respond_next(**as_stream("x" * (8 * 2**20 + 1)))
    error = run.expect_error(IncompleteStreamError, open_stream(), collect, base_url=hub.url)
    assert "larger than 8,388,608 bytes" in error.reason


def test_stream_repeats_no_key(run: ClientRunner, hub: Hub) -> None:
    """A key that the server repeats in a chunk is replaced."""
    hub.chat(f"Your key is {run.KEY}", end="cut")
    error = run.expect_error(IncompleteStreamError, open_stream(), collect, base_url=hub.url)
    assert error.completion.text.startswith("Your key is [")
