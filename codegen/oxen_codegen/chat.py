"""Bind chat: all chat models have one request, whose schema is `chat.json` beside this module.

The API publishes no parameter schemas of chat models. The schema contains what its reference documents, and
nothing that depends on the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from .accepted_values import Node
from .bind import build_nested, build_object
from .normalize import normalize
from .parse import ParsedClass, parse
from .spec import ChatSpec, rename_classes

# The names of the classes, by the names that are made from the paths in the schema.
_CLASS_NAMES = {
    "ChatRequest": "ChatRequest",
    "ChatMessagesItem": "ChatMessage",
    "ChatMessagesItemContentItem": "ChatPart",
    "ChatMessagesItemContentItemImageUrl": "ChatImage",
    "ChatMessagesItemContentItemVideoUrl": "ChatVideo",
    "ChatMessagesItemContentItemAudioUrl": "ChatAudio",
    "ChatMessagesItemContentItemFile": "ChatFile",
    "ChatMessagesItemToolCallsItem": "ChatToolCall",
    "ChatMessagesItemToolCallsItemFunction": "ChatFunctionCall",
    "ChatToolsItem": "ChatTool",
    "ChatToolsItemFunction": "ChatFunction",
    "ChatResponseFormat": "ChatResponseFormat",
}


def bind_chat(model_ids: Iterable[str]) -> ChatSpec:
    """Return the specification of the chat request.

    Args:
        model_ids: The ids of the chat models.
    """
    node, parsed = _parse_schema()
    outermost, *nested = map(_rename, parsed)
    source = "Source: POST /api/ai/chat/completions."
    return ChatSpec(
        tuple(sorted(model_ids)),
        build_object(outermost, f"A request to a chat model.\n\n{source}"),
        build_nested(node, nested, "Part of a request to a chat model."),
    )


@cache
def _parse_schema() -> tuple[Node, list[ParsedClass]]:
    """Return the normalized schema of a chat request and its classes."""
    node = normalize(json.loads(Path(__file__).with_name("chat.json").read_text(encoding="utf-8")))
    return node, parse(node, "ChatRequest", "Chat")


def _rename(parsed: ParsedClass) -> ParsedClass:
    types = {name: rename_classes(type_, _CLASS_NAMES) for name, type_ in parsed.types.items()}
    return replace(parsed, name=_CLASS_NAMES[parsed.name], types=types)
