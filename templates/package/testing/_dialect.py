"""The forms in which sources describe the API, where they contradict each other."""

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

from ._json import JSON
from ._models import SCHEMA_KEYS, Media, Model, developer_name, output_media, stored_schema

PROVIDER_CODE = "InvalidParameter"
"""The code with which a model's provider refuses a request."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The behavior of the stand-in where the sources of the API contradict each other.

    The first value of each field is the default. It is what the newest sources describe.

    Raises:
        ValueError: A value is not one of those that its field accepts.
    """

    schema_key: Literal["request_schema", "json_request_schema"] = "request_schema"
    """The key of the parameter schema in `GET /api/ai/models`. It is always `json_request_schema` in
    `GET /api/evaluations/models`."""

    detail: Literal["bare", "wrapped"] = "bare"
    """One model: the object itself, or `{"data": {...}}`."""

    endpoint: Literal["stored", "generate", "bare", "path", "url", "missing"] = "stored"
    """The endpoint of a model: as in its file; `/images/generate` for each image model and as in its file
    for the others; `images/edit`; `/api/ai/images/edit`; the full URL on this hub; or no such key."""

    developer: Literal["object", "text"] = "object"
    """The developer of a model: `{"name": ..., "logo": ...}`, or its name."""

    lists: Literal["both", "old", "old-bare"] = "both"
    """`both`: the newer and the older list of models. `old`: only `GET /api/evaluations/models`, as on an
    older hub. `old-bare`: the same, as a bare array."""

    list_access: Literal["public", "key"] = "public"
    """Whether the lists and the details of models need an API key."""

    image_paths: Literal["both", "generate", "edit"] = "both"
    """Which of `/images/generate` and `/images/edit` exist. The other responds 404."""

    audio_paths: Literal["both", "generate", "speech"] = "both"
    """Which of `/audio/generate` and `/audio/speech` exist. The other responds 404."""

    audio_queue: Literal["accepted", "refused"] = "accepted"
    """Whether the queue accepts models that make audio."""

    unknown_parameters: Literal["ignored", "refused"] = "ignored"
    """Whether parameters that the schema of the model does not have are ignored or refused."""

    refusal_status: Literal["400", "422"] = "400"
    """The status of a response that refuses a parameter."""

    errors: Literal["full", "message", "provider", "upstream", "text"] = "full"
    """The body of an error. `full`: `type`, `title` and `detail`, except for an unknown model, which has a
    `message` only. `message`: always a `message` only. `provider`: a refused parameter is an error of the
    model's provider, with its name and code. `upstream`: `type`, `title` and a whole number as `status`.
    `text`: `error` is a text."""

    result: Literal["all", "list", "result_url", "url", "b64_json"] = "all"
    """Where a job has its results. `all`: a list of its medium, such as `images`, and the first URL in
    `result_url` (in an event: `url`). `list`: only the list. `result_url`, `url`: only the first URL, under
    this key in jobs and events alike. `b64_json`: only the list, with the content in place of a URL."""

    def __post_init__(self) -> None:
        hints: dict[str, Any] = get_type_hints(type(self))
        for field in fields(self):
            values = get_args(hints[field.name])
            value = getattr(self, field.name)
            if value not in values:
                raise ValueError(f"{field.name} must be one of {', '.join(values)}, got {value!r}")

    def model(self, stored: Model, base_url: str) -> Model:
        """Return a model as an item of the newer list."""
        model = {key: value for key, value in stored.items() if key not in SCHEMA_KEYS}
        model[self.schema_key] = stored_schema(stored)
        if self.developer == "text" and "developer" in model:
            model["developer"] = developer_name(stored)
        endpoint = model.pop("endpoint", None)
        if isinstance(endpoint, str) and self.endpoint != "missing":
            model["endpoint"] = self._endpoint(endpoint, output_media(stored), base_url)
        return model

    def old_model(self, stored: Model, base_url: str) -> Model:
        """Return a model as an item of the older list."""
        model = self.model(stored, base_url)
        model.pop(self.schema_key)
        name = model.pop("id")
        developer = developer_name(stored)
        return {
            **model,
            "name": name,
            "json_request_schema": stored_schema(stored),
            "can_run_inference": True,
            "deprecated": False,
            "provider": None if developer is None else {"name": developer},
        }

    def error(self, status: int, type: str | None, detail: str, provider: str | None) -> JSON:
        """Return the body of an error.

        Args:
            status: The HTTP status.
            type: The type; None for an error that has only a message.
            detail: The text.
            provider: The name of the model's provider, if the request is refused as the provider would.
        """
        if self.errors == "text":
            return {"error": detail}
        if self.errors == "upstream":
            return {"error": {"type": "upstream", "title": detail}, "status": status}
        if self.errors == "message" or type is None:
            return {"error": {"message": detail}}
        if self.errors == "provider" and provider is not None:
            type = "model_response_error"
            error: JSON = {
                "code": status,
                "reason": "bad_input",
                "type": type,
                "detail": detail,
                "provider": provider,
                "provider_code": PROVIDER_CODE,
                "retryable": False,
            }
        else:
            error = {"type": type, "title": type.replace("_", " ").capitalize(), "detail": detail}
        return {"error": error, "status": "error", "status_message": type}

    def _endpoint(self, stored: str, media: list[Media], base_url: str) -> str:
        path = stored.rpartition("/api/ai/")[2].lstrip("/")
        match self.endpoint:
            case "generate" if media[:1] == ["image"]:
                return "/images/generate"
            case "bare":
                return path
            case "path":
                return f"/api/ai/{path}"
            case "url":
                return f"{base_url}/api/ai/{path}"
            case _:
                return stored
