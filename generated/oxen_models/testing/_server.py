# Copied by oxen-codegen from templates/package/testing/_server.py. Do not edit.
"""Serve a hub on a socket, in a thread of its own."""

import asyncio
import contextlib
import logging
import socket
import threading

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from ._app import create_app
from ._state import State

# Without a handler, Python prints warnings of a library to stderr.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())


def _suppress_cancellation(app: ASGIApp) -> ASGIApp:
    """Wrap `app` so that uvicorn does not log requests as crashed that are cancelled when the hub stops."""

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return wrapper


class Server(uvicorn.Server):
    """uvicorn in a thread, which starts and stops without polling."""

    def __init__(self, state: State, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                _suppress_cancellation(create_app(state, self.cut_connection)),
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
        # With the protocol stated, asyncio disables Nagle's algorithm, which costs 40 ms per response.
        self._socket = socket.socket(
            socket.AF_INET,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,
            fileno=socket.create_server(("127.0.0.1", port)).detach(),
        )
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._state = state
        state.url, state.is_stopping = self.url, False
        self._thread = threading.Thread(target=self._run_thread, name="models-standin", daemon=True)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Return when the server accepts requests.

        Raises:
            BaseException: The exception of the thread, if the server did not start.
        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Stop the server, also while another thread waits in `start`, or a signal interrupted that."""
        if not self._thread.is_alive():  # as in the child of a fork
            self._socket.close()
            return
        self._ready.wait()
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def cut_connection(self, scope: Scope) -> None:
        for connection in list(self.server_state.connections):
            if connection.transport.get_extra_info("peername") == scope["client"]:
                connection.transport.abort()

    def _run_thread(self) -> None:
        try:
            self.run(sockets=[self._socket])
        except BaseException as error:
            self._failure = error
        finally:
            self._socket.close()
            self._ready.set()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            # Renews the Date header. The first call sets all default headers.
            await self.on_tick(0)
            self._ready.set()
            try:
                await asyncio.wait_for(self._stopping.wait(), timeout=1)
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._state.is_stopping = True
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # One iteration of the loop, in which uvicorn notices that the connections are closed.
        await asyncio.sleep(0)
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
