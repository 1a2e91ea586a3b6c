"""A completion that is assembled from the chunks of a stream. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .chat_results import ChunkChoice, Completion, CompletionChunk, parse_completion
from .responses import Response


@dataclass(slots=True)
class _PartialToolCall:
    id: str | None = None
    name: str | None = None
    arguments: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _PartialChoice:
    role: str | None = None
    content: list[str] = field(default_factory=list[str])
    refusal: list[str] = field(default_factory=list[str])
    tool_calls: dict[int, _PartialToolCall] = field(default_factory=dict[int, _PartialToolCall])
    finish_reason: str | None = None

    def add(self, choice: ChunkChoice) -> None:
        delta = choice.delta
        self.role = self.role or delta.role
        self.finish_reason = choice.finish_reason or self.finish_reason
        if delta.content is not None:
            self.content.append(delta.content)
        if delta.refusal is not None:
            self.refusal.append(delta.refusal)
        for piece in delta.tool_calls:
            call = self.tool_calls.setdefault(piece.index, _PartialToolCall())
            call.id = call.id or piece.id
            call.name = call.name or piece.name
            call.arguments.append(piece.arguments)

    def to_json(self, index: int) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": self.role or "assistant",
            "content": "".join(self.content) if self.content or not self.tool_calls else None,
        }
        if self.refusal:
            message["refusal"] = "".join(self.refusal)
        if self.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id or "",
                    "type": "function",
                    "function": {"name": call.name or "", "arguments": "".join(call.arguments)},
                }
                for _, call in sorted(self.tool_calls.items())
            ]
        return {"index": index, "message": message, "finish_reason": self.finish_reason}


class Assembly:
    """The chunks of a stream so far."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: dict[int, _PartialChoice] = {}
        self._usage: Mapping[str, Any] | None = None

    @property
    def is_finished(self) -> bool:
        """Whether there is an answer and all answers have ended."""
        return bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())

    def add(self, chunk: CompletionChunk) -> None:
        """Add the next chunk."""
        for name in ("id", "created", "model"):
            if chunk.record.get(name) is not None:
                self._head.setdefault(name, chunk.record[name])
        for choice in chunk.choices:
            self._choices.setdefault(choice.index, _PartialChoice()).add(choice)
        if chunk.usage is not None:
            self._usage = chunk.usage.record

    def build(self) -> Completion:
        """Return the received chunks as a completion; without a chunk, one with an empty answer."""
        choices = sorted((self._choices or {0: _PartialChoice()}).items())
        body: dict[str, Any] = {
            **self._head,
            "object": "chat.completion",
            "choices": [choice.to_json(index) for index, choice in choices],
        }
        if self._usage is not None:
            body["usage"] = self._usage
        return parse_completion(Response(200, {}, body))
