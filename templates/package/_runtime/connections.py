"""The connection of one request, observed through the trace events of httpcore."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class CallError(Exception):
    """A call ended without a response, for a reason of the client."""


class CallTimeoutError(CallError):
    """The deadline of the call passed."""


class CallClosedError(CallError):
    """The client was closed."""


class CallNotStartedError(CallError):
    """The call could not be started. Nothing was sent."""


class UsedConnectionError(CallError):
    """The connection pool chose a connection that another request was sent on. Nothing was sent."""


class StreamCutError(Exception):
    """An event stream that is the response to a request was interrupted after it had begun."""


class ConnectionTrace:
    """Observes how a request is sent, and refuses a connection that another request was sent on.

    Such a connection may carry bytes that the server sent after its previous response, which would be taken
    for the response to this request, or the server may close it at this moment.
    """

    def __init__(self) -> None:
        self.streams: list[Any] = []
        """The network streams that only this request uses."""
        self.is_interrupted = False
        self.is_connecting = False
        """Whether a connection is being opened or is open."""
        self.may_have_been_sent = True
        """False if a connection is being opened. Other transports than httpx's own report nothing."""

    def observe(self, event: str, info: Mapping[str, Any]) -> None:
        """Handle a trace event of httpcore.

        Raises:
            CallError: The request must not be sent, because it was interrupted or has a used connection.
        """
        source, _, name = event.partition(".")
        if name in _CONNECT_STARTED:
            self.is_connecting = True
            self.may_have_been_sent = False
        elif name in _CONNECT_COMPLETE:
            stream = info["return_value"]
            self.streams.append(stream)
            _enable_keepalive(stream)
            self._check_not_interrupted()
        elif name == "send_request_headers.started" and info["request"].method != b"CONNECT":
            if source == "http2":
                self.streams.clear()  # other requests may use the connection at the same time
            elif not self.is_connecting:
                raise UsedConnectionError
            self.may_have_been_sent = True  # before the check: an interruption reads it in the reverse order
            self._check_not_interrupted()

    def shut_down(self) -> None:
        """Interrupt the request. A thread that reads from its connection is woken."""
        self.is_interrupted = True
        for stream in tuple(self.streams):
            # Not SSLSocket.shutdown(), after which another thread would write to the socket unencrypted.
            with suppress(OSError, AttributeError, TypeError):
                socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)

    def _check_not_interrupted(self) -> None:
        if self.is_interrupted:
            raise CallError


def _enable_keepalive(stream: Any) -> None:
    """Send TCP keep-alive packets, because a router may forget a connection that is silent for minutes."""
    # A transport of the caller may have other streams, and a socket may not have all options.
    with suppress(OSError, AttributeError):
        connected = stream.get_extra_info("socket")
        for level, option, value in _KEEPALIVE_OPTIONS:
            connected.setsockopt(level, option, value)


_CONNECT_STARTED = frozenset({"connect_tcp.started", "connect_unix_socket.started"})
_CONNECT_COMPLETE = frozenset({"connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete"})
KEEPALIVE_IDLE_TIME = 60
KEEPALIVE_INTERVAL = 30
MAX_KEEPALIVE_PROBES = 5
_KEEPALIVE_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (
            ("TCP_KEEPIDLE", KEEPALIVE_IDLE_TIME),
            ("TCP_KEEPALIVE", KEEPALIVE_IDLE_TIME),  # its name on macOS
            ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL),
            ("TCP_KEEPCNT", MAX_KEEPALIVE_PROBES),
        )
        if hasattr(socket, name)
    ),
)
