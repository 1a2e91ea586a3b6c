"""Which endpoint a model is called at: one table, and the rules for hubs that do not say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A generating call of the API."""

    path: str
    """Below /api/ai."""
    family: str
    verb: str
    result: str | None
    """The class of the answer; None where the bindings have no typed call."""
    output: str
    """The medium that comes out, as `capabilities` names it."""
    inputs: frozenset[str] = frozenset()
    """Media that have to come in, for models that are told apart by capabilities only."""
    aliases: frozenset[str] = frozenset()

    @property
    def is_queued(self) -> bool:
        """Whether the hub's queue takes such requests, too."""
        return self.output in ("image", "video")


COMMON: Mapping[str, dict[str, Any]] = {
    "response_format": {"enum": ["url", "b64_json"]},
    "target_namespace": {"type": "string"},
}
"""What every call takes beside the parameters of its model, as JSON Schemas."""

# The order decides where only capabilities are known: the first row that fits.
ENDPOINTS = (
    Endpoint("/images/edit", "images", "edit", "ImageResult", "image", frozenset({"image"})),
    Endpoint("/images/generate", "images", "generate", "ImageResult", "image"),
    Endpoint("/videos/generate", "videos", "generate", "VideoResult", "video"),
    Endpoint(
        "/audio/speech", "audio", "speak", "AudioResult", "audio", aliases=frozenset({"/audio/generate"})
    ),
    Endpoint("/audio/transcriptions", "audio", "transcribe", None, "text", frozenset({"audio"})),
    Endpoint("/chat/completions", "chat", "complete", None, "text"),
)
_BY_PATH = {path: row for row in ENDPOINTS for path in (row.path, *row.aliases)}


def find_endpoint(
    said: str | None, inputs: Collection[str], outputs: Collection[str], *, requires_image: bool
) -> Endpoint | None:
    """The endpoint of a model, from the hub's own string, its capabilities and its parameters.

    The hub lists some models that edit images under /images/generate; one that cannot do without
    an image is an editing model whatever the string says.
    """
    row = _BY_PATH.get(_path(said)) if said else None
    if row is None:
        fitting = (row for row in ENDPOINTS if row.output in outputs and row.inputs <= set(inputs))
        row = next(fitting, None)
    if row is not None and row.path == "/images/generate" and requires_image:
        return _BY_PATH["/images/edit"]
    return row


def _path(said: str) -> str:
    """Any spelling of an endpoint as the path below /api/ai."""
    try:
        path = urlsplit(said.strip()).path
    except ValueError:
        return ""
    return "/" + path.strip("/").removeprefix("api/ai/").lower()
