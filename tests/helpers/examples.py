"""Execute the programs of the reference pages against the stand-in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from oxen_codegen.reference.examples import Example
from oxen_codegen.reference.pages import ModelPage
from oxen_models.testing import Hub, ReceivedRequest

from .program_server import TIMEOUT, Finished, ProgramServer

SPEED = 100
"""The speed of the stand-in's clock, and of the pauses between polls."""
MISSING_TOOLS = [tool for tool in ("bash", "curl", "jq") if shutil.which(tool) is None]
"""Why the programs of shells cannot be executed."""
_SHORT_PAUSES = """sleep() { command sleep "$(printf '0.%02d' "$1")"; }\n"""
CAN_FORK = hasattr(os, "fork")
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)\n\1```$", re.DOTALL | re.MULTILINE)
# Not the URLs of repositories, which stand in bodies.
_HOST = re.compile(r"https://hub\.oxen\.ai(?=/api(?:/ai|/events|\"))")
# Commands such as curl would read proxies and settings of the user.
_PASSED_ON = ("PATH", "PYTHONPATH", "SSL_CERT_DIR", "SYSTEMROOT", "TMPDIR")


def extract_blocks(markdown: str) -> list[tuple[str, str]]:
    """Return language and text of every code block of a page."""
    return [
        (match[2], "\n".join(line.removeprefix(match[1]) for line in match[3].split("\n")))
        for match in _BLOCK.finditer(markdown)
    ]


class ExampleRunner:
    """Runs programs of pages against a stand-in, with a key of their own.

    Args:
        hub: The stand-in.
        programs: Runs the Python programs.
        folder: The working directory of the programs.
    """

    def __init__(self, hub: Hub, programs: ProgramServer, folder: Path) -> None:
        self.hub = hub
        self._programs = programs
        self._folder = folder
        self._numbers = count()

    def run(self, syntax: str, code: str) -> tuple[Finished, list[ReceivedRequest]]:
        """Run a program, and return its output and the requests that it sent."""
        key = f"example-{next(self._numbers)}"
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {
            "OXEN_API_KEY": key,
            "OXEN_BASE_URL": f"{self.hub.url}/api/ai",
            "OXEN_CONFIG_DIR": str(self._folder),
            "no_proxy": "127.0.0.1",
        }
        code = _HOST.sub(self.hub.url, code)
        if syntax == "python":
            finished = self._programs.run(code, environment, self._folder)
        else:
            finished = self._run_shell(code, environment)
        sent = [
            request
            for request in self.hub.requests.copy()
            if request.headers.get("authorization") == f"Bearer {key}"
        ]
        return finished, sent

    def run_example(self, page: ModelPage, example: Example) -> None:
        """Run a program, and check what it sends and prints.

        Raises:
            AssertionError: It is not what the page promises.
        """
        finished, sent = self.run(example.syntax, example.code)
        where = f"{page.id}: {example.transport}, {example.level}, {example.language}"
        assert (finished.code, finished.errors) == (0, ""), f"{where}: {finished}"
        posts = [(request.path, request.body) for request in sent if request.method == "POST"]
        expected = typed_body(page, example) if page.verbs else example.body
        assert posts == [(f"/api/ai{example.path}", expected)], f"{where}: {posts}"
        paths = [request.path for request in sent]
        if example.transport == "Events":
            assert paths[:2] == ["/api/events", "/api/ai/queue"], f"{where}: {paths}"
        url = "oxen_signature=" if page.verbs else "The stand-in read:"
        assert url in finished.output, f"{where}: {finished.output}"

    def run_details(self, page: ModelPage, command: str) -> None:
        """Run the command that requests a model object."""
        finished, _ = self.run("bash", command)
        assert (finished.code, finished.errors) == (0, ""), f"{page.id}: {finished}"
        assert json.loads(finished.output)["id"] == page.id

    def _run_shell(self, code: str, environment: Mapping[str, str]) -> Finished:
        done = subprocess.run(
            ["bash", "-c", f"{_SHORT_PAUSES}{code}"],
            env=environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        return Finished(done.returncode, done.stdout, done.stderr)


def typed_body(page: ModelPage, example: Example) -> dict[str, Any]:
    """Return the body that the bindings send for the parameters of an example."""
    assert page.values is not None
    names = {parameter.wire_name: parameter.name for parameter in page.parameters}
    family = import_module(f"oxen_models.{page.family}")
    request_class = getattr(family, f"{page.class_name}Request")
    values = dict(page.values.list_levels())[example.level]
    request = request_class(**{names[name]: value for name, value in values.items()})
    if example.transport == "Blocking":
        assert request.endpoint == example.path
    body: dict[str, Any] = request.body()
    return body
