"""A hub that the tests of the server share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.agent import Agent, connect
from oxen_models import Oxen
from oxen_models.testing import Hub


@pytest.fixture
def hub(module_hub: Hub) -> Hub:
    """A hub without requests and faults of other tests."""
    module_hub.clear()
    return module_hub


@pytest.fixture
def oxen(hub: Hub) -> Iterator[Oxen]:
    """A client that does not retry."""
    with Oxen("any", base_url=hub.url, max_retries=0) as client:
        yield client


@pytest.fixture
def agent(oxen: Oxen, tmp_path: Path) -> Iterator[Agent]:
    """A client of a server without limits."""
    with connect(oxen, tmp_path) as connected:
        yield connected
