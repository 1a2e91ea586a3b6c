"""The spellings in which a hub has been seen, or is documented, to answer."""

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

from ._json import JSON
from ._models import SCHEMA_KEYS, Model, schema_of


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the stand-in writes its answers, where the sources tell of more than one way.

    Raises:
        ValueError: A value is not one that its field lists.
    """

    schema_key: Literal["json_request_schema", "request_schema"] = "json_request_schema"
    """What a model calls its parameter schema."""

    detail: Literal["bare", "wrapped"] = "bare"
    """One model: the object itself, or `{"data": {...}}`."""

    endpoint: Literal["stored", "bare", "path", "url", "missing"] = "stored"
    """A model's endpoint: as its file has it, `images/edit`, `/api/ai/images/edit`, the full URL
    on this hub, or no such key."""

    lists: Literal["new", "old", "old-bare"] = "new"
    """`new`: both lists. `old`: an older hub, which knows neither `GET /api/ai/models` nor its
    search, only `GET /api/evaluations/models`. `old-bare`: that one answers a bare array."""

    errors: Literal["full", "message"] = "full"
    """The envelope with `type`, `title` and `detail`, or the one with `message` alone."""

    result: Literal["result_url", "url", "images", "videos", "b64_json"] = "result_url"
    """Where a finished generation has its result: in `result_url`, `url`, `images[0].url` or
    `videos[0].url`, or inline in the `b64_json` of its medium."""

    def __post_init__(self) -> None:
        hints: dict[str, Any] = get_type_hints(type(self))
        for field in fields(self):
            known = get_args(hints[field.name])
            value = getattr(self, field.name)
            if value not in known:
                raise ValueError(f"{field.name} is one of {', '.join(known)}, not {value!r}")

    def model(self, stored: Model, *, base_url: str) -> Model:
        """`stored` as an item of the new list."""
        answer = {key: value for key, value in stored.items() if key not in SCHEMA_KEYS}
        answer[self.schema_key] = schema_of(stored)
        endpoint = answer.pop("endpoint", None)
        if isinstance(endpoint, str):
            tail = endpoint.rpartition("/api/ai/")[2].lstrip("/")
            match self.endpoint:
                case "stored":
                    answer["endpoint"] = endpoint
                case "bare":
                    answer["endpoint"] = tail
                case "path":
                    answer["endpoint"] = f"/api/ai/{tail}"
                case "url":
                    answer["endpoint"] = f"{base_url}/api/ai/{tail}"
                case "missing":
                    pass
        return answer

    def old_model(self, stored: Model, *, base_url: str) -> Model:
        """`stored` as an item of the older list."""
        answer = self.model(stored, base_url=base_url)
        developer = answer.get("developer")
        name = answer.pop("id")
        return {
            "name": name,
            **answer,
            "can_run_inference": True,
            "deprecated": False,
            "provider": developer.get("name") if isinstance(developer, dict) else None,
        }

    def error(self, kind: str, detail: str) -> JSON:
        """An error envelope."""
        if self.errors == "message":
            return {"error": {"message": detail}}
        title = kind.replace("_", " ").capitalize()
        return {
            "error": {"type": kind, "title": title, "detail": detail},
            "status": "error",
            "status_message": kind,
        }
