# Copied by oxen-codegen from templates/package/testing/_chat.py. Do not edit.
"""The chat endpoint. It answers with the last message, or as a test has scripted."""

import json
import time
import uuid
from collections.abc import AsyncIterator

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ._chat_script import ChatAnswer, default_answer
from ._chat_validation import validate_chat
from ._errors import RequestError
from ._json import JSON, as_list, as_object, json_response
from ._models import Model
from ._state import State
from ._validation import read_body


def chat_routes(state: State) -> list[Route]:
    async def complete(request: Request) -> Response:
        body = read_body(request, await request.body())
        model = _find_model(state, body)
        validate_chat(model, body)
        answer = state.chat.draw(str(model["id"])) or default_answer(body)
        is_stream = body.get("stream") is True
        if answer.error is not None and not is_stream:
            code = answer.error.get("code")
            status = code if isinstance(code, int) and 200 <= code <= 999 else 500
            return json_response({"error": answer.error}, status)
        await anyio.sleep(state.generation_time or 0.0)
        usage = _count_tokens(as_list(body["messages"]), answer)
        head: dict[str, JSON] = {
            "id": f"chatcmpl-{uuid.uuid4()}",
            "created": int(time.time()),
            "model": model["id"],
        }
        if is_stream:
            has_usage = as_object(body.get("stream_options")).get("include_usage") is True
            chunks = _stream(head, answer, usage if has_usage else None)
            return StreamingResponse(chunks, media_type="text/event-stream")
        choice: JSON = {"index": 0, "message": answer.message(), "finish_reason": answer.finish_reason}
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


def _count_tokens(messages: list[JSON], answer: ChatAnswer) -> JSON:
    """Return the usage, with a word as a token."""
    prompt, completion = len(json.dumps(messages).split()), len(json.dumps(answer.message()).split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **answer.usage,
    }


async def _stream(head: dict[str, JSON], answer: ChatAnswer, usage: JSON) -> AsyncIterator[str]:
    def encode(choices: list[JSON], **more: JSON) -> str:
        chunk = {**head, "object": "chat.completion.chunk", "choices": choices, **more}
        return f"data: {json.dumps(chunk)}\n\n"

    def encode_delta(delta: JSON, finish_reason: JSON = None) -> str:
        return encode([{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    yield encode_delta({"role": "assistant", "content": ""})
    for delta in answer.deltas():
        await anyio.sleep(answer.chunk_time)
        yield encode_delta(delta)
    if answer.error is not None:
        yield f"data: {json.dumps({'error': answer.error})}\n\n"
    if answer.end == "cut" or answer.error is not None:
        return
    yield encode_delta({}, answer.finish_reason)
    if usage is not None:
        yield encode([], usage=usage)
    if answer.end == "done":
        yield "data: [DONE]\n\n"
