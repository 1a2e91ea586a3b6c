"""The messages of the examples of chat models."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .values import MEDIA_URLS

_QUESTION = "Name three breeds of oxen, in one sentence."
_TRANSCRIPTION = "Write down what is said in this recording."


def create_messages(inputs: Collection[str]) -> list[dict[str, Any]]:
    """Return a conversation for a model with these inputs; a recording for one without text."""
    content: Any = _QUESTION
    if "audio" in inputs and "text" not in inputs:
        # A medium is recommended in front of the text that concerns it.
        recording = {"type": "audio_url", "audio_url": {"url": MEDIA_URLS["audio"]}}
        content = [recording, {"type": "text", "text": _TRANSCRIPTION}]
    return [{"role": "user", "content": content}]
