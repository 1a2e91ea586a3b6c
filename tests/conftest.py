"""What several test modules share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.client_runner import ClientRunner
from helpers.raw_server import RawServer, serving
from oxen_models.testing import Hub

pytest_plugins = ["helpers.codegen"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="take what is emitted for the golden files")
    parser.addoption("--live", action="store_true", help="record from the live hub, with OXEN_API_KEY")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No test leaves this machine; a cassette that is being recorded may."""
    for item in items:
        item.add_marker(pytest.mark.block_network(allowed_hosts=["127.0.0.1"]))


@pytest.fixture(autouse=True)
def isolate_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the key nor the proxy of the machine reaches a test; the live hub needs them."""
    if request.config.getoption("--live"):
        return
    monkeypatch.delenv("OXEN_API_KEY", raising=False)
    # On loopback nobody shows a certificate, and to read all that are trusted takes most of a test's time.
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(Path(__file__).parent))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A stand-in hub of the test's own."""
    with Hub() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> ClientRunner:
    """Calls of the synchronous client, then of the asynchronous one."""
    return ClientRunner(request.param == "async")


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server in the place of the hub."""
    with serving() as running:
        yield running


@pytest.fixture
def other_server() -> Iterator[RawServer]:
    """A server at another address than the hub's."""
    with serving() as running:
        yield running


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many values were compared with what jsonschema says of them."""
    passed: list[pytest.TestReport] = terminalreporter.getreports("passed")
    failed: list[pytest.TestReport] = terminalreporter.getreports("failed")
    compared = sum(
        int(str(count)) for report in passed for name, count in report.user_properties if name == "agreement"
    )
    disagreements = sum("test_agreement.py" in report.nodeid for report in failed)
    if compared or disagreements:
        terminalreporter.write_line(
            f"agreement with jsonschema: {compared:,} values, {disagreements} disagreements"
        )
