"""The jobs that a hub accepted."""

from __future__ import annotations

from oxen_models import Oxen
from oxen_models.testing import Hub


def list_jobs(hub: Hub) -> dict[str, str]:
    """Return the prompt of each job of the hub, by its id."""
    with Oxen("other", base_url=hub.url) as oxen:
        return {job.generation_id: str(job.prompt) for job in oxen.generations(page_size=1000)}
