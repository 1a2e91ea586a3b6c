"""Fixtures of the job tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oxen_models.testing import Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs end after 20 ms."""
    with Hub(generation_time=0.02) as running:
        yield running


@pytest.fixture
def no_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not poll because time has passed, but only for another reason."""
    intervals = {"image": 36000.0, "video": 36000.0}
    monkeypatch.setattr("oxen_models._runtime.scheduler.POLL_INTERVALS", intervals)
