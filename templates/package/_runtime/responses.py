"""HTTP responses as values, kept on results and errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


class Headers(Mapping[str, str]):
    """Headers of a response. Names are case-insensitive; values of a repeated header are joined by commas."""

    __slots__ = ("_values",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in headers.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"


@dataclass(frozen=True, slots=True)
class Response:
    """A response of the API. It does not contain the API key and can be pickled."""

    status: int
    """The HTTP status."""
    headers: Mapping[str, str] = field(repr=False)
    """The headers; names are case-insensitive."""
    json: dict[str, Any] = field(repr=False)
    """The JSON object as received; empty if the body is not a JSON object. A list is the value of `data`, and
    the record of a job has no object around it.
    """

    @property
    def request_id(self) -> str | None:
        """The server's id of the request; None if the response does not have one."""
        return self.headers.get("x-request-id")


def parse_date(text: str) -> datetime | None:
    """Return the time in a header such as `Date`, in UTC if it has no time zone; None if it is not valid."""
    from email.utils import parsedate_to_datetime  # few responses need it

    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)
