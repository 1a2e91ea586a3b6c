"""Compile each template once per test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.templates import make_compile_once
from jinja2 import Environment


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> Iterator[None]:
    """Keep the code of templates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Environment, "compile", make_compile_once())
        yield
