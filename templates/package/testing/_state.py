"""What one running hub knows: one object per hub, handed to its routes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from ._json import JSON
from ._media import File
from ._models import Models
from ._spelling import Spelling


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in."""

    method: str
    path: str
    """Percent-decoded, without the query."""
    headers: Mapping[str, str]
    """By lower-case name, `authorization` included."""
    body: JSON
    """The parsed JSON body, None where there is none."""


@dataclass(slots=True, eq=False)
class Fault:
    """An answer that stands in for the real one, `times` times."""

    status: int
    content: bytes
    headers: Mapping[str, str]
    times: int
    method: str | None
    path: str | None

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and self.path in (None, path)


@dataclass(slots=True, eq=False)
class State:
    """One hub's own: nothing here is shared with another hub in the same process."""

    models: Models
    spelling: Spelling
    seconds: float
    requests: list[Received] = field(default_factory=list[Received])
    files: dict[str, File] = field(default_factory=dict[str, File])
    _faults: list[Fault] = field(default_factory=list[Fault])
    _lock: Lock = field(default_factory=Lock)

    def add_fault(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The oldest fault that matches, one time fewer left on it."""
        with self._lock:
            for fault in self._faults:
                if fault.matches(method, path):
                    fault.times -= 1
                    if not fault.times:
                        self._faults.remove(fault)
                    return fault
        return None
