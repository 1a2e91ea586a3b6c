"""A client of the MCP server, in this process."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
from anyio.from_thread import start_blocking_portal
from mcp import Client
from oxen_models import Oxen
from oxen_models._mcp.server import create_server
from oxen_models._runner.destinations import Destination
from oxen_models._runner.limits import Limits
from oxen_models._runner.runner import Runner

MODES = ["legacy", "auto"]
"""The generations of the protocol: with a handshake, and without."""


class Agent:
    """Calls tools and blocks until they return.

    Args:
        client: A client that is connected.
        portal: Where the client runs.
    """

    def __init__(self, client: Client, portal: Any) -> None:
        self.client = client
        self.portal = portal

    def do(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Return what a method of the client returns."""
        return self.portal.call(lambda: getattr(self.client, name)(*arguments, **options))

    def call(self, tool: str, **arguments: Any) -> types.CallToolResult:
        """Return the result of a tool."""
        result: types.CallToolResult = self.do("call_tool", tool, arguments)
        return result

    def read(self, tool: str, **arguments: Any) -> Any:
        """Return the JSON of a result that is no error."""
        result = self.call(tool, **arguments)
        assert not result.is_error, read_text(result)
        return json.loads(read_text(result))

    def fail(self, tool: str, **arguments: Any) -> str:
        """Return the text of an error."""
        result = self.call(tool, **arguments)
        assert result.is_error, read_text(result)
        return read_text(result)


def read_text(result: types.CallToolResult) -> str:
    """Return the text at the start of a result."""
    [text, *_] = result.content
    assert isinstance(text, types.TextContent)
    return text.text


@contextmanager
def connect(
    oxen: Oxen, folder: Path, limits: Limits | None = None, mode: str = "auto", **options: Any
) -> Generator[Agent]:
    """Connect a client to a new server.

    Args:
        oxen: The client of the API.
        folder: Where results are saved.
        limits: The limits of the server.
        mode: How the protocol is negotiated.
        options: Further options of the client.
    """
    server = create_server(Runner(oxen, limits), Destination(folder))
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server, mode=mode, **options)) as client,
    ):
        yield Agent(client, portal)
