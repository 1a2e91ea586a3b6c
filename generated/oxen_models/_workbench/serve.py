# Copied by oxen-codegen from templates/package/_workbench/serve.py. Do not edit.
"""Serve on the loopback interface until the process is interrupted."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import suppress

import uvicorn

from .app import create_app
from .guard import Guard
from .runs import Runs
from .session import Session

_SHUTDOWN_TIMEOUT = 2
"""Seconds after which connections are aborted, such as one of a download that is paused."""
_MAX_CONNECTIONS = 200
_log = logging.getLogger(__name__)


class Workbench(uvicorn.Server):
    """The server of a session.

    Args:
        session: The session.
        bound: The socket, which listens on 127.0.0.1. It is closed at the end.
    """

    def __init__(self, session: Session, bound: socket.socket) -> None:
        self._socket = bound
        self.runs = Runs(session)
        host, port = bound.getsockname()
        self.url = f"http://{host}:{port}/"
        super().__init__(
            uvicorn.Config(
                Guard(create_app(session, self.runs, port), port),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,  # the address contains the token
                proxy_headers=False,
                server_header=False,
                limit_concurrency=_MAX_CONNECTIONS,
            )
        )

    def serve_until_interrupted(self) -> None:
        """Serve in the main thread. Jobs continue on the server afterwards."""
        # uvicorn raises the signal again when it has ended, which must not end the process.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            self.serve_until_exit()

    def serve_until_exit(self) -> None:
        """Serve until `should_exit` is set."""
        self.run(sockets=[self._socket])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams and all connections, and wait for requests that are being sent."""
        self.runs.stop_watching()
        if self.runs.is_sending:
            _log.warning("waiting for a request that is being sent; Ctrl-C again does not wait")
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()  # it accepts no further request
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_SHUTDOWN_TIMEOUT)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)
