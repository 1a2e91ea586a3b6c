# Copied by oxen-codegen from templates/package/testing/_drafts.py. Do not edit.
"""The draft mode of video models: a cheap draft, and a final by the id of the draft alone."""

import time
import uuid
from datetime import UTC, datetime, timedelta

from ._json import JSON

DRAFT_PARAMETERS: dict[str, JSON] = {"draft": {"type": "boolean"}, "draft_task_id": {"type": "string"}}
"""The parameters of the draft mode, which the schemas of the models do not have."""

_MODEL_PREFIX = "bytedance-seedance-2-5-"
_LIFETIME = timedelta(days=7)


def supports_drafts(model: dict[str, JSON]) -> bool:
    """Return whether a model has a draft mode."""
    return str(model["id"]).startswith(_MODEL_PREFIX)


class Drafts:
    """The drafts of one hub."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def __contains__(self, id: JSON) -> bool:
        return isinstance(id, str) and id in self._ids

    def add_if_draft(self, model: dict[str, JSON], parameters: dict[str, JSON]) -> dict[str, JSON]:
        """Add a draft if the parameters request one.

        Returns:
            The fields that the result has beside its URL: none unless it is a draft.
        """
        if not supports_drafts(model) or parameters.get("draft") is not True:
            return {}
        id = str(uuid.uuid4())
        self._ids.add(id)
        expiry = datetime.fromtimestamp(int(time.time()), UTC) + _LIFETIME
        return {"draft_task_id": id, "draft_expires_at": f"{expiry:%Y-%m-%dT%H:%M:%SZ}"}
