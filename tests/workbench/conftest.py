"""The scripts of the workbench in V8, without a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pytest
from oxen_codegen.config import find_template_dir
from oxen_codegen.workbench.shorten import join_scripts
from py_mini_racer import MiniRacer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "generated" / "oxen_models" / "_workbench" / "page.html"
# Those that use no document.
NAMES = (
    "adaptation",
    "calls",
    "command",
    "decimals",
    "engine",
    "estimates",
    "fitting",
    "literals",
    "parameters",
    "priced_parameters",
    "problems",
    "shapes",
    "similarity",
    "types",
    "validation",
    "words",
)
WRITE_CALL = (
    "(id, values, language, transport) => calls.write(data, engine.find(id), values, language, transport)"
)
"""A function that returns the program of a call."""
_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


class Workbench:
    """The data of the committed page, and its scripts."""

    def __init__(self) -> None:
        found = _DATA.search(PAGE.read_text(encoding="utf-8"))
        assert found is not None
        self._text = found[1]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()  # V8 may wait forever if the interpreter ends first

    @cached_property
    def data(self) -> dict[str, Any]:
        """The data of the page, as `engine.load` restores them."""
        data: dict[str, Any] = json.loads(str(self._context.eval("JSON.stringify(data)")))
        return data

    @cached_property
    def models(self) -> dict[str, dict[str, Any]]:
        """The models by id."""
        return {model["id"]: model for model in self.data["models"]}

    def call_each(self, function: str, arguments: Sequence[Sequence[object]]) -> list[Any]:
        """Return the result of a function of JavaScript for each of several lists of arguments."""
        # Not a call with the arguments in its source, where a key `__proto__` is no property.
        call = f"(text) => JSON.parse(text).map((items) => ({function})(...items))"
        results: list[Any] = self._context.call(f"({call})", json.dumps(arguments))
        return results

    @cached_property
    def _context(self) -> MiniRacer:
        context = self._stack.enter_context(MiniRacer())
        files = (find_template_dir() / "workbench" / f"{name}.js" for name in NAMES)
        context.eval(join_scripts(file.read_text(encoding="utf-8") for file in files))
        context.eval(f"const data = JSON.parse({json.dumps(self._text)}); engine.load(data); null")
        return context


@pytest.fixture(scope="session")
def workbench() -> Iterator[Workbench]:
    """The scripts and the data of the page."""
    with Workbench() as workbench:
        yield workbench
