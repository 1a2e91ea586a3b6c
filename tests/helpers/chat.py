"""Chat requests of the tests, and iteration over streams of both clients."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

CHAT_PATH = "/api/ai/chat/completions"
MODEL = "claude-sonnet-5"
QUESTION = [{"role": "user", "content": "Hello, ox."}]


def complete(messages: Any = QUESTION, model: str = MODEL, **parameters: Any) -> Callable[[Any], Any]:
    """Return a step that completes a conversation."""
    return lambda oxen: oxen.chat.complete(model=model, messages=messages, **parameters)


def open_stream(messages: Any = QUESTION, model: str = MODEL, **parameters: Any) -> Callable[[Any], Any]:
    """Return a step that returns the stream of a conversation."""
    return lambda oxen: oxen.chat.stream(model=model, messages=messages, **parameters)


def collect(stream: Any) -> Any:
    """Return the chunks of a stream, or a coroutine that does."""
    return _collect_async(stream) if hasattr(stream, "__aiter__") else list(stream)


def read_one(stream: Any) -> Any:
    """Return the first chunk of a stream, or a coroutine that does."""
    return anext(stream) if hasattr(stream, "__anext__") else next(stream)


def close(stream: Any) -> Any:
    """Close a stream, or return a coroutine that does."""
    return stream.aclose() if hasattr(stream, "aclose") else stream.close()


def in_turn(*steps: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a step that applies steps to the same value, and returns the last result."""

    def apply(value: Any) -> Any:
        if hasattr(value, "__aiter__") or type(value).__name__.startswith("Async"):
            return _apply_async(value, steps)
        return functools.reduce(lambda _, step: step(value), steps, None)

    return apply


async def _collect_async(stream: Any) -> list[Any]:
    return [chunk async for chunk in stream]


async def _apply_async(value: Any, steps: tuple[Callable[[Any], Any], ...]) -> Any:
    result: Any = None
    for step in steps:
        result = step(value)
        if hasattr(result, "__await__"):
            result = await result
    return result
