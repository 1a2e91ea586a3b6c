"""The hub on a socket, in a thread of its own."""

import asyncio
import contextlib
import logging
import socket
import threading

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from ._app import create_app
from ._state import State

# Without a handler, Python prints a library's warnings to stderr.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())


def _quiet(app: ASGIApp) -> ASGIApp:
    """`app`, ending in silence when the hub stops: uvicorn would log the cancelled request as a crash."""

    async def until_stopped(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return until_stopped


class Server(uvicorn.Server):
    """uvicorn in a thread, started and stopped without polling."""

    def __init__(self, state: State, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                _quiet(create_app(state, self.cut)),
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
        state.url = self.url
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

    def cut(self, scope: Scope) -> None:
        for connection in list(self.server_state.connections):
            if connection.transport.get_extra_info("peername") == scope["client"]:
                connection.transport.abort()

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
