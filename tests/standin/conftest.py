"""A hub whose queue is a hundred times as fast, with a model of films."""

from collections.abc import Iterator

import httpx
import pytest
from helpers.hub_api import open_client
from helpers.models import make_model
from oxen_models.testing import Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(speed=100) as running:
        running.add_model(make_model("film", endpoint="/videos/generate", capabilities={"output": ["video"]}))
        yield running


@pytest.fixture
def api(hub: Hub) -> Iterator[httpx.Client]:
    with open_client(hub) as opened:
        yield opened
