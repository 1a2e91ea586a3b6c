# Copied by oxen-codegen from templates/package/_runtime/chat_calls.py. Do not edit.
"""Base class of the calls of the chat models: one class for both clients."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, cast

from typing_extensions import TypeVar

from .options import RequestOptions, check_options

if TYPE_CHECKING:
    from .request import ChatRequestBase

CompletionT = TypeVar("CompletionT", default=Any)
StreamT = TypeVar("StreamT", default=Any)


class ChatSender(Protocol):
    """Builds and sends the chat requests of one client, synchronously or asynchronously."""

    @property
    def base_url(self) -> str:
        """The address of the server."""
        ...

    def complete(self, build: partial[ChatRequestBase], options: RequestOptions) -> Any:
        """Build a request and send it."""
        ...

    def stream(self, build: partial[ChatRequestBase], options: RequestOptions, *, include_usage: bool) -> Any:
        """Return the stream of a request, which sends it when it is read."""
        ...


class ChatCalls(Generic[CompletionT, StreamT]):
    """The calls of the chat models."""

    def __init__(self, sender: ChatSender) -> None:
        self._sender = sender

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._sender.base_url}>"

    def _complete(self, build: partial[Any], options: RequestOptions) -> CompletionT:
        check_options(f"{type(self).__name__}.complete()", options, build.keywords)
        return cast(CompletionT, self._sender.complete(build, options))

    def _stream(self, build: partial[Any], options: RequestOptions, *, include_usage: bool) -> StreamT:
        check_options(f"{type(self).__name__}.stream()", options, build.keywords)
        return cast(StreamT, self._sender.stream(build, options, include_usage=include_usage))
