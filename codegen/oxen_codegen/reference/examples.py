"""The programs of a page: one for each language, transport and level, rendered from templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from jinja2 import Environment

from .chat import create_messages
from .pages import API_URL, ModelPage
from .source import write_arguments, write_python, write_shell_json

LANGUAGES = {
    "Python": ("python", "python"),
    "Python (async)": ("python", "python_async"),
    "httpx": ("python", "httpx"),
    "cURL": ("bash", "curl"),
}
"""Labels of the languages, each with the language of its code block and the folder of its templates."""
TRANSPORTS = {"Blocking": "blocking", "Queue": "queue", "Events": "events"}
"""Labels of the transports, with the names of their templates."""
MEDIA_KEYS = {"images": "images", "videos": "videos", "audio": "audios"}
"""The attribute of a result that has its files, by family."""


class _Times(NamedTuple):
    """Seconds in the programs of a family."""

    blocking_timeout: int
    """The limit of a blocking call through httpx."""
    timeout: int
    """The limit of a job."""
    interval: int
    """The time between two polls."""


_SHORT_TIMES = _Times(blocking_timeout=300, timeout=600, interval=3)
TIMES = {
    "images": _SHORT_TIMES,
    "videos": _Times(blocking_timeout=1800, timeout=3600, interval=15),
    "audio": _SHORT_TIMES,
}
"""The times by family."""
_CHAT_LANGUAGES = {
    "Python": ("python", "python"),
    "Python (async)": ("python", "python_async"),
    "openai": ("python", "openai"),
    "cURL": ("bash", "curl"),
}


@dataclass(frozen=True, slots=True)
class Example:
    """A program of a page."""

    transport: str
    level: str
    language: str
    syntax: str
    """The language of its code block: python or bash."""
    code: str
    path: str
    """The path below /api/ai to which the program sends the request."""
    body: Mapping[str, Any]
    """The JSON object that it sends there."""


def render_examples(page: ModelPage, templates: Environment) -> tuple[Example, ...]:
    """Return the programs of a page, in the order of its tabs."""
    if page.removal is not None:
        return ()
    if page.family == "chat":
        return tuple(_render_chat(page, templates))
    return tuple(_render_calls(page, templates)) if page.values is not None else ()


def _render_calls(page: ModelPage, templates: Environment) -> Iterator[Example]:
    assert page.values is not None
    assert page.operation is not None
    names = {parameter.wire_name: parameter.name for parameter in page.parameters}
    for transport, template in TRANSPORTS.items():
        for level, values in page.values.list_levels():
            body = {"model": page.id, **values}
            has_image = any(values.get(name) for name in page.image_parameters)
            path = page.operation.find_path(has_image=has_image) if template == "blocking" else "/queue"
            for language, (syntax, folder) in LANGUAGES.items():
                code = templates.get_template(f"docs/examples/{folder}/{template}.jinja").render(
                    url=f"{API_URL}/ai{path}",
                    api_url=API_URL,
                    model=f"oxen.{page.family}.{page.module}",
                    verb=page.verbs[0],
                    arguments={names[name]: value for name, value in values.items()},
                    body=body,
                    media=MEDIA_KEYS[page.family],
                    **TIMES[page.family]._asdict(),
                )
                yield Example(transport, level, language, syntax, code.strip("\n"), path, body)


def _render_chat(page: ModelPage, templates: Environment) -> Iterator[Example]:
    body: dict[str, Any] = {"model": page.id, "messages": create_messages(page.inputs)}
    for transport, template in (("Blocking", "blocking"), ("Stream", "stream")):
        sent = body if template == "blocking" else {**body, "stream": True}
        for language, (syntax, folder) in _CHAT_LANGUAGES.items():
            code = templates.get_template(f"docs/examples/chat/{folder}_{template}.jinja").render(
                url=f"{API_URL}/ai/chat/completions", base_url=f"{API_URL}/ai", arguments=body, body=sent
            )
            yield Example(transport, "", language, syntax, code.strip("\n"), "/chat/completions", sent)


def group_in_order(examples: Iterable[Example], attribute: str) -> list[tuple[str, list[Example]]]:
    """Return examples by the value of an attribute, in the order of the values' first examples."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(getattr(example, attribute), []).append(example)
    return list(groups.items())


def add_filters(templates: Environment) -> None:
    """Add the filters of the programs, each of which writes values of the API as literals."""
    filters: dict[str, Any] = templates.filters
    filters["groupby_order"] = group_in_order
    filters["arguments"] = write_arguments
    filters["body"] = partial(write_python, is_split=True)
    filters["shell_json"] = write_shell_json
