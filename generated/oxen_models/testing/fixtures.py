# Copied by oxen-codegen from templates/package/testing/fixtures.py. Do not edit.
"""A pytest fixture of the stand-in hub. In `conftest.py`:

pytest_plugins = ["oxen_models.testing.fixtures"]
"""

from collections.abc import Iterator

import pytest

from ._hub import Hub


@pytest.fixture(scope="session")
def oxen_hub_of_session() -> Iterator[Hub]:
    """The stand-in hub that all tests of a process share. Its queue is a hundred times as fast."""
    with Hub(speed=100) as hub:
        yield hub


@pytest.fixture
def oxen_hub(oxen_hub_of_session: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The stand-in hub, which `Oxen()` and `AsyncOxen()` use during the test.

    It has neither the faults nor the requests of earlier tests.
    """
    oxen_hub_of_session.clear()
    monkeypatch.setenv("OXEN_BASE_URL", oxen_hub_of_session.url)
    monkeypatch.setenv("OXEN_API_KEY", "any-key-of-the-stand-in")
    return oxen_hub_of_session
