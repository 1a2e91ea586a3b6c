"""Fetch the catalogue of a diff from the API."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..diagnostics import CodegenError, ModelError
from ..hub import HubClient, ModelNotFound, Progress
from ..records import Record
from .source import Records, format_errors


def fetch_models(
    hub: HubClient, ids: Iterable[str], unlisted: Collection[str], progress: Progress
) -> Records:
    """Fetch models from the API.

    Args:
        hub: The API.
        ids: The models to fetch.
        unlisted: More models to fetch; those that the API does not have are omitted.
        progress: Receives the progress.

    Raises:
        CodegenError: A model cannot be fetched.
    """
    records: dict[str, Record] = {}
    errors: dict[str, ModelError] = {}
    for model_id, result in hub.get_models(dict.fromkeys((*ids, *unlisted)), progress):
        if isinstance(result, Record):
            records[model_id] = result
        elif not (isinstance(result, ModelNotFound) and model_id in unlisted):
            errors[model_id] = result
    if errors:
        raise CodegenError(
            f"{hub.base_url}: {format_errors(errors, 'unreadable model')}; try again, or omit models with "
            "exclude.ids in [tool.oxen-codegen]"
        )
    return records
