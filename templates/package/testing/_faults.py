"""What goes wrong on demand, and when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from typing import Literal, TypeAlias, get_args

RequestFault: TypeAlias = Literal["cut-before-body", "cut-before-response", "cut-mid-response", "slow"]

FaultKind: TypeAlias = Literal[
    RequestFault,
    "job-stuck",
    "job-not-found",
    "url-downloads",
    "url-seconds",
    "events-silent",
    "events-cut-after",
    "events-cut-every",
    "events-garbled",
    "events-split",
    "events-early",
    "events-twice",
    "events-dropped",
]

_OF_REQUESTS: tuple[str, ...] = get_args(RequestFault)
_WITH_AMOUNT = ("slow", "url-downloads", "url-seconds", "events-cut-after", "events-cut-every")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in place of the real one."""

    status: int
    content: bytes
    headers: Mapping[str, str]


@dataclass(slots=True, eq=False)
class Fault:
    """Something that goes wrong on the occasions it matches, until its `times` are over.

    Raises:
        ValueError: It makes no sense.
    """

    kind: FaultKind | Literal["answer"]
    amount: float | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    method: str | None = None
    path: str | None = None
    answer: Answer | None = None
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        if self.kind != "answer" and self.kind not in (known := get_args(FaultKind)):
            raise ValueError(f"a fault is one of {', '.join(known)}, not {self.kind!r}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times is 1 or more, not {self.times}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"a probability is 0 to 1, not {self.probability}")
        if (self.kind in _WITH_AMOUNT) > (self.amount is not None):
            raise ValueError(f"{self.kind} needs an amount")
        if self.amount is not None and (self.kind not in (*_WITH_AMOUNT, "events-split") or self.amount < 0):
            raise ValueError(f"{self.kind} takes no amount of {self.amount}")
        if self.kind not in ("answer", *_OF_REQUESTS) and (self.method or self.path):
            raise ValueError(f"{self.kind} is not a fault of single requests: no method, no path")
        self.method = self.method and self.method.upper()

    def matches(self, method: str, path: str) -> bool:
        if self.path is not None and self.path.endswith("*"):
            if not path.startswith(self.path[:-1]):
                return False
        elif self.path not in (None, path):
            return False
        return self.method in (None, method)

    def happens(self) -> bool:
        return self._random.random() < self.probability

    def piece(self) -> int:
        """How many bytes of an event go out together."""
        return max(int(self.amount), 1) if self.amount is not None else self._random.randint(1, 16)


class Faults:
    """The faults of one hub; any thread may add one."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def draw(self, kind: FaultKind) -> Fault | None:
        """The oldest fault of this kind that happens now, one time fewer left on it."""
        return self._first(lambda fault: fault.kind == kind)

    def draw_for(self, method: str, path: str) -> Fault | None:
        """What happens to this request, likewise."""
        kinds = ("answer", *_OF_REQUESTS)
        return self._first(lambda fault: fault.kind in kinds and fault.matches(method, path))

    def _first(self, matches: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if matches(fault) and fault.happens():
                    if fault.times is not None:
                        fault.times -= 1
                        if not fault.times:
                            self._faults.remove(fault)
                    return fault
        return None
