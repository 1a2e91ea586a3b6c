"""The hub on a socket, in a thread of its own."""

import asyncio
import json
import logging
import os
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from ._app import create_app
from ._models import SHIPPED, Models
from ._spelling import Spelling
from ._state import Fault, Received, State

# Without a handler, Python prints a library's warnings to stderr.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())

_AS_STORED = Spelling()


class Hub:
    """A stand-in for the Oxen.ai hub on 127.0.0.1, for as long as the `with` block runs.

        with Hub() as hub:
            oxen = Oxen(api_key="anything", base_url=hub.url)

    Any number of hubs may run at once; any thread may use one.
    """

    def __init__(
        self,
        schemas: str | os.PathLike[str] | None = None,
        spelling: Spelling = _AS_STORED,
        port: int = 0,
        *,
        seconds: float = 0.0,
    ) -> None:
        """Read the models; nothing listens yet.

        - `schemas`: the folder of model files, as the hub answers them or as this package stores
          them; by default, the models that ship in this package.
        - `spelling`: how answers are written where the sources disagree.
        - `port`: 0, the default, takes a free one.
        - `seconds`: how long a generation takes, by default no time at all.

        Raises `OSError` for a folder that cannot be read, `ValueError` for one that holds no model
        or a file that is not a model.
        """
        models = Models(SHIPPED if schemas is None else Path(schemas))
        self._state = State(models, spelling, seconds)
        self._port = port
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        """Listen. Raises `OSError` where the port is taken."""
        if self._server is not None:
            raise RuntimeError("this hub is running already")
        self._server = _Server(self._state, self._port)
        try:
            self._server.start()
        except BaseException:
            self._server = None
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop at once: open connections are cut, generations under way are dropped."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    @property
    def url(self) -> str:
        """Where the hub listens, such as `http://127.0.0.1:43211`."""
        if self._server is None:
            raise RuntimeError("this hub is not running: use `with Hub() as hub:`")
        return self._server.url

    @property
    def requests(self) -> list[Received]:
        """What was asked so far, in order, whatever the answer was; clear it as you like."""
        return self._state.requests

    def answer_next(
        self,
        status: int,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        method: str | None = None,
        path: str | None = None,
    ) -> None:
        """Give the next `times` requests this answer in place of the real one.

        `body` is JSON, except that a `str` or `bytes` is sent as it is, and None sends nothing.
        `method` and `path` (without its query) narrow which requests are meant. Of several answers
        that match, the one that was asked for first comes first.
        """
        if times < 1:
            raise ValueError(f"times is 1 or more, not {times}")
        plain = body is None or isinstance(body, str | bytes)
        text = (body or "") if plain else json.dumps(body)
        content = text if isinstance(text, bytes) else text.encode()
        kind = "text/html; charset=utf-8" if plain else "application/json"
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        sent = {"content-type": kind, **lower} if content else lower
        self._state.add_fault(Fault(status, content, sent, times, method and method.upper(), path))

    def add_model(self, model: Mapping[str, Any]) -> None:
        """Offer `model` from now on, in place of one with the same id.

        Raises `ValueError` for anything that is not a JSON object with an `id`.
        """
        self._state.models.add(model)

    def remove_model(self, id: str) -> None:
        """Offer the model no longer. Raises `KeyError` where there is none with this id."""
        self._state.models.remove(id)


class _Server(uvicorn.Server):
    """uvicorn in a thread, started and stopped without polling."""

    def __init__(self, state: State, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(state),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                headers=[("Server", "models-standin")],
            )
        )
        # asyncio turns Nagle's algorithm off, 40 ms an answer, only where the protocol is stated.
        self._socket = socket.socket(
            socket.AF_INET,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,
            fileno=socket.create_server(("127.0.0.1", port)).detach(),
        )
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._work, name="models-standin", daemon=True)
        self._settled = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Return when requests are answered. Raises what the thread raised instead."""
        self._thread.start()
        self._settled.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _work(self) -> None:
        try:
            self.run(sockets=[self._socket])
        except BaseException as error:
            self._failure = error
        finally:
            self._socket.close()
            self._settled.set()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            # Renews the Date header, and the first time sets all default headers.
            await self.on_tick(0)
            self._settled.set()
            try:
                await asyncio.wait_for(self._stopping.wait(), timeout=1)
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # One turn of the loop, in which uvicorn learns that nobody waits for an answer any more.
        await asyncio.sleep(0)
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
