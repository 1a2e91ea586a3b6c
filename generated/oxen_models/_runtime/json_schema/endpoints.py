# Copied by oxen-codegen from codegen/oxen_codegen/endpoints.py. Do not edit.
"""The endpoints of the API, and the endpoint of a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of the API that runs a model."""

    path: str
    """The path below /api/ai."""
    family: str
    verb: str
    result: str | None
    """The name of the result class; None for an endpoint without typed calls."""
    output: str
    """The medium of the output, as in `capabilities`."""
    inputs: frozenset[str] = frozenset()
    """The media that a model without a known path must have as inputs."""
    aliases: frozenset[str] = frozenset()
    """Other paths of the same endpoint."""

    @property
    def is_queued(self) -> bool:
        """Whether requests can be queued."""
        return self.output in ("image", "video")


COMMON: Mapping[str, dict[str, Any]] = {
    "response_format": {"enum": ["url", "b64_json"]},
    "target_namespace": {"type": "string"},
}
"""The JSON Schemas of the parameters of every call that a model's schema does not have."""

# For a model without a known path, the first endpoint that matches its capabilities is used.
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
_BY_PATH = {path: endpoint for endpoint in ENDPOINTS for path in (endpoint.path, *endpoint.aliases)}


def find_endpoint(
    path: str | None, inputs: Collection[str], outputs: Collection[str], *, requires_image: bool
) -> Endpoint | None:
    """Return the endpoint of a model; None if it is unknown.

    The hub lists some models that edit images under /images/generate. A model that requires an image is an
    editing model, whatever its path is.

    Args:
        path: The path in the model object, in any spelling.
        inputs: The input media in its capabilities.
        outputs: The output media in its capabilities.
        requires_image: Whether a required parameter is an image.
    """
    endpoint = _BY_PATH.get(_normalize_path(path)) if path else None
    if endpoint is None:
        matching = (row for row in ENDPOINTS if row.output in outputs and row.inputs <= set(inputs))
        endpoint = next(matching, None)
    if endpoint is not None and endpoint.path == "/images/generate" and requires_image:
        return _BY_PATH["/images/edit"]
    return endpoint


def _normalize_path(path: str) -> str:
    """Return the path below /api/ai."""
    try:
        path = urlsplit(path.strip()).path
    except ValueError:
        return ""
    return "/" + path.strip("/").removeprefix("api/ai/").lower()
