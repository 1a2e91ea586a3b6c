"""The call of a model: its family and verbs, decided by its schema and its capabilities."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .accepted_values import Node
from .normalize import find_media

COMMON: Mapping[str, dict[str, Any]] = {
    "response_format": {
        "enum": ["url", "b64_json"],
        "description": "Whether results are returned as URLs or as base64 data",
        "default": "url",
    },
    "target_namespace": {
        "type": "string",
        "description": (
            "Namespace that is billed and that keeps the results. Default: the owner of the API key"
        ),
    },
}
"""The JSON Schemas of the parameters of every call that a model's schema does not have."""

FAMILIES = ("images", "videos", "audio", "chat")
_FAMILY_OF_OUTPUT = {"video": "videos", "image": "images", "audio": "audio"}
_TASKS = {
    "images": {"text": "text-to-image", "image": "image-edit"},
    "videos": {
        "text": "text-to-video",
        "image": "image-to-video",
        "video": "video-to-video",
        "audio": "audio-to-video",
    },
    "audio": {"text": "text-to-audio"},
}
_VERBS = {"videos": "generate", "audio": "speak", "chat": "complete"}
_RESULTS = {"images": "ImageResult", "videos": "VideoResult", "audio": "AudioResult"}


@dataclass(frozen=True, slots=True)
class Operation:
    """The call of a model."""

    family: str
    verbs: tuple[str, ...]
    """The name of the call, then its second names."""
    result: str | None
    """The name of the result class; None for a family without typed calls."""

    @property
    def verb(self) -> str:
        """The name of the call."""
        return self.verbs[0]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the blocking call below /api/ai; of two, the second is for a request with an image."""
        return tuple(dict.fromkeys(self.find_path(has_image=verb == "edit") for verb in self.verbs))

    def find_path(self, *, has_image: bool) -> str:
        """Return the path of the blocking call below /api/ai, for a request with or without an image."""
        match self.family:
            case "images":
                return "/images/edit" if has_image else "/images/generate"
            case "chat":
                return "/chat/completions"
            case _:
                return f"/{self.family}/generate"


def resolve_operation(
    node: Node | None, outputs: Collection[str], endpoint: str | None = None
) -> Operation | None:
    """Return the call of a model; None if its family is unknown.

    Args:
        node: The normalized schema; None for a model without one.
        outputs: The output media in its capabilities.
        endpoint: The endpoint in the model object, which names the family of a model without capabilities.
    """
    family = find_family(outputs, endpoint, has_schema=node is not None)
    if family is None:
        return None
    verbs = _find_image_verbs(node) if family == "images" else (_VERBS[family],)
    return Operation(family, verbs, _RESULTS.get(family))


def find_family(outputs: Collection[str], endpoint: str | None, *, has_schema: bool) -> str | None:
    """Return the family of a model; None if it is unknown. The arguments are those of `resolve_operation`."""
    if "text" in outputs and not has_schema:  # a chat model, even if it speaks or draws as well
        return "chat"
    for output, family in _FAMILY_OF_OUTPUT.items():
        if output in outputs:
            return family
    return "chat" if "text" in outputs else _find_family_of_endpoint(endpoint or "")


def find_tasks(node: Node | None, family: str, inputs: Collection[str]) -> tuple[str, ...]:
    """Return the tasks of a model: "chat", or what it makes from each kind of input.

    Args:
        node: The normalized schema; None for a model without one.
        family: The family of the model.
        inputs: The input media in its capabilities, which decide for a model without a schema.
    """
    if family == "chat":
        return ("chat",)
    kinds = {*inputs}
    if node is not None:
        media = {name: {*find_media(value)} for name, value in node["properties"].items()}
        kinds = {kind for found in media.values() for kind in found}
        if not any(media[name] for name in node["required"]):
            kinds.add("text")
    return tuple(task for kind, task in _TASKS[family].items() if kind in kinds)


def find_image_parameters(node: Node) -> tuple[str, ...]:
    """Return the wire names of the parameters that accept images."""
    return tuple(name for name, value in node["properties"].items() if "image" in find_media(value))


def _find_image_verbs(node: Node | None) -> tuple[str, ...]:
    images = find_image_parameters(node) if node is not None else ()
    if node is not None and any(name in node["required"] for name in images):
        return ("edit",)
    return ("generate", "edit") if images else ("generate",)


def _find_family_of_endpoint(endpoint: str) -> str | None:
    try:
        path = urlsplit(endpoint.strip()).path
    except ValueError:
        return None
    family, _, call = path.strip("/").lower().removeprefix("api/ai/").partition("/")
    if call == "transcriptions":
        return "chat"
    return family if family in FAMILIES else None
