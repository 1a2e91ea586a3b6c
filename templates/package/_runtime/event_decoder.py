"""Decoding of an event stream, with limited memory. Pure. Source: the HTML standard, server-sent events."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .decompression import ContentError

MAX_EVENT_SIZE = 8 * 2**20
"""Maximum bytes of an event with its current line, which may contain links and parameters."""
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventDecoder:
    """Decodes the events of one stream."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._is_first_line = True
        self._ends_with_cr = False
        self._name = ""
        self._data: list[bytes] = []
        self._data_size = 0

    def decode(self, chunk: bytes) -> Iterator[tuple[str, str]]:
        """Yield the name and the data of each event that a chunk completes.

        Raises:
            ContentError: A line, or the data of an event, is longer than the limit.
        """
        if self._ends_with_cr:  # the line has ended with the previous chunk
            chunk = chunk.removeprefix(b"\n")
        self._ends_with_cr = chunk.endswith(b"\r")
        *lines, rest = _LINE_END.split(chunk)
        for line in lines:
            self._extend_line(line)
            complete = bytes(self._line)
            self._line.clear()
            if self._is_first_line:
                self._is_first_line = False
                complete = complete.removeprefix(_BYTE_ORDER_MARK)
            if complete:
                self._add_field(complete)
            elif (event := self._end_event()) is not None:
                yield event
        self._extend_line(rest)

    def _extend_line(self, part: bytes) -> None:
        self._line += part
        self._check_size()

    def _add_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._name = value.decode(errors="replace")
        elif name == b"data":
            self._data.append(value)
            self._data_size += len(line)
            self._check_size()

    def _end_event(self) -> tuple[str, str] | None:
        name, data = self._name or "message", self._data
        self._name, self._data, self._data_size = "", [], 0
        return (name, b"\n".join(data).decode(errors="replace")) if data else None

    def _check_size(self) -> None:
        if self._data_size + len(self._line) > MAX_EVENT_SIZE:
            raise ContentError(f"an event is larger than {MAX_EVENT_SIZE:,} bytes")
