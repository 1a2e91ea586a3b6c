"""Compile schemas to modules and request classes as the generator does, without a folder."""

from __future__ import annotations

import itertools
import sys
from types import ModuleType
from typing import Any

from jinja2 import FileSystemLoader
from oxen_codegen.bind import bind_model
from oxen_codegen.config import find_template_dir
from oxen_codegen.injection import Placeholders, equal_except_literals
from oxen_codegen.records import Record, from_response
from oxen_codegen.render import create_environment
from oxen_codegen.resolve import resolve_model
from oxen_models import Request

_LOADER = FileSystemLoader(find_template_dir())
_TEMPLATE = create_environment(_LOADER).get_template("family/model.py.jinja")
_NUMBERS = itertools.count()


def render_module(record: Record) -> str:
    """Return the text of a model's module, checked for injected code."""
    spec = bind_model(resolve_model(record, {}))
    source = _TEMPLATE.render(spec=spec)
    assert equal_except_literals(source, _TEMPLATE.render(spec=Placeholders().replace(spec)))
    return source


def compile_module(
    schema: object, model_id: str = "a-model", endpoint: str = "/images/generate", **fields: Any
) -> ModuleType:
    """Return the imported module of a model with that parameter schema."""
    source = render_module(
        from_response({**fields, "id": model_id, "endpoint": endpoint, "json_request_schema": schema})
    )
    module = ModuleType(f"compiled_{next(_NUMBERS)}")
    # pydantic resolves the names in annotations there.
    sys.modules[module.__name__] = module
    exec(compile(source, f"<{module.__name__}>", "exec"), vars(module))
    return module


def compile_request(schema: object, **fields: Any) -> type[Request]:
    """Return the request class of a model with that parameter schema."""
    module = compile_module(schema, **fields)
    found: type[Request]
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Request) and value.__module__ == module.__name__
    )
    return found
