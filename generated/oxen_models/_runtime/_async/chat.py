# Copied by oxen-codegen from templates/package/_runtime/_async/chat.py. Do not edit.
"""The calls of the chat models: complete answers, and streams of chunks."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from decimal import Decimal
from functools import partial
from types import TracebackType
from typing import Any, Self, Unpack

from oxen_models._runtime.json_schema.json_types import is_object

from ..bodies import encode_body
from ..chat_assembly import Assembly
from ..chat_request import build_chat_request
from ..chat_results import Completion, CompletionChunk, IncompleteStreamError, parse_chunk, parse_completion
from ..connections import StreamCutError
from ..context import CallContext
from ..errors import ConfigurationError
from ..local_media import BlockingMediaError
from ..options import RequestOptions
from ..parsing import api_error
from ..request import ChatRequestBase
from ..responses import Response
from ..server_errors import is_error
from ..telemetry import observe
from .session import AsyncSession
from .threads import MAY_BLOCK, run_blocking
from .uploads import upload_media

_DONE = "[DONE]"


class AsyncChatSender:
    """Builds the chat requests of a client and sends them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return self._session.settings.base_url

    async def complete(self, build: partial[ChatRequestBase], options: RequestOptions) -> Completion:
        """Build a request, send it and return the completion. Raises as `complete` does."""
        return await complete(self._session, await _build(build), **options)

    def stream(
        self, build: partial[ChatRequestBase], options: RequestOptions, *, include_usage: bool
    ) -> AsyncChatStream:
        """Return the stream of a request."""
        stream: dict[str, object] = {"stream": True}
        if include_usage:
            stream["stream_options"] = {"include_usage": True}
        return AsyncChatStream(self._session, build, options, stream)


class AsyncChatStream:
    """The chunks of a completion: an iterator, and a context manager that closes it.

    The request is sent with the first chunk that is read. The stream must be read to its end or closed,
    because it holds a connection.
    """

    def __init__(
        self,
        session: AsyncSession,
        build: partial[ChatRequestBase],
        options: RequestOptions,
        stream: Mapping[str, object],
    ) -> None:
        self._assembly = Assembly()
        self._chunks = _read(session, build, options, stream, self._assembly)

    @property
    def completion(self) -> Completion:
        """The completion that was received so far; it is whole once the iteration has ended."""
        return self._assembly.build()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CompletionChunk:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        """End the iteration and release the connection. The answer may be billed in full."""
        await self._chunks.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


async def complete(
    session: AsyncSession, request: ChatRequestBase, **options: Unpack[RequestOptions]
) -> Completion:
    """Send a chat request and return the completion.

    Raises:
        ConfigurationError: An option is not usable, or the client has options that apply to submissions only.
        InvalidRequestError: `extra_body` is not JSON, or contains `stream`.
        OutcomeUnknownError: No response was received; the request may have been accepted.
        UploadError: A file could not be uploaded; the request was not sent.
        OxenError: The server rejected the request, failed, or could not be reached.
    """
    check_targets(session)
    timeout, extra_headers = options.get("timeout"), options.get("extra_headers")
    body = encode_body(request, options.get("extra_body"))
    context = CallContext(model_id=request.model_id)
    with observe("oxen.chat", request.model_id) as call:
        body = await upload_media(session, request, body, timeout)
        response = await session.post(request.endpoint, body, timeout, extra_headers, context)
        completion = parse_completion(response)
        call.record("succeeded", cost=completion.cost)
    return completion


async def _read(
    session: AsyncSession,
    build: partial[ChatRequestBase],
    options: RequestOptions,
    stream_body: Mapping[str, object],
    assembly: Assembly,
) -> AsyncGenerator[CompletionChunk]:
    """Send a request and yield the chunks of its response, which are added to `assembly`."""
    check_targets(session)
    request = await _build(build)
    timeout, extra_headers = options.get("timeout"), options.get("extra_headers")
    body = encode_body(request, options.get("extra_body"), stream_body)
    context = CallContext(model_id=request.model_id)
    with observe("oxen.chat", request.model_id, is_current=False) as call:
        body = await upload_media(session, request, body, timeout)
        stream = session.stream_post(request.endpoint, body, timeout, extra_headers, context)
        cost: Decimal | None = None
        reason: str | None = "neither a finish reason nor [DONE] was received"
        try:
            async with aclosing(stream) as events:
                async for data in events:
                    if data.strip() == _DONE:
                        reason = None
                        break
                    chunk = parse_chunk(_parse_event(data, context))
                    assembly.add(chunk)
                    if chunk.usage is not None:
                        cost = chunk.usage.cost
                    yield chunk
        except StreamCutError as error:
            reason = str(error)
        if reason is not None and not assembly.is_finished:
            raise IncompleteStreamError(reason, assembly.build())
        call.record("succeeded", cost=cost)


def _parse_event(data: str, context: CallContext) -> dict[str, Any]:
    """Return the JSON object of an event.

    Raises:
        StreamCutError: It is not a JSON object.
        APIError: It is an error.
    """
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if not is_object(event):
        raise StreamCutError(f"an event is not a JSON object: {data[:80]!r}")
    if is_error(event):
        raise api_error(Response(200, {}, event), data.encode(), context)
    return event


def check_targets(session: AsyncSession) -> None:
    """Raise a `ConfigurationError` if the client has options that apply to submissions only."""
    if session.settings.targets:
        names = " and ".join(session.settings.targets)
        raise ConfigurationError(f"{names} cannot be used by a chat call; use a client without {names}")


async def _build(build: partial[ChatRequestBase]) -> ChatRequestBase:
    with suppress(BlockingMediaError):
        return build_chat_request(build, may_block=MAY_BLOCK)
    return await run_blocking(build_chat_request, build)
