"""Fixtures for tests of the stand-in hub."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from helpers.hub_api import open_client
from helpers.models import make_model
from oxen_models.testing import Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with a clock that runs a hundred times faster, and with a video model `film`."""
    with Hub(speed=100) as running:
        running.add_model(make_model("film", endpoint="/videos/generate", capabilities={"output": ["video"]}))
        yield running


@pytest.fixture
def api(hub: Hub) -> Iterator[httpx.Client]:
    """An httpx client for the API of the hub."""
    with open_client(hub) as opened:
        yield opened


@pytest.fixture
def unused_server() -> Iterator[str]:
    """The URL of a server that must not receive a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
