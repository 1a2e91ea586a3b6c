# Copied by oxen-codegen from templates/package/testing/_faults.py. Do not edit.
"""Faults that a test injects."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from random import Random
from threading import Lock
from typing import Literal, TypeAlias, get_args

RequestFaultKind: TypeAlias = Literal["cut-before-body", "cut-before-response", "cut-mid-response", "slow"]

FaultKind: TypeAlias = Literal[
    RequestFaultKind,
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

_REQUEST_KINDS = ("response", *get_args(RequestFaultKind))
_KINDS_WITH_AMOUNT = ("slow", "url-downloads", "url-seconds", "events-cut-after", "events-cut-every")
_MAX_SPLIT = 16
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def is_amount(value: object) -> bool:
    """Return whether a value is a finite number that is not negative."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf


def check_times(times: int | None) -> None:
    """Check a number of occasions; None for all.

    Raises:
        ValueError: It is not valid.
    """
    if times is not None and (type(times) is not int or times < 1):
        raise ValueError(f"times must be an integer of at least 1, got {times!r}")


@dataclass(frozen=True, slots=True)
class CannedResponse:
    """A response that is sent in place of the real one.

    Raises:
        ValueError: HTTP does not permit it.
    """

    status: int
    content: bytes
    headers: Mapping[str, str]

    def __post_init__(self) -> None:
        if type(self.status) is not int or not 200 <= self.status <= 999:
            raise ValueError(f"status must be an integer from 200 to 999, got {self.status!r}")
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"headers must be those of HTTP, got {name!r}: {value!r}")


@dataclass(slots=True, eq=False)
class Fault:
    """A fault that happens on the occasions that it matches, at most `times` times.

    Raises:
        ValueError: An argument is not valid for the kind.
    """

    kind: FaultKind | Literal["response"]
    amount: float | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    method: str | None = None
    path: str | None = None
    response: CannedResponse | None = None
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        kinds = get_args(FaultKind)
        if self.kind not in (*kinds, "response"):
            raise ValueError(f"kind must be one of {', '.join(kinds)}, got {self.kind!r}")
        check_times(self.times)
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability must be between 0 and 1, got {self.probability}")
        if self.kind in _KINDS_WITH_AMOUNT and self.amount is None:
            raise ValueError(f"{self.kind} requires an amount")
        if self.amount is not None:
            if self.kind not in (*_KINDS_WITH_AMOUNT, "events-split"):
                raise ValueError(f"{self.kind} does not accept an amount, got {self.amount}")
            if not is_amount(self.amount):
                raise ValueError(f"amount must be a number of at least 0, got {self.amount!r}")
        if self.kind not in _REQUEST_KINDS and (self.method or self.path):
            raise ValueError(f"{self.kind} does not accept a method or path")
        if self.path is not None and self.path != "*" and not self.path.startswith("/"):
            raise ValueError(f"path must begin with a slash, got {self.path!r}")
        self._random = Random(self.seed)
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

    def next_size(self) -> int:
        """Return the number of bytes of an event to send together."""
        return max(int(self.amount), 1) if self.amount is not None else self._random.randint(1, _MAX_SPLIT)


class Faults:
    """The faults of one hub. Any thread may add one."""

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
        """Return the oldest fault of a kind that happens on this occasion, and count it."""
        return self._draw_first(lambda fault: fault.kind == kind)

    def draw_for_request(self, method: str, path: str) -> Fault | None:
        """Return the oldest fault that happens to this request, and count it."""
        return self._draw_first(lambda fault: fault.kind in _REQUEST_KINDS and fault.matches(method, path))

    def _draw_first(self, matches: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if matches(fault) and fault.happens():
                    if fault.times is not None:
                        fault.times -= 1
                        if not fault.times:
                            self._faults.remove(fault)
                    return fault
        return None
