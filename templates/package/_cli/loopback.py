"""The sockets of servers, which listen on the loopback interface only."""

from __future__ import annotations

import os
import socket

import click

HOST = "127.0.0.1"


def bind_loopback(port: int, option: str) -> socket.socket:
    """Return a socket that listens on a port of 127.0.0.1.

    Args:
        port: The port; 0 for any free one.
        option: The option that selects the port, for the error.

    Raises:
        click.UsageError: The port is in use or may not be used.
    """
    # With the protocol stated, asyncio disables Nagle's algorithm, which delays events by 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere, the option lets two servers have one port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
        bound.listen()
    except OSError as error:
        bound.close()
        reason = error.strerror or error
        raise click.UsageError(
            f"port {port} of {HOST} cannot be used: {reason}; choose another one with {option}"
        ) from None
    return bound
