"""A browser on the built site."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, expect, sync_playwright

OPTIONS = ("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")
PHONE_WIDTH = 360
WORKBENCH = Path(__file__).parents[2] / "generated" / "oxen_models" / "_workbench" / "page.html"
LOAD_TIMEOUT = 120_000
"""Milliseconds; only a fault takes that long."""
expect.set_options(timeout=60_000)  # only a fault takes that long, even on a busy machine

ColorScheme = Literal["light", "dark"]


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chromium", required=True, help="the executable of the browser")
    parser.addoption("--site", required=True, help="the folder of the built site")
    parser.addoption("--screenshots", required=True, help="the folder to write screenshots to")


@pytest.fixture(scope="session")
def site_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """The address of the site, served on this machine."""
    handler = partial(QuietHandler, directory=str(pytestconfig.getoption("--site")))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def screenshots(pytestconfig: pytest.Config) -> Path:
    """The folder of the screenshots, which exists."""
    folder = Path(str(pytestconfig.getoption("--screenshots")))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """The browser of all tests."""
    # Chromium has no sandbox for root.
    options = [*OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=pytestconfig.getoption("--chromium"), args=options)


@pytest.fixture(params=["light", "dark"])
def color_scheme(request: pytest.FixtureRequest) -> ColorScheme:
    """The colors that the reader's system prefers."""
    scheme: ColorScheme = request.param
    return scheme


@pytest.fixture
def open_page(browser: Browser, site_url: str) -> Iterator[PageOpener]:
    """Open pages of the site; fail after the test if one had an error or sent a request to another host."""
    opener = PageOpener(browser, site_url)
    yield opener
    opener.close()
    assert opener.faults == []


@pytest.fixture
def open_workbench(browser: Browser) -> Iterator[PageOpener]:
    """Open the workbench from its file with a fragment, as `open_page` opens pages of the site."""
    opener = PageOpener(browser, WORKBENCH.as_uri())
    yield opener
    opener.close()
    assert opener.faults == []


class PageOpener:
    """Opens pages and collects their faults.

    Args:
        browser: The browser.
        url: The start of the addresses of all pages; requests to others are faults.
        allowed: Texts of console errors that are no faults.
    """

    def __init__(self, browser: Browser, url: str, allowed: tuple[str, ...] = ()) -> None:
        self.faults: list[str] = []
        self._url = url
        self._allowed = allowed
        self._context = browser.new_context()
        self._context.grant_permissions(["clipboard-read", "clipboard-write"])

    def __call__(self, path: str, *, width: int = 1280, color_scheme: ColorScheme = "light") -> Page:
        """Return a page that is loaded and whose scripts have run."""
        page = self._context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(
            color_scheme="dark" if color_scheme == "dark" else "light", reduced_motion="reduce"
        )
        page.on("request", self._check_request)
        page.on("console", self._check_message)
        page.on("pageerror", self._collect_error)
        page.set_default_timeout(LOAD_TIMEOUT)
        page.goto(f"{self._url}{path}", wait_until="load")
        return page

    def close(self) -> None:
        """Close all pages."""
        self._context.close()

    def _check_request(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:", "blob:")):
            self.faults.append(f"request to {request.url}")

    def _check_message(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in self._allowed):
            self.faults.append(f"console: {message.text}")

    def _collect_error(self, error: Error) -> None:
        self.faults.append(f"script: {error.message}")
