"""What one running hub knows: one object per hub, handed to its routes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from types import MappingProxyType

from ._check import Checks
from ._dialect import Dialect
from ._events import Broadcast
from ._faults import Faults
from ._jobs import Jobs
from ._json import JSON, parse_json
from ._links import Links
from ._media import File, Media
from ._models import Models

_MOST_REQUESTS = 10_000
_LONG = 1_000
_MOST_TEXTS = 1_000

_QUEUED_SECONDS: dict[Media, float] = {"image": 0.3, "video": 0.8}


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it came in."""

    method: str
    path: str
    """Percent-decoded, without the query."""
    headers: Mapping[str, str]
    """By lower-case name, `authorization` included."""
    body: JSON
    """The parsed JSON body, None where there is none."""


class Requests:
    """What was asked: the last requests themselves, and how many there were of all."""

    def __init__(self) -> None:
        self.last: list[ReceivedRequest] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._texts: dict[str, str] = {}
        self._lock = Lock()

    def add(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> ReceivedRequest:
        received = ReceivedRequest(method, path, MappingProxyType(dict(headers)), self._parsed(content))
        with self._lock:
            self._counts[method, path] += 1
            self.last.append(received)
            del self.last[:-_MOST_REQUESTS]
        return received

    def clear(self) -> None:
        with self._lock:
            self.last.clear()
            self._counts.clear()

    def count(self, method: str, path_prefix: str) -> int:
        with self._lock:
            return sum(
                number
                for (each, path), number in self._counts.items()
                if each == method and path.startswith(path_prefix)
            )

    def _parsed(self, content: bytes) -> JSON:
        try:
            body = parse_json(content)
        except ValueError:
            return None
        # Thousands of requests about one picture hold that picture once.
        if len(content) > _LONG and isinstance(body, dict):
            return {name: self._shared(value) for name, value in body.items()}
        return body

    def _shared(self, value: JSON) -> JSON:
        if isinstance(value, list):
            return [self._shared(each) if isinstance(each, str) else each for each in value]
        if not isinstance(value, str) or len(value) < _LONG:
            return value
        if len(self._texts) > _MOST_TEXTS:
            self._texts.clear()
        return self._texts.setdefault(value, value)


@dataclass(slots=True, eq=False)
class State:
    """One hub's own: nothing here is shared with another hub in the same process."""

    models: Models
    dialect: Dialect
    generation_time: float | None
    """How long a generation takes, where somebody said so."""
    speed: float
    url: str = ""
    requests: Requests = field(default_factory=Requests)
    faults: Faults = field(default_factory=Faults)
    files: dict[str, File] = field(default_factory=dict[str, File])
    checks: Checks = field(init=False)
    links: Links = field(init=False)
    broadcast: Broadcast = field(init=False)
    jobs: Jobs = field(default_factory=Jobs)

    def __post_init__(self) -> None:
        self.checks = Checks(self.models)
        self.links = Links(self.faults)
        self.broadcast = Broadcast(self.faults)

    def scaled(self, seconds: float) -> float:
        """So many of the hub's own seconds, in those of the wall."""
        return seconds / self.speed

    def queued_seconds(self, media: Media) -> float:
        """How long a queued generation takes, from its arrival to its end."""
        return self.scaled(_QUEUED_SECONDS[media]) if self.generation_time is None else self.generation_time
