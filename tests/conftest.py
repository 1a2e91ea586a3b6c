"""Options, fixtures and hooks that all tests share."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from helpers.lean import LEAN
from helpers.program_server import WARM_UP, ProgramServer
from helpers.raw_server import RawServer, run_raw_server
from oxen_models.testing import Hub
from pytest_recording.network import blocking_context

pytest_plugins = ["helpers.codegen"]

MODULES = """
import oxen_models._cli.compare, oxen_models._cli.generate, oxen_models._cli.main, oxen_models._cli.workbench
import oxen_models._workbench.serve, oxen_models.journal, oxen_models.testing
"""
"""Imports what the processes use beside a client."""

# httpcore tries to import sniffio for each lock; a failed import takes a tenth of the time of these tests.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]

# The plugin of trio would start a collection of all objects, which takes half a second.
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"

# The tests write 50,000 files, which takes a third of the system time in memory.
MEMORY = "/dev/shm"
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 * 2**30:
    os.environ.setdefault("TMPDIR", MEMORY)
    tempfile.tempdir = None  # was determined before TMPDIR was set

# A shell ignores it for background processes, and so would the processes that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="write the golden files instead of comparing them")
    parser.addoption("--live", action="store_true", help="record from the live hub, with OXEN_API_KEY")


# Modules and tests live until the end. The collector would visit them again and again while they are loaded,
# and then in each full collection, which takes a tenth of a second each time.
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem() -> Generator[None, list[Any] | pytest.Collector | None, Any]:
    """Omit tests marked `async_values` that repeat another value with the synchronous client."""
    made = yield
    if made is None or isinstance(made, pytest.Collector):
        return made
    return [item for item in made if not _repeats_value(item)]


def _repeats_value(item: Any) -> bool:
    if item.get_closest_marker("async_values") is None:
        return False
    return item.callspec.params["run"] == "sync" and any(item.callspec.indices.values())


def pytest_collection_finish() -> None:
    """Collect garbage less often, and never the objects that exist before the first test."""
    gc.freeze()
    gc.set_threshold(7000)
    gc.enable()


@pytest.fixture(scope="module")
def small_heap() -> None:
    """Exclude what earlier tests left from the collections that tests start; each takes half a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def block_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Allow connections to this machine only, unless cassettes are recorded.

    Replaces the fixture of pytest-recording, which takes a fifth of the time of a small test.
    """
    if request.config.getoption("--record-mode") not in (None, "none"):
        yield
        return
    with blocking_context(allowed_hosts=["127.0.0.1"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def vcr() -> None:
    """Replay no cassette; a module with cassettes restores the fixture of pytest-recording."""


@pytest.fixture(scope="session", autouse=True)
def isolate_environment(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove settings and proxies of the environment, except for tests against the live hub."""
    if request.config.getoption("--live"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OXEN_API_KEY", "OXEN_BASE_URL", "OXEN_HOST"):
            patch.delenv(name, raising=False)
        # No developer's login file is read.
        patch.setenv("OXEN_CONFIG_DIR", str(Path(__file__).parent))
        # No test uses TLS, and loading the trusted certificates would take most of a test's time.
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(Path(__file__).parent))
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setenv("PYTHONPATH", str(LEAN), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def shared_hub() -> Iterator[Hub]:
    """The stand-in hub of this test process, with a queue that is a hundred times as fast."""
    with Hub(speed=100) as running:
        yield running


@pytest.fixture
def hub(shared_hub: Hub) -> Hub:
    """The shared hub without faults and logged requests; models and jobs of earlier tests stay."""
    shared_hub.clear()
    return shared_hub


@pytest.fixture(scope="module")
def module_hub() -> Iterator[Hub]:
    """A stand-in hub for the tests of a module, which add models or list jobs."""
    with Hub(speed=100) as running:
        yield running


@pytest.fixture
def own_hub() -> Iterator[Hub]:
    """A stand-in hub for this test alone, for tests that add models or list jobs."""
    with Hub() as running:
        yield running


@pytest.fixture
def endless_hub() -> Iterator[Hub]:
    """A hub whose jobs do not end during a test."""
    with Hub(generation_time=3600) as running:
        yield running


@pytest.fixture
def fast_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll a hundred times as often, because three polls take ten seconds otherwise."""
    monkeypatch.setattr("oxen_models._runtime.scheduler.POLL_INTERVALS", {"image": 0.03, "video": 0.15})


@pytest.fixture(params=[pytest.param("sync", marks=pytest.mark.slow), "async"])
def run(request: pytest.FixtureRequest) -> ClientRunner:
    """A runner of the synchronous client, then one of the asynchronous client.

    The quick selection, `-m "not slow"`, omits the synchronous client, because its code is derived.
    """
    return ClientRunner(request.param == "async")


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A raw server in place of the hub."""
    with run_raw_server() as running:
        yield running


@pytest.fixture
def other_server() -> Iterator[RawServer]:
    """A raw server at another address than the hub."""
    with run_raw_server() as running:
        yield running


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of values compared with jsonschema's verdict."""
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


@pytest.fixture(scope="session")
def programs() -> Iterator[ProgramServer]:
    """A server that starts programs with the client and the command line imported."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    with ProgramServer(f"{MODULES}\n{WARM_UP}") as server:
        yield server


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of a user without privileges, as which the test runs."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
            try:
                yield Path(folder)
            finally:
                os.seteuid(0)
        else:
            yield Path(folder)
