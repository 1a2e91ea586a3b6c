"""The options of a model's command, made from the parameters of the model."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Set
from itertools import chain, count
from typing import Any

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType
from oxen_models._runner.examples import create_example
from oxen_models._runner.models import Parameter, RunnableModel
from oxen_models._runtime.json_schema.accepted_values import Node
from oxen_models._runtime.json_schema.json_types import is_list
from oxen_models._runtime.printable import escape_line

from .failures import InvalidValueError
from .texts import TextError, escape_text, find_array, is_flag, list_members, parse_text, parse_texts

MAX_SHOWN_LENGTH = 60
MAX_SHOWN_CHOICES = 12


class ModelOptions:
    """The options of a model.

    Args:
        model: The model.
        reserved: The names of the command's own options.
    """

    def __init__(self, model: RunnableModel, reserved: Collection[str]) -> None:
        self._model = model
        self._parameters: dict[str, Parameter] = {}
        self.sections: dict[str, list[click.Option]] = {}
        """The options by section of the help, in the order of a form."""
        used = set(reserved)
        for index, parameter in enumerate(model.parameters):
            destination = f"parameter_{index}"
            name = _name_option(parameter, used)
            names = {f"--{name}", f"--no-{name}"} if is_flag(parameter.node) else {f"--{name}"}
            used |= names
            self._parameters[destination] = parameter
            self.sections.setdefault(_name_section(parameter), []).append(
                _create_option(destination, name, parameter)
            )

    def write_example(self) -> str:
        """Return the options with an example of each required parameter, quoted for a shell."""
        values = create_example(self._model)
        words: list[str] = []
        for option in (option for section in self.sections.values() for option in section):
            parameter = self._parameters[str(option.name)]
            if parameter.name in values:
                words += _write_option(option, parameter, values[parameter.name])
        return shlex.join(words)

    def pop_values(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Remove the values of the parameters from the arguments of the command, and return them."""
        values: dict[str, Any] = {}
        for destination, parameter in self._parameters.items():
            value = arguments.pop(destination)
            if value is not None and value != ():
                values[parameter.name] = _convert(parameter, value)
        return values


class ValueType(StringParamType):
    """The value of a parameter, as text; it completes the values that the schema lists.

    Args:
        node: The schema of the value, or of one item of it.
    """

    name = "value"

    def __init__(self, node: Node) -> None:
        self._node = node

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return escape_line(_describe_kind(self._node))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        choices = [_write(value) for value in _list_choices(self._node)]
        if choices:
            return [CompletionItem(choice) for choice in choices if choice.startswith(incomplete)]
        return [CompletionItem(incomplete, type="file")]


def _create_option(destination: str, name: str, parameter: Parameter) -> click.Option:
    node, help_text = parameter.node, _describe(parameter)
    if is_flag(node):
        return click.Option([destination, f"--{name}/--no-{name}"], default=None, help=help_text)
    array = find_array(node)
    return click.Option(
        [destination, f"--{name}"],
        type=ValueType(node if array is None else _find_item(node, array)),
        multiple=array is not None,
        help=help_text,
    )


def _write_option(option: click.Option, parameter: Parameter, value: object) -> list[str]:
    """Return the arguments that give a value to an option."""
    if is_flag(parameter.node):
        return [(option.opts if value else option.secondary_opts)[0]]
    items = value if option.multiple and is_list(value) else [value]
    return [word for item in items for word in (option.opts[0], escape_text(_write(item)))]


def _convert(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, bool):
        return value
    try:
        if find_array(parameter.node) is not None:
            return parse_texts(value, parameter.node)
        return parse_text(value, parameter.node)
    except TextError as error:
        raise InvalidValueError(f"{parameter.name}: {error}") from None


def _name_option(parameter: Parameter, used: Set[str]) -> str:
    """Return the name of an option; a name that is in use, or that is not one of an option, gets a prefix."""
    plain = re.sub("[^a-z0-9]+", "-", parameter.name.lower()).strip("-")
    prefixed = f"param-{plain}" if plain else "param"
    candidates = chain([plain] if plain else [], [prefixed], (f"{prefixed}-{number}" for number in count(2)))
    return next(name for name in candidates if used.isdisjoint((f"--{name}", f"--no-{name}")))


def _name_section(parameter: Parameter) -> str:
    if parameter.is_hidden:
        return "Further parameters"
    if parameter.is_required:
        return "Required parameters"
    return "Basic parameters" if parameter.is_basic else "Parameters"


def _describe(parameter: Parameter) -> str:
    """Return the help of an option."""
    text = parameter.description
    parts = [text, _describe_limits(parameter.node)]
    if find_array(parameter.node) is not None:
        parts.append("Repeatable")
    notes: Mapping[str, Any] = parameter.annotations
    if parameter.is_required:
        example = notes.get("example", notes.get("default"))
        parts += [f"Example: {_shorten(example)}"] if example else []
    elif notes.get("default") not in (None, "", " ", []):
        parts.append(f"Default: {_shorten(notes['default'])}")
    sentences = [part if part[-1] in ".!?)…" else f"{part}." for part in parts if part]
    return escape_line(" ".join(sentences))


def _describe_limits(node: Node) -> str:
    choices = list(_list_choices(node))
    if len(choices) > MAX_SHOWN_CHOICES:
        shown = ", ".join(map(_write, choices[:MAX_SHOWN_CHOICES]))
        return f"One of {len(choices)} values: {shown}, …"
    for member in list_members(node):
        low, high = (member.get(key) for key in ("minimum", "maximum"))
        above, below = (member.get(key) for key in ("exclusiveMinimum", "exclusiveMaximum"))
        words = [
            f"at least {low}" if low is not None else "",
            f"at most {high}" if high is not None else "",
            f"more than {above}" if above is not None else "",
            f"less than {below}" if below is not None else "",
        ]
        if low is not None and high is not None:
            words = [f"{low} to {high}"]
        if any(words):
            text = " and ".join(filter(None, words))
            return text[0].upper() + text[1:]
    return ""


def _describe_kind(node: Node) -> str:
    """Return the placeholder of a value in the help."""
    choices = list(_list_choices(node))
    kinds = [f"[{'|'.join(map(_write, choices))}]" if len(choices) <= MAX_SHOWN_CHOICES else "VALUE"]
    others = [
        member for member in list_members(node) if "enum" not in member and member.get("type") != "null"
    ]
    if any("media" in member for member in others):
        kinds.append("PATH|URL")
    types = {str(member.get("type", "json")) for member in others if "media" not in member}
    kinds += sorted({"JSON" if kind in ("array", "object", "json") else kind.upper() for kind in types})
    return "|".join(kinds if choices else kinds[1:]) or "VALUE"


def _find_item(node: Node, array: Node) -> Node:
    """Return the schema of one occurrence of a repeatable option."""
    scalars = [member for member in list_members(node) if member.get("type") not in ("array", "null")]
    return {"anyOf": [*scalars, *list_members(array["items"])]}


def _list_choices(node: Node) -> Iterator[object]:
    for member in list_members(node):
        yield from member.get("enum", ())


def _write(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shorten(value: object) -> str:
    if is_list(value) and len(value) == 1:
        return _shorten(value[0])
    text = _write(value)
    return text if len(text) <= MAX_SHOWN_LENGTH else f"{text[: MAX_SHOWN_LENGTH - 1]}…"
