"""Fixtures of the job tests: stand-in hubs and poll intervals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oxen_models.testing import Hub

POLL_INTERVALS = "oxen_models._runtime.scheduler.POLL_INTERVALS"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose jobs end after 20 ms."""
    with Hub(generation_time=0.02) as running:
        yield running


@pytest.fixture
def endless_hub() -> Iterator[Hub]:
    """A hub whose jobs do not end during a test."""
    with Hub(generation_time=3600) as running:
        yield running


@pytest.fixture
def fast_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll a hundred times as often, because three polls take ten seconds otherwise."""
    monkeypatch.setattr(POLL_INTERVALS, {"image": 0.03, "video": 0.15})


@pytest.fixture
def no_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not poll because time has passed, but only for another reason."""
    monkeypatch.setattr(POLL_INTERVALS, {"image": 36000.0, "video": 36000.0})
