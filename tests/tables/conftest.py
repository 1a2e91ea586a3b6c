"""Fixtures of the tests of tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from oxen_models import tables
from oxen_models.images import ZImageTurboRequest
from oxen_models.tables import TableProgress
from oxen_models.testing import Hub

RunTable = Callable[..., TableProgress]


def create_runner(run: ClientRunner, hub: Hub) -> RunTable:
    """Return a function that runs a table with a client of a hub."""
    function: Any = tables.run_async if run.asynchronous else tables.run

    def run_rows(source: Any, to_request: Any, sink: Any, *arguments: Any, **options: Any) -> Any:
        return run(
            lambda client: function(source, to_request, sink, *arguments, client=client, **options),
            base_url=hub.url,
        )

    return run_rows


@pytest.fixture
def run_table(run: ClientRunner, hub: Hub) -> RunTable:
    """Return a function that runs a table with either client."""
    return create_runner(run, hub)


@pytest.fixture
def run_sync(hub: Hub) -> RunTable:
    """Return a function that runs a table with the synchronous client, for what both clients share."""
    return create_runner(ClientRunner(asynchronous=False), hub)


def draw(row: dict[str, Any]) -> ZImageTurboRequest:
    """Return the request of a row with a column `text`."""
    return ZImageTurboRequest(prompt=row["text"])


def make_rows(count: int) -> list[dict[str, Any]]:
    """Return rows with the keys 0, 1, …"""
    return [{"id": number, "text": f"number {number}"} for number in range(count)]
