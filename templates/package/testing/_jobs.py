"""Queued generations: what the hub remembers of each, and what it tells of them."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from ._json import JSON
from ._media import Media
from ._models import Model

Status: TypeAlias = Literal["queued", "processing", "succeeded", "failed", "cancelled"]

ACTIVE: tuple[Status, ...] = ("queued", "processing")

_USER = "standin"

_BRIEF = 100

TARGETS = ("target_namespace", "target_repo", "target_directory")


# Thousands of these stay in memory: jobs of one request share what was sent.
@dataclass(slots=True, eq=False)
class Job:
    """One queued generation."""

    id: str
    model: Model
    media: Media
    number: int
    """Which of the request's generations this is, from 0."""
    parameters: dict[str, JSON]
    """The model's own, as they were sent."""
    targets: dict[str, JSON]
    enqueued_at: int
    status: Status = "queued"
    error: str | None = None
    started_at: int | None = None
    completed_at: int | None = None
    file: str | None = None
    """The name of the result, which is made when somebody downloads it."""

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    def starts(self) -> None:
        self.status = "processing"
        self.started_at = int(time.time())

    def ends(self, status: Status, *, error: str | None = None, file: str | None = None) -> None:
        self.status, self.error, self.file = status, error, file
        self.completed_at = int(time.time())

    def told(self, *, brief: bool = False) -> dict[str, JSON]:
        """The job as the hub answers it, without where its result is.

        `brief` leaves out most of every picture that came inline.
        """
        sent = {name: _brief(value) for name, value in self.parameters.items()} if brief else self.parameters
        return {
            **sent,
            "generation_id": self.id,
            "model_name": self.model["id"],
            "prompt": self.parameters.get("prompt"),
            "media_type": self.media,
            "status": self.status,
            "result_url": None,
            "error_message": self.error,
            "enqueued_at": self.enqueued_at,
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            **{name: self.targets.get(name) for name in TARGETS},
        }

    def cost(self) -> Decimal:
        """Dollars, by the price of the model where one is known."""
        pricing = self.model.get("pricing")
        if self.status != "succeeded" or not isinstance(pricing, dict):
            return Decimal(0)
        if self.media == "image":
            return _number(pricing.get("cost_per_image"))
        return _number(pricing.get("cost_per_second")) * _number(self.parameters.get("duration", 5))


class Jobs:
    """All jobs of one hub, oldest first."""

    def __init__(self) -> None:
        self._all: dict[str, Job] = {}
        # A client asks for these again and again, however many have ended.
        self._active: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        job.targets.setdefault("target_namespace", _USER)
        self._all[job.id] = self._active[job.id] = job

    def get(self, id: str) -> Job | None:
        return self._all.get(id)

    def all(self) -> Iterable[Job]:
        return self._all.values()

    def active(self) -> Iterator[Job]:
        for job in list(self._active.values()):
            if job.active:
                yield job
            else:
                del self._active[job.id]


def _brief(value: JSON) -> JSON:
    if isinstance(value, list):
        return [_brief(each) if isinstance(each, str) else each for each in value]
    if isinstance(value, str) and value[:5].lower() == "data:" and len(value) > _BRIEF:
        return f"{value[:_BRIEF]}…"
    return value


def _number(value: JSON) -> Decimal:
    return Decimal(str(value)) if isinstance(value, int | float) else Decimal(0)
