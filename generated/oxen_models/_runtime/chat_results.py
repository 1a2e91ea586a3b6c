# Copied by oxen-codegen from templates/package/_runtime/chat_results.py. Do not edit.
"""Completions of chat models, and the chunks of streamed ones. Pure.

Values keep what the server sent as `record`, so that fields that the API does not document are available.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .errors import OutcomeUnknownError, UnexpectedResponseError
from .generations import parse_dollars
from .parsing import created_at
from .responses import Response
from .values import count, text


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of a completion. None stands for a number that the server did not send."""

    prompt_tokens: int | None
    """The tokens of the request. Some providers do not count those that they had cached."""
    completion_tokens: int | None
    """The tokens of the answer."""
    total_tokens: int | None
    """The tokens of both."""
    cached_tokens: int | None
    """The tokens of the request that the provider had cached."""
    cost: Decimal | None
    """US dollars."""
    record: Mapping[str, Any] = field(repr=False)
    """The usage as received."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a function that the model requests."""

    id: str
    """The id, which the message with the function's result repeats as `tool_call_id`."""
    name: str
    """The name of the function."""
    arguments: str
    """The arguments as the model wrote them: JSON in most cases."""

    def parse_arguments(self) -> dict[str, Any]:
        """Return the arguments.

        Raises:
            ValueError: They are not a JSON object.
        """
        arguments = json.loads(self.arguments or "{}")
        if not is_object(arguments):
            raise ValueError(f"arguments of {self.name} must be a JSON object, got {self.arguments!r:.80}")
        return arguments


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the model. It can be sent back as one of the `messages` of the next request."""

    role: str
    """`assistant` in most cases."""
    content: str | None
    """The text; None if there is none."""
    tool_calls: tuple[ToolCall, ...]
    """The calls of functions that the model requests."""
    refusal: str | None
    """The reason why the model does not answer; None if it answers, or the provider has no such field."""
    record: Mapping[str, Any] = field(repr=False)
    """The message as received."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer."""

    index: int
    message: Message
    finish_reason: str | None
    """stop, length, tool_calls or a reason that the API does not document; None in an incomplete answer."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer of a chat model."""

    id: str | None
    """The server's id of the completion."""
    model: str | None
    """The model, as the response names it."""
    created: int | None
    """When the answer was made, in Unix seconds."""
    choices: tuple[Choice, ...]
    """The answers. There is one, unless `extra_body` requests several."""
    usage: Usage | None
    """The tokens; None if the server did not send them."""
    response: Response = field(compare=False)
    """The response. For a streamed completion, `json` is made of its chunks."""

    @property
    def message(self) -> Message:
        """The message of the first answer."""
        return self.choices[0].message

    @property
    def text(self) -> str:
        """The text of the first answer; empty if there is none."""
        return self.message.content or ""

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls of functions in the first answer."""
        return self.message.tool_calls

    @property
    def cost(self) -> Decimal | None:
        """The cost in dollars; None if the server did not send it."""
        return None if self.usage is None else self.usage.cost

    @property
    def finish_reason(self) -> str | None:
        """The reason why the first answer ended."""
        return self.choices[0].finish_reason


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a call of a function. The pieces with the same index belong together."""

    index: int
    id: str | None
    name: str | None
    arguments: str
    """The next piece of the arguments; may be empty."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a message."""

    role: str | None
    content: str | None
    """The next piece of the text; None without one."""
    tool_calls: tuple[ToolCallDelta, ...]
    refusal: str | None
    record: Mapping[str, Any] = field(repr=False)
    """The piece as received."""


@dataclass(frozen=True, slots=True)
class ChunkChoice:
    """A piece of one answer."""

    index: int
    delta: Delta
    finish_reason: str | None
    """The reason why the answer ended; None before its end."""


@dataclass(frozen=True, slots=True)
class CompletionChunk:
    """A chunk of a streamed completion."""

    id: str | None
    model: str | None
    created: int | None
    choices: tuple[ChunkChoice, ...]
    """The pieces; empty in a chunk that has the usage only."""
    usage: Usage | None
    """None except in the last chunk, with `include_usage=True`."""
    record: Mapping[str, Any] = field(repr=False)
    """The chunk as received."""

    @property
    def text(self) -> str:
        """The next piece of the first answer's text; may be empty."""
        return "".join(choice.delta.content or "" for choice in self.choices if choice.index == 0)


class IncompleteStreamError(OutcomeUnknownError):
    """The stream of a chat completion ended before the answer did. The request is billed.

    Attributes:
        reason: Why the stream ended.
        completion: The part of the answer that arrived, with an empty text if nothing did.
    """

    def __init__(self, reason: str, completion: Completion) -> None:
        super().__init__(reason, completion)
        self.reason = reason
        self.completion = completion

    def _text(self) -> str:
        length = len(self.completion.text)
        return (
            f"the stream ended before the answer did: {self.reason}; {length:,} characters of the answer "
            "arrived, and the request is not sent again because it is billed"
        )


IncompleteStreamError.__module__ = "oxen_models"  # the public module


def parse_completion(response: Response) -> Completion:
    """Return the completion in a response.

    Raises:
        UnexpectedResponseError: The response has no answer.
    """
    body = response.json
    choices = tuple(
        Choice(
            _index(choice, position),
            _parse_message(_object(choice, "message")),
            text(choice, "finish_reason"),
        )
        for position, choice in enumerate(_objects(body, "choices"))
    )
    if not choices:
        raise UnexpectedResponseError("the response has no answer of the model", response=response)
    return Completion(
        text(body, "id"), text(body, "model"), created_at(body), choices, _parse_usage(body), response
    )


def parse_chunk(body: Mapping[str, Any]) -> CompletionChunk:
    """Return a chunk. A completion, which a server may send in place of chunks, is a single one."""
    choices = tuple(
        ChunkChoice(
            _index(choice, position),
            _parse_delta(_object(choice, "delta") or _object(choice, "message")),
            text(choice, "finish_reason"),
        )
        for position, choice in enumerate(_objects(body, "choices"))
    )
    return CompletionChunk(
        text(body, "id"), text(body, "model"), created_at(body), choices, _parse_usage(body), body
    )


def _parse_usage(body: Mapping[str, Any]) -> Usage | None:
    usage: object = body.get("usage")
    if not is_object(usage):
        return None
    return Usage(
        count(usage.get("prompt_tokens")),
        count(usage.get("completion_tokens")),
        count(usage.get("total_tokens")),
        count(_object(usage, "prompt_tokens_details").get("cached_tokens")),
        parse_dollars(usage.get("cost")),
        usage,
    )


def _parse_message(message: dict[str, Any]) -> Message:
    calls = (
        ToolCall(text(call, "id") or "", text(function, "name") or "", _arguments(function))
        for call in _objects(message, "tool_calls")
        for function in (_object(call, "function"),)
    )
    return Message(
        text(message, "role") or "assistant",
        _content(message),
        tuple(calls),
        text(message, "refusal"),
        message,
    )


def _parse_delta(delta: dict[str, Any]) -> Delta:
    calls = (
        ToolCallDelta(_index(call, position), text(call, "id"), text(function, "name"), _arguments(function))
        for position, call in enumerate(_objects(delta, "tool_calls"))
        for function in (_object(call, "function"),)
    )
    return Delta(text(delta, "role"), _content(delta), tuple(calls), text(delta, "refusal"), delta)


def _content(message: Mapping[str, Any]) -> str | None:
    """Return the text of a message, whose content may be text or parts."""
    content: object = message.get("content")
    if is_list(content):
        return "".join(text(part, "text") or "" for part in content if is_object(part))
    return content if isinstance(content, str) else None


def _arguments(function: Mapping[str, Any]) -> str:
    """Return the arguments of a function, which some providers send as an object."""
    arguments: object = function.get("arguments")
    return json.dumps(arguments) if is_object(arguments) else text(function, "arguments") or ""


def _index(value: Mapping[str, Any], position: int) -> int:
    index = count(value.get("index"))
    return position if index is None else index


def _object(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    inner: object = value.get(key)
    return inner if is_object(inner) else {}


def _objects(value: Mapping[str, Any], key: str) -> Iterable[dict[str, Any]]:
    inner: object = value.get(key)
    return filter(is_object, inner) if is_list(inner) else ()
