# Copied by oxen-codegen from templates/package/testing/_jobs.py. Do not edit.
"""The queued generations of a hub."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from ._json import JSON
from ._models import Media, Model
from ._prices import generation_cost

Status: TypeAlias = Literal["queued", "processing", "succeeded", "failed", "cancelled"]

ACTIVE: tuple[Status, ...] = ("queued", "processing")


# Thousands of these stay in memory, so jobs of one request share the parameters.
@dataclass(slots=True, eq=False)
class Job:
    """One queued generation."""

    id: str
    model: Model
    media: Media
    number: int
    """The index of the generation among those of one request."""
    parameters: dict[str, JSON]
    """The model's own parameters, as sent."""
    targets: dict[str, JSON]
    """`target_namespace`, `target_repo` and `target_directory`."""
    enqueued_at: int
    status: Status = "queued"
    started_at: int | None = None
    completed_at: int | None = None
    error: str | None = None
    provider: str | None = None
    """The name of the model's provider, if the job failed because the model refused the parameters."""
    files: list[str] = field(default_factory=list[str])
    """The names of the results, which are made when they are downloaded."""
    draft: dict[str, JSON] = field(default_factory=dict[str, JSON])
    """The fields that the result has beside its URL if it is a draft."""

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    def start(self) -> None:
        self.status = "processing"
        self.started_at = int(time.time())

    def end(self, status: Status) -> None:
        self.status = status
        self.completed_at = int(time.time())

    def cost(self) -> Decimal | None:
        """Return the cost in dollars, None if nothing was charged."""
        return generation_cost(self.model, self.parameters) if self.status == "succeeded" else None


class Jobs:
    """All jobs of one hub, oldest first."""

    def __init__(self) -> None:
        self._all: dict[str, Job] = {}
        # Separate, because clients list the active jobs again and again while the others grow in number.
        self._active: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        self._all[job.id] = self._active[job.id] = job

    def get(self, id: str) -> Job | None:
        return self._all.get(id)

    def all(self) -> Iterable[Job]:
        return self._all.values()

    def active(self) -> Iterator[Job]:
        for job in list(self._active.values()):
            if job.is_active:
                yield job
            else:
                del self._active[job.id]
