"""Compile each template once per test process, because it takes a third of the time of a command."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType
from typing import Any

import pytest
from jinja2 import Environment


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> Iterator[None]:
    """Code of templates by their text and file; all environments of the generator are alike."""
    compile_template = Environment.compile
    compiled: dict[tuple[str, ...], CodeType] = {}

    def compile_once(self: Environment, source: str, *names: Any, **options: Any) -> CodeType:
        key = (source, *map(str, names), *map(str, options.items()))
        if key not in compiled:
            compiled[key] = compile_template(self, source, *names, **options)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Environment, "compile", compile_once)
        yield
