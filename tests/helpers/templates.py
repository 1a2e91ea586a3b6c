"""Compile each template and shorten each script once per process; both take most of the time of a command."""

from __future__ import annotations

from functools import cache
from types import CodeType
from typing import Any

from jinja2 import Environment
from oxen_codegen.workbench import scripts


def prepare_once() -> None:
    """Keep the code of templates and the short scripts; all environments of the generator are alike."""
    Environment.compile = _make_compile_once()  # type: ignore[method-assign]
    scripts.shorten_script = cache(scripts.shorten_script)


def _make_compile_once() -> Any:
    compile_template = Environment.compile
    compiled: dict[tuple[str, ...], CodeType] = {}

    def compile_once(self: Environment, source: str, *names: Any, **options: Any) -> CodeType:
        key = (source, *map(str, names), *map(str, options.items()))
        if key not in compiled:
            compiled[key] = compile_template(self, source, *names, **options)
        return compiled[key]

    return compile_once
