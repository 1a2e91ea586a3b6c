"""Tests of the chat endpoint, with httpx alone."""

import json
from typing import Any

import httpx
import pytest

CHAT = "/api/ai/chat/completions"
BODY: dict[str, Any] = {"model": "claude-sonnet-5", "messages": [{"role": "user", "content": "Hello, ox."}]}


def read_chunks(api: httpx.Client, **parameters: Any) -> list[Any]:
    """Return the data of a stream, which ends with [DONE]."""
    response = api.post(CHAT, json={**BODY, "stream": True, **parameters})
    assert response.headers["content-type"].startswith("text/event-stream")
    *frames, last, rest = response.text.split("\n\n")
    assert (last, rest) == ("data: [DONE]", "")
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


def test_chat_response_has_the_vendors_form(api: httpx.Client) -> None:
    """A response has one choice, which quotes the last message, and the usage."""
    completion = api.post(CHAT, json=BODY).json()
    [choice] = completion["choices"]
    assert (completion["object"], completion["model"]) == ("chat.completion", "claude-sonnet-5")
    assert (choice["message"]["role"], choice["finish_reason"]) == ("assistant", "stop")
    assert choice["message"]["content"].endswith("Hello, ox.")
    usage = completion["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


def test_chat_reads_the_text_of_parts(api: httpx.Client) -> None:
    """The text among the parts of a message is read."""
    image = {"type": "image_url", "image_url": {"url": "https://example.com/ox.png"}}
    messages = [{"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}]
    completion = api.post(CHAT, json={**BODY, "messages": messages}).json()
    assert completion["choices"][0]["message"]["content"].endswith("What is this?")


def test_stream_has_the_text_of_the_response(api: httpx.Client) -> None:
    """The pieces of a stream are the text of the response, and the last piece has the reason of its end."""
    text = api.post(CHAT, json=BODY).json()["choices"][0]["message"]["content"]
    choices = [chunk["choices"][0] for chunk in read_chunks(api)]
    assert "".join(choice["delta"].get("content", "") for choice in choices) == text
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]


def test_stream_ends_with_the_usage_on_demand(api: httpx.Client) -> None:
    """The last chunk has no choice and the usage, if the request includes it."""
    *_, last = read_chunks(api, stream_options={"include_usage": True})
    assert (last["choices"], last["usage"]["total_tokens"] > 0) == ([], True)


@pytest.mark.parametrize(
    ("parameters", "status", "message"),
    [
        ({"model": None}, 400, "You must specify a model to call"),
        ({"model": "no-such-model"}, 404, "Model not found: no-such-model"),
        ({"model": "qwen-image"}, 400, "model: qwen-image is not a chat model"),
        ({"messages": []}, 400, "Messages array cannot be empty"),
    ],
)
def test_chat_refuses_invalid_bodies(
    api: httpx.Client, parameters: dict[str, Any], status: int, message: str
) -> None:
    """A refusal has a message only."""
    response = api.post(CHAT, json={**BODY, **parameters})
    assert (response.status_code, response.json()["error"]["message"]) == (status, message)
