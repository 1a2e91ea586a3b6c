"""`oxen.chat.complete`: requests, completions and errors."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from typing import Any, get_args

import oxen_models
import pytest
from helpers.chat import CHAT_PATH, MODEL, QUESTION, complete, open_stream, read_one
from helpers.client_runner import ClientRunner
from oxen_models import (
    BadRequestError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    Oxen,
    RateLimitError,
    UnexpectedResponseError,
    catalog,
)
from oxen_models.chat import ChatModel, ChatRequest, ToolCall
from oxen_models.testing import Hub
from pydantic import ValidationError

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


def test_complete_returns_the_answer(run: ClientRunner, hub: Hub) -> None:
    """The completion has text, finish reason, model and usage; the body has what was passed only."""
    completion = run(complete(temperature=0.5), base_url=hub.url)
    assert completion.text == completion.message.content == "The stand-in read: Hello, ox."
    assert (completion.model, completion.finish_reason, completion.tool_calls) == (MODEL, "stop", ())
    assert completion.usage.total_tokens == completion.response.json["usage"]["total_tokens"]
    assert hub.requests[-1].body == {"model": MODEL, "messages": QUESTION, "temperature": 0.5}


def test_usage_keeps_unknown_fields(run: ClientRunner, hub: Hub) -> None:
    """The usage has cached tokens and the cost if the server sends them, and keeps all other fields."""
    details = {"cached_tokens": 3, "audio_tokens": 1}
    hub.chat("Moo.", usage={"prompt_tokens_details": details, "cost": 0.0012, "ox_tokens": 7})
    usage = run(complete(), base_url=hub.url).usage
    assert (usage.cached_tokens, usage.cost) == (3, Decimal("0.0012"))
    assert (usage.record["ox_tokens"], usage.record["prompt_tokens_details"]) == (7, details)


def test_received_message_can_be_sent_back(run: ClientRunner, hub: Hub) -> None:
    """A message with a tool call continues the conversation, without its fields that are null."""
    hub.chat(tool_calls=[("weather", {"city": "Oslo"})])
    first = run(complete(tools=[WEATHER]), base_url=hub.url)
    [call] = first.tool_calls
    assert (first.finish_reason, first.text, call.name) == ("tool_calls", "", "weather")
    assert call.parse_arguments() == {"city": "Oslo"}
    answer = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    run(complete([*QUESTION, first.message, answer]), base_url=hub.url)
    sent: Any = hub.requests[-1].body
    assert sent["messages"] == [*QUESTION, first.response.json["choices"][0]["message"], answer]


@pytest.mark.parametrize("arguments", ["[]", "{", "3"])
def test_arguments_that_are_no_object_raise(arguments: str) -> None:
    """Arguments that the model wrote wrongly are available as text, and raise when they are parsed."""
    call = ToolCall("id", "weather", arguments)
    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        call.parse_arguments()


def test_required_tool_is_called(run: ClientRunner, hub: Hub) -> None:
    """The stand-in calls the function that the request requires."""
    assert (
        run(complete(tools=[WEATHER], tool_choice="required"), base_url=hub.url).tool_calls[0].name
        == "weather"
    )


def test_json_answer_and_refusal_are_read(run: ClientRunner, hub: Hub) -> None:
    """An object is answered as JSON; a refusal has no text."""
    hub.chat({"breed": "Angus"})
    hub.chat(refusal="I must not.", finish_reason="content_filter")
    response_format = {"type": "json_object"}
    assert run(complete(response_format=response_format), base_url=hub.url).text == '{"breed": "Angus"}'
    refused = run(complete(response_format=response_format), base_url=hub.url)
    assert (refused.text, refused.message.refusal, refused.finish_reason) == (
        "",
        "I must not.",
        "content_filter",
    )
    assert run(complete(response_format=response_format), base_url=hub.url).text.startswith('{"text"')


@pytest.mark.async_values
@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"messages": [{"role": "usr", "content": "x"}]}, "messages[0].role='usr': must be 'system'"),
        ({"messages": [{"role": "user", "contents": "x"}]}, "must have content or tool_calls"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 3}]}]},
            "messages[0].content[0].text=3",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "a part of type 'text' must have 'text'",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            "messages[0].content[0].type='image'",
        ),
        ({"messages": "Hello"}, "messages='Hello': must be a valid list"),
        ({"messages": []}, "messages=[]: must have at least 1 item, got 0"),
        ({"messages": QUESTION, "temperature": 3}, "temperature=3: must be less than or equal to 2"),
        ({"messages": QUESTION, "tools": [{"type": "function"}]}, "tools[0].function"),
        ({"messages": QUESTION, "model": 4}, "model=4"),
    ],
)
def test_invalid_values_are_not_sent(
    run: ClientRunner, hub: Hub, parameters: dict[str, Any], text: str
) -> None:
    """An error names the place of the value; nothing is sent."""
    error = run.expect_error(InvalidRequestError, complete(**parameters), base_url=hub.url)
    assert text in str(error)
    assert hub.count("POST", CHAT_PATH) == 0


@pytest.mark.slow
def test_deep_content_is_not_sent(run: ClientRunner, hub: Hub) -> None:
    """Content that is nested too deeply is invalid, and is not sent."""
    content: Any = "x"
    for _ in range(100_000):
        content = [content]
    step = complete([{"role": "user", "content": content}])
    run.expect_error(InvalidRequestError, step, base_url=hub.url)
    assert hub.count("POST", CHAT_PATH) == 0


def test_unknown_parameter_is_a_type_error(hub: Hub) -> None:
    """A parameter that the call does not have raises, with the nearest name."""
    with Oxen("any", base_url=hub.url) as oxen, pytest.raises(TypeError, match="did you mean 'temperature'"):
        oxen.chat.complete(model=MODEL, messages=[], temprature=1)  # type: ignore[call-arg]  # pyright: ignore


def test_extra_body_is_sent(run: ClientRunner, hub: Hub) -> None:
    """`extra_body` adds parameters that the documentation does not have."""
    run(complete(extra_body={"reasoning_effort": "low"}, extra_headers={"x-mark": "m"}), base_url=hub.url)
    request = hub.requests[-1]
    assert isinstance(request.body, dict)
    assert (request.body["reasoning_effort"], request.headers["x-mark"]) == ("low", "m")


def test_stream_in_extra_body_is_not_sent(run: ClientRunner, hub: Hub) -> None:
    """A complete call does not request a stream, which it could not read and which would be billed."""
    error = run.expect_error(InvalidRequestError, complete(extra_body={"stream": True}), base_url=hub.url)
    assert str(error) == f"{MODEL}: extra_body['stream']=True: cannot be set here; chat.stream() sets it"
    assert hub.requests == []


def test_target_of_the_client_is_a_configuration_error(run: ClientRunner, hub: Hub) -> None:
    """A client with a target, which applies to submissions only, sends no chat request."""
    step = complete()
    run.expect_error(
        ConfigurationError, lambda oxen: step(oxen.with_options(target_repo="ox/herd")), base_url=hub.url
    )
    assert hub.count("POST", CHAT_PATH) == 0


@pytest.mark.parametrize(
    ("parameters", "kind", "text"),
    [
        ({"model": "no-such-model"}, NotFoundError, "Model not found: no-such-model"),
        ({"temperature": 1, "top_p": 1}, BadRequestError, "temperature and top_p"),
    ],
)
def test_rejection_raises_with_the_servers_text(
    run: ClientRunner, hub: Hub, parameters: dict[str, Any], kind: Any, text: str
) -> None:
    """A refusal of the hub or of a provider raises the error of its status."""
    assert text in run.expect_error(kind, complete(**parameters), base_url=hub.url).detail


@pytest.mark.slow
def test_accepted_request_is_never_sent_again(run: ClientRunner, hub: Hub) -> None:
    """A cut connection and a failing gateway are not retried; a rate limit is."""
    hub.inject_fault("cut-before-response", times=1, path=CHAT_PATH)
    run.expect_error(OutcomeUnknownError, complete(), base_url=hub.url)
    hub.respond_next(502, path=CHAT_PATH)
    run.expect_error(oxen_models.ServerError, complete(), base_url=hub.url)
    assert hub.count("POST", CHAT_PATH) == 2
    hub.respond_next(429, headers={"retry-after": "0"}, path=CHAT_PATH)
    run(complete(), base_url=hub.url)
    hub.respond_next(429, path=CHAT_PATH)
    run.expect_error(RateLimitError, complete(), base_url=hub.url, max_retries=0)
    assert hub.count("POST", CHAT_PATH) == 5


def test_response_without_an_answer_raises(run: ClientRunner, hub: Hub) -> None:
    """A response that is not a completion is kept on the error."""
    hub.respond_next(200, body={"choices": []}, path=CHAT_PATH)
    error = run.expect_error(UnexpectedResponseError, complete(), base_url=hub.url)
    assert error.response.json == {"choices": []}


def test_odd_answers_are_read(run: ClientRunner, hub: Hub) -> None:
    """Content as parts, arguments as an object and missing fields are accepted."""
    content: list[dict[str, Any]] = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Moo."}]
    call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    message: dict[str, Any] = {"content": content, "tool_calls": [call]}
    hub.respond_next(200, body={"choices": [{"message": message}]}, path=CHAT_PATH)
    completion = run(complete(), base_url=hub.url)
    assert (completion.text, completion.finish_reason, completion.usage) == ("Moo.", None, None)
    assert completion.tool_calls[0].parse_arguments() == {"city": "Oslo"}


def test_request_is_a_value() -> None:
    """A request can be compared, copied, pickled, and made from its body; it cannot be changed."""
    request = ChatRequest(model=MODEL, messages=[{"role": "user", "content": "Hello"}], max_tokens=3)
    assert request == ChatRequest.from_body(request.body())
    assert request == pickle.loads(pickle.dumps(request)) == copy.deepcopy(request)
    assert (request.model_id, request.endpoint) == (MODEL, "/chat/completions")
    with pytest.raises(ValidationError):
        request.model = "gpt-4o"
    with pytest.raises(ValidationError, match="extra"):
        ChatRequest.from_body({**request.body(), "stream": True})


def test_chat_model_lists_the_recorded_ids() -> None:
    """The Literal has the ids of the catalogue's chat models."""
    assert sorted(get_args(ChatModel)) == sorted(model.id for model in catalog.models(family="chat"))
    assert len(get_args(ChatModel)) == 70


def test_misspelt_model_has_a_suggestion(run: ClientRunner, hub: Hub) -> None:
    """The error of an unknown model names the nearest recorded one, in a stream, too."""
    for step in (complete(model="claude-sonet-5"), open_stream(model="claude-sonet-5")):
        error = run.expect_error(NotFoundError, step, read_one, base_url=hub.url)
        assert "claude-sonnet-5" in str(error)
