"""The answers of the chat endpoint."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal, TypeAlias

from ._faults import check_times
from ._json import JSON, as_list, as_object

StreamEnd: TypeAlias = Literal["done", "finish-reason", "cut"]

_MAX_QUOTED_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """An answer of the chat endpoint."""

    content: str | None
    tool_calls: tuple[tuple[str, str], ...] = ()
    """The names of functions and their arguments as JSON."""
    refusal: str | None = None
    finish_reason: str = "stop"
    usage: dict[str, JSON] = field(default_factory=dict[str, JSON])
    error: dict[str, JSON] | None = None
    end: StreamEnd = "done"
    chunk_time: float = 0.0
    """Seconds before each chunk of a stream."""

    def message(self) -> JSON:
        """Return the message of a response that is not streamed."""
        message: dict[str, JSON] = {"role": "assistant", "content": self.content}
        if self.refusal is not None:
            message["refusal"] = self.refusal
        if self.tool_calls:
            message["tool_calls"] = [_format_call(index, *call) for index, call in enumerate(self.tool_calls)]
        return message

    def deltas(self) -> Iterator[JSON]:
        """Yield the pieces of the message: words, and the arguments of functions in two pieces."""
        for name, text in (("content", self.content), ("refusal", self.refusal)):
            for number, word in enumerate((text or "").split(" ") if text else ()):
                yield {name: word if number == 0 else f" {word}"}
        for index, (name, arguments) in enumerate(self.tool_calls):
            yield {"tool_calls": [_format_call(index, name, "")]}
            middle = len(arguments) // 2
            for piece in (arguments[:middle], arguments[middle:]):
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


class ChatScript:
    """The answers that a test has scripted. Any thread may add one."""

    def __init__(self) -> None:
        self._answers: list[tuple[ChatAnswer, str | None, int | None]] = []
        self._lock = Lock()

    def add(self, answer: ChatAnswer, model: str | None, times: int | None) -> None:
        check_times(times)
        with self._lock:
            self._answers.append((answer, model, times))

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()

    def draw(self, model: str) -> ChatAnswer | None:
        """Return the oldest answer for a model, and count it."""
        with self._lock:
            for position, (answer, answered_model, times) in enumerate(self._answers):
                if answered_model in (None, model):
                    if times == 1:
                        del self._answers[position]
                    elif times is not None:
                        self._answers[position] = (answer, answered_model, times - 1)
                    return answer
        return None


def default_answer(body: dict[str, JSON]) -> ChatAnswer:
    """Return the answer to a request without a script: a quotation of the last message.

    It is JSON if the request requires JSON, and a call of the function that the request requires.
    """
    tool_choice = body.get("tool_choice")
    tools = [as_object(as_object(tool).get("function")) for tool in as_list(body.get("tools") or [])]
    required = as_object(as_object(tool_choice).get("function")).get("name")
    if tool_choice == "required" and tools:
        required = tools[0].get("name")
    if isinstance(required, str):
        return ChatAnswer(None, ((required, "{}"),), finish_reason="tool_calls")
    text = f"The stand-in read: {_last_text(as_list(body['messages']))[:_MAX_QUOTED_LENGTH]}"
    if as_object(body.get("response_format")).get("type") in ("json_object", "json_schema"):
        text = json.dumps({"text": text})
    return ChatAnswer(text)


def _format_call(index: int, name: str, arguments: str) -> JSON:
    function: JSON = {"name": name, "arguments": arguments}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


def _last_text(messages: list[JSON]) -> str:
    content = as_object(messages[-1]).get("content")
    if isinstance(content, str):
        return content
    parts = (as_object(part).get("text") for part in as_list(content))
    return " ".join(text for text in parts if isinstance(text, str))
