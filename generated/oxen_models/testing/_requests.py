# Copied by oxen-codegen from templates/package/testing/_requests.py. Do not edit.
"""The log of the requests that a hub received."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType

from ._json import JSON, parse_json

_MAX_REQUESTS = 10_000
_MIN_SHARED_LENGTH = 1_000
_MAX_SHARED_TEXTS = 1_000


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as the hub received it."""

    method: str
    path: str
    """The path, percent-decoded and without the query."""
    headers: Mapping[str, str]
    """The headers by lower-case name, including `authorization`."""
    body: JSON
    """The parsed JSON body; None if there is none."""


class RequestLog:
    """The last requests, and the number of all requests by method and path."""

    def __init__(self) -> None:
        self.last: list[ReceivedRequest] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._texts: dict[str, str] = {}
        self._lock = Lock()

    def add(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> ReceivedRequest:
        request = ReceivedRequest(method, path, MappingProxyType(dict(headers)), self._parse(content))
        with self._lock:
            self._counts[method, path] += 1
            self.last.append(request)
            del self.last[:-_MAX_REQUESTS]
        return request

    def clear(self) -> None:
        with self._lock:
            self.last.clear()
            self._counts.clear()

    def count(self, method: str, path_prefix: str) -> int:
        with self._lock:
            return sum(
                number
                for (counted, path), number in self._counts.items()
                if counted == method and path.startswith(path_prefix)
            )

    def _parse(self, content: bytes) -> JSON:
        try:
            body = parse_json(content)
        except ValueError:
            return None
        # Thousands of requests with the same inline image keep one copy of it.
        if len(content) > _MIN_SHARED_LENGTH and isinstance(body, dict):
            return {name: self._share(value) for name, value in body.items()}
        return body

    def _share(self, value: JSON) -> JSON:
        if isinstance(value, list):
            return [self._share(item) if isinstance(item, str) else item for item in value]
        if not isinstance(value, str) or len(value) < _MIN_SHARED_LENGTH:
            return value
        if len(self._texts) > _MAX_SHARED_TEXTS:
            self._texts.clear()
        return self._texts.setdefault(value, value)
