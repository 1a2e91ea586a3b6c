# Copied by oxen-codegen from templates/package/testing/_events.py. Do not edit.
"""The event stream. Events are sent to the streams that are open at that moment, and are not stored."""

import asyncio
import json
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ._faults import Faults
from ._json import JSON

_COMPLETED_PER_OTHER_EVENT = 5


class Broadcast:
    """Sends events to every open stream."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._listeners: set[asyncio.Queue[bytes]] = set()
        self._completed = 0

    @contextmanager
    def subscribe(self) -> Generator[asyncio.Queue[bytes]]:
        """Yield a queue to which the frames of all events are added."""
        frames: asyncio.Queue[bytes] = asyncio.Queue()
        self._listeners.add(frames)
        try:
            yield frames
        finally:
            self._listeners.discard(frames)

    @property
    def has_listeners(self) -> bool:
        return bool(self._listeners)

    def send_completed(self, data: dict[str, JSON]) -> None:
        """Send the event that a job is completed, and sometimes an event of another kind before it."""
        if self._completed % _COMPLETED_PER_OTHER_EVENT == 0:
            self.send("deployment_status_changed", {"model": "oxen:another-model", "status": "active"})
        self._completed += 1
        if self._faults.draw("events-dropped"):
            return
        frame = _encode("media_generation_completed", data)
        if self._faults.draw("events-garbled"):
            middle = frame.index(b"data:") + len(frame) // 3
            frame = frame[:middle] + b"\xff\xfe\x00\n\n"
        self._send_frame(frame)
        if self._faults.draw("events-twice"):
            self._send_frame(frame)

    def send(self, event: str, data: dict[str, JSON]) -> None:
        self._send_frame(_encode(event, data))

    def _send_frame(self, frame: bytes) -> None:
        for frames in self._listeners:
            frames.put_nowait(frame)


def _encode(event: str, data: dict[str, JSON]) -> bytes:
    return f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class EventStream(Response):
    """The response to one listener. It ends only with its connection."""

    media_type = "text/event-stream"

    def __init__(self, broadcast: Broadcast, faults: Faults, keep_alive_interval: float) -> None:
        super().__init__(headers={"Cache-Control": "no-cache"})
        del self.headers["content-length"]
        self._broadcast = broadcast
        self._keep_alive_interval = keep_alive_interval
        self._silent = faults.draw("events-silent")
        self._split = faults.draw("events-split")
        cut_after, cut_every = faults.draw("events-cut-after"), faults.draw("events-cut-every")
        self._events_left = float("inf") if cut_after is None else cut_after.amount or 0
        self._seconds_left = None if cut_every is None else cut_every.amount or 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Subscribed before the headers are sent, so that a client that has read them misses no event.
        with self._broadcast.subscribe() as frames:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            async with anyio.create_task_group() as group:
                group.start_soon(_cancel_on_disconnect, receive, group.cancel_scope)
                with anyio.move_on_after(self._seconds_left):
                    async for part in self._parts(frames):
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                group.cancel_scope.cancel()

    async def _parts(self, frames: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
        if self._silent:
            await anyio.sleep_forever()
        while self._events_left > 0:
            frame = b": keep-alive\n\n"
            with anyio.move_on_after(self._keep_alive_interval):
                frame = await frames.get()
                self._events_left -= 1
            while frame:
                size = len(frame) if self._split is None else self._split.next_size()
                yield frame[:size]
                frame = frame[size:]


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
