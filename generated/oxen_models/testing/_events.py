"""The event stream: what happens is told to those who listen at that moment, and to nobody later."""

import asyncio
import json
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ._faults import Faults
from ._json import JSON

_OTHER_EVENT_EVERY = 5


class Broadcast:
    """Tells every open stream what happens."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._listeners: set[asyncio.Queue[bytes]] = set()
        self._completed = 0

    @contextmanager
    def listening(self) -> Generator[asyncio.Queue[bytes]]:
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._listeners.add(heard)
        try:
            yield heard
        finally:
            self._listeners.discard(heard)

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def completed(self, data: dict[str, JSON]) -> None:
        """A generation has ended, well or not. Other kinds of events come in between."""
        if self._completed % _OTHER_EVENT_EVERY == 0:
            self.tell("deployment_status_changed", {"model": "oxen:another-model", "status": "active"})
        self._completed += 1
        if self._faults.draw("events-dropped"):
            return
        frame = _frame("media_generation_completed", data)
        if self._faults.draw("events-garbled"):
            middle = frame.index(b"data:") + len(frame) // 3
            frame = frame[:middle] + b"\xff\xfe\x00\n\n"
        self._put(frame)
        if self._faults.draw("events-twice"):
            self._put(frame)

    def tell(self, event: str, data: dict[str, JSON]) -> None:
        self._put(_frame(event, data))

    def _put(self, frame: bytes) -> None:
        for heard in self._listeners:
            heard.put_nowait(frame)


def _frame(event: str, data: dict[str, JSON]) -> bytes:
    return f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class EventStream(Response):
    """The answer to one listener; it never ends whole, only with its connection."""

    media_type = "text/event-stream"

    def __init__(self, broadcast: Broadcast, faults: Faults, silence: float) -> None:
        super().__init__(headers={"Cache-Control": "no-cache"})
        del self.headers["content-length"]
        self._broadcast = broadcast
        self._silence = silence
        self._silent = faults.draw("events-silent")
        self._split = faults.draw("events-split")
        after, every = faults.draw("events-cut-after"), faults.draw("events-cut-every")
        self._events_left = float("inf") if after is None else after.amount or 0
        self._seconds_left = None if every is None else every.amount or 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Listens before it says so: a client that has read the headers misses nothing.
        with self._broadcast.listening() as heard:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            async with anyio.create_task_group() as group:
                group.start_soon(_leave, receive, group.cancel_scope)
                with anyio.move_on_after(self._seconds_left):
                    async for part in self._parts(heard):
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                group.cancel_scope.cancel()

    async def _parts(self, heard: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
        if self._silent:
            await anyio.sleep_forever()
        while self._events_left > 0:
            frame = b": keep-alive\n\n"
            with anyio.move_on_after(self._silence):
                frame = await heard.get()
                self._events_left -= 1
            while frame:
                size = len(frame) if self._split is None else self._split.piece()
                yield frame[:size]
                frame = frame[size:]


async def _leave(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
