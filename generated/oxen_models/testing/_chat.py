# Copied by oxen-codegen from templates/package/testing/_chat.py. Do not edit.
"""The chat endpoint, which answers with the last message. It calls no tools and reads no media."""

import json
import time
import uuid
from collections.abc import AsyncIterator

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ._errors import RequestError
from ._json import JSON, as_list, as_object, json_response
from ._models import Model
from ._state import State
from ._validation import read_body

_MAX_QUOTED_LENGTH = 200


def chat_routes(state: State) -> list[Route]:
    async def complete(request: Request) -> Response:
        body = read_body(request, await request.body())
        model = _find_model(state, body)
        messages = as_list(body.get("messages") or [])
        if not messages:
            raise RequestError(400, None, "Messages array cannot be empty")
        text = f"The stand-in read: {_last_text(messages)[:_MAX_QUOTED_LENGTH]}"
        usage = _count_tokens(messages, text)
        await anyio.sleep(state.generation_time or 0.0)
        head: dict[str, JSON] = {
            "id": f"chatcmpl-{uuid.uuid4()}",
            "created": int(time.time()),
            "model": model["id"],
        }
        if body.get("stream") is True:
            has_usage = as_object(body.get("stream_options")).get("include_usage") is True
            chunks = _stream(head, text, usage if has_usage else None)
            return StreamingResponse(chunks, media_type="text/event-stream")
        message: JSON = {"role": "assistant", "content": text}
        choice: JSON = {"index": 0, "message": message, "finish_reason": "stop"}
        return json_response({**head, "object": "chat.completion", "choices": [choice], "usage": usage})

    return [Route("/api/ai/chat/completions", complete, methods=["POST"])]


def _find_model(state: State, body: dict[str, JSON]) -> Model:
    if body.get("model") is None:
        raise RequestError(400, None, "You must specify a model to call")
    id = str(body["model"])
    model = state.models.get(id)
    if model is None:
        raise RequestError(404, None, f"Model not found: {id}")
    outputs = as_list(as_object(model.get("capabilities")).get("output"))
    if "text" not in outputs:
        raise RequestError(400, None, f"model: {id} is not a chat model")
    return model


def _last_text(messages: list[JSON]) -> str:
    content = as_object(messages[-1]).get("content")
    if isinstance(content, str):
        return content
    parts = (as_object(part).get("text") for part in as_list(content))
    return " ".join(text for text in parts if isinstance(text, str))


def _count_tokens(messages: list[JSON], answer: str) -> JSON:
    """Return the usage, with a word as a token."""
    prompt, completion = len(json.dumps(messages).split()), len(answer.split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


async def _stream(head: dict[str, JSON], text: str, usage: JSON) -> AsyncIterator[str]:
    def encode(choices: list[JSON], **more: JSON) -> str:
        chunk = {**head, "object": "chat.completion.chunk", "choices": choices, **more}
        return f"data: {json.dumps(chunk)}\n\n"

    def encode_delta(delta: JSON, finish_reason: JSON = None) -> str:
        return encode([{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    yield encode_delta({"role": "assistant", "content": ""})
    for piece in text.partition(" "):
        yield encode_delta({"content": piece})
    yield encode_delta({}, "stop")
    if usage is not None:
        yield encode([], usage=usage)
    yield "data: [DONE]\n\n"
