"""Comparison of a form of the page with a request class: what both accept, and what they state otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from random import Random
from typing import Any

from codegen.test_agreement import generate_bodies, with_urls
from helpers.compile import compile_request
from helpers.models import make_model
from hypothesis import HealthCheck
from oxen_codegen.bind import bind_model
from oxen_codegen.config import find_template_dir
from oxen_codegen.normalize import normalize
from oxen_codegen.records import from_response
from oxen_codegen.resolve import resolve_model
from oxen_codegen.workbench.data import build_data, select_models
from oxen_models import Request, schema as schema_of
from oxen_models._runtime.validation_errors import from_pydantic
from oxen_models.catalog import ModelInfo
from pydantic import ValidationError

from .conftest import Workbench

EDGES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 5.5, -0.0, 1e-7, 0.1 + 0.2, 2**53, -(2**53), 2**63, 2**64, 1e21, -1e21,
    1e308, "", " ", "a", "5", "true", "16:10", "AUTO", "auto ", "1080P", "web", "a'b", "a'\"b", "\\",
    "\n\t\0\x7f", "\xa0\xad\u2028", "\ud800", "🐂\udc02", "🐂" * 120, "é" * 121, "https://example.com/a.png",
    "HTTP:x", " data:,", "dog.png", "http:\ud800", [], {}, [None], ["a"],
    ["https://example.com/a.png", 5, "dog.png"], [[]], [{}], [{"a": "\ud800"}], [1, 2.5], {"a": 1},
    {"\ud800": 1}, {"a": [{"b": "\udfff"}]},
)  # fmt: skip
"""Values at which JSON, JavaScript and Python differ, or messages do."""
SUPPRESSED = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
"""The health checks of Hypothesis that random schemas do not pass."""
_CHECK = "(id, values) => [values, engine.check(id, values)]"
_ADVICE = re.compile(
    r"; for a file, (?:choose or drop it here|pass pathlib\.Path\(.*?\)(?=, or |; |$))|, or pass OMIT"
    r"|; for a file, pass a path, .*? such as result\[0\]"
)
"""What to do about a problem in a program or in the page."""
_SEPARATOR = re.compile("(?:, or )?must be |, or |, | or |; ")

Problem = tuple[str, str, str]
"""The Python name of a parameter, the value that was given, and what is expected."""


@dataclass
class Count:
    """What was compared."""

    forms: int = 0
    values: int = 0
    accepted: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.forms + other.forms, self.values + other.values, self.accepted + other.accepted)

    def __str__(self) -> str:
        numbers = f"{self.accepted:,} accepted, {self.values - self.accepted:,} rejected"
        return f"{self.forms} forms, {self.values:,} values: {numbers}"


def load_form(workbench: Workbench, schema: dict[str, Any]) -> bool:
    """Replace the models of the page by one with this schema, and return whether the page can have it."""
    resolved = resolve_model(from_response(make_model("a-model", schema)), {})
    selected, _ = select_models([(resolved, bind_model(resolved))])
    if selected:
        workbench.call_each("(data) => engine.load(data)", [[build_data(selected, find_template_dir())]])
    return bool(selected)


def compare_random_form(workbench: Workbench, schema: dict[str, Any], random: Random, count: int) -> Count:
    """Compare the form of a random schema with its class. The page has this model only afterwards.

    A schema with a number as a name is not compared, because objects of JavaScript begin with these.
    """
    if re.search(r'"\d+":', json.dumps(schema)):
        return Count()
    compared = Count()
    if load_form(workbench, schema):
        compare_form(workbench, compile_request(schema), generate_values(schema, random, count), compared)
    return compared


def find_request(model: ModelInfo) -> type[Request]:
    """Return the request class of a model."""
    assert model.module is not None
    members = vars(import_module(model.module)).values()
    [found] = (
        member
        for member in members
        if isinstance(member, type) and issubclass(member, Request) and member.__module__ == model.module
    )
    return found


def generate_values(schema: dict[str, Any], random: Random, count: int) -> Iterator[dict[str, Any]]:
    """Yield valid values, and values that are broken in one place; strings for media are mostly URLs."""
    node = normalize(schema)
    for body in generate_bodies(schema, random, count):
        yield with_urls(node, body) if random.random() < 0.7 else body


def change_each_parameter(
    values: Mapping[str, Any], names: Iterable[str], edges: Callable[[], Iterable[Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the values with each one omitted, and replaced by each of some edges."""
    for name in [*names, "no such parameter"]:
        yield {other: value for other, value in values.items() if other != name}
        for edge in edges():
            yield {**values, name: edge}


def compare_model(workbench: Workbench, model: ModelInfo, random: Random, count: int, edges: int) -> Count:
    """Compare the form of a model with its class.

    Args:
        workbench: The page.
        model: The model.
        random: The source of randomness.
        count: The number of random values.
        edges: The number of EDGES in place of each parameter of the example.
    """
    schema = schema_of(model.id)
    example = workbench.models[model.id]["example"]
    bodies = [
        *generate_values(schema, random, count),
        *change_each_parameter(example, schema["properties"], lambda: random.sample(EDGES, edges)),
    ]
    compared = Count()
    compare_form(workbench, find_request(model), bodies, compared)
    return compared


def compare_form(
    workbench: Workbench, request: type[Request], bodies: Iterable[dict[str, Any]], count: Count
) -> None:
    """Compare what the page and the class state about values, which are those of JSON that the page sends."""
    count.forms += 1
    arguments = [(request.model_id, body) for body in bodies]
    for values, found in workbench.call_each(_CHECK, arguments):
        actual = [(problem["parameter"], problem["given"], problem["message"]) for problem in found]
        expected = list_problems(request, values)
        assert agree(actual, expected), (
            f"{request.model_id}: {json.dumps(values)}: the page states {actual}, and the class {expected}"
        )
        count.values += 1
        count.accepted += not expected


def list_problems(request: type[Request], values: Mapping[str, Any]) -> list[Problem]:
    """Return the problems that the bindings report."""
    try:
        request.from_body(values)
    except ValidationError as error:
        return [
            (
                problem.parameter,
                problem.given,
                f"{problem.expected}; {problem.suggestion}" if problem.suggestion else problem.expected,
            )
            for problem in from_pydantic(request.model_id, request, values, error).problems
        ]
    return []


def agree(actual: list[Problem], expected: list[Problem]) -> bool:
    """Return whether the page states what the bindings state.

    The members of a union, whose problems can have different places, have no certain order.
    """
    return sorted(map(_sort_options, actual)) == sorted(map(_sort_options, expected))


def _sort_options(problem: Problem) -> tuple[str, str, list[str]]:
    """Return a problem without advice that is different in programs, and with sorted options.

    The order of options depends on the modules that were imported before.

    `typing` caches unions, and two of literals are equal in any order of their values.
    """
    parameter, given, message = problem
    return parameter, given, sorted(_SEPARATOR.split(_ADVICE.sub("", message)))
