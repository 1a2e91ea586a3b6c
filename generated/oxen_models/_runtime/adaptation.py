# Copied by oxen-codegen from templates/package/_runtime/adaptation.py. Do not edit.
"""Parameters in the terms of another model: names and values by the table of aliases. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .aliases import ALIAS_BY_NAME, Alias
from .arguments import check_mapping
from .errors import ConfigurationError
from .fields import OMIT, is_sequence
from .frame_sizes import FrameSize, Statement
from .printable import escape_line
from .value_fitting import UnsuitableValueError, fit_value
from .values import shorten

_MEDIA_KINDS = ("image", "video", "audio")
_UNKNOWN = "the model has no such parameter"
_NO_FRAME = "it is neither a shape such as '16:9' nor a size such as '720p'"


@dataclass(frozen=True, slots=True)
class Conversion:
    """Parameters that are sent under other names or with other values than they were given with."""

    model: str
    """The id of the model."""
    given: Mapping[str, Any]
    """The parameters as they were given."""
    sent: Mapping[str, Any]
    """The parameters that are sent instead."""

    def __str__(self) -> str:
        return escape_line(f"{self.model}: {_describe(self.given)} is sent as {_describe(self.sent)}")


@dataclass(frozen=True, slots=True)
class Omission:
    """A parameter, or some of its files, that a model does not accept, so that it is not sent."""

    model: str
    """The id of the model."""
    parameter: str
    """The name that it was given with."""
    value: Any
    """The value that is not sent."""
    reason: str
    """Why it is not sent."""

    def __str__(self) -> str:
        return escape_line(f"{self.model}: {self.parameter}={shorten(self.value)} is not sent: {self.reason}")


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Parameters of a model, and what was changed."""

    parameters: Mapping[str, Any]
    """The parameters by the name that they have in the API."""
    conversions: tuple[Conversion, ...]
    """The parameters that are sent under other names or with other values."""
    omissions: tuple[Omission, ...]
    """The parameters that are not sent."""


def check_names(parameters: Mapping[str, Any]) -> None:
    """Raise if two names stand for the same parameter.

    Two names that models have for files may stand for two parameters, because some models have both.

    Raises:
        ConfigurationError: Two names stand for the same parameter, or `parameters` is not a mapping.
    """
    check_mapping("parameters", parameters)
    names: dict[Alias, str] = {}
    for name, value in parameters.items():
        alias = ALIAS_BY_NAME.get(name)
        if alias is None or value is OMIT:
            continue
        is_distinct = alias.kind in _MEDIA_KINDS and {names.get(alias), name} <= {*alias.parameters}
        if alias in names and not is_distinct:
            raise ConfigurationError(f"{names[alias]} and {name} are the same parameter: pass one of them")
        names[alias] = name


def adapt_parameters(
    model: str,
    schema: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    is_video: bool,
    further_names: Iterable[str] = (),
) -> Adaptation:
    """Return parameters in the terms of a model.

    Args:
        model: The id of the model.
        schema: The schema of its parameters.
        parameters: Parameters by a common name or by the name in any model.
        is_video: Whether the result of the model is a video.
        further_names: The names of parameters that are not in the schema.

    Raises:
        ConfigurationError: Two names stand for the same parameter.
    """
    check_names(parameters)
    return _Adapter(model, schema, is_video, frozenset(further_names)).adapt(parameters)


class _Adapter:
    def __init__(
        self, model: str, schema: Mapping[str, Any], is_video: bool, further_names: frozenset[str]
    ) -> None:
        self._model = model
        self._properties: Mapping[str, Any] = schema.get("properties", {})
        self._required = frozenset(schema.get("required", ()))
        self._is_video = is_video
        self._further_names = further_names
        self._given: set[str] = set()
        self._sent: dict[str, Any] = {}
        self._conversions: list[Conversion] = []
        self._omissions: list[Omission] = []

    def adapt(self, parameters: Mapping[str, Any]) -> Adaptation:
        frame: dict[str, Any] = {}
        self._given = {name for name, value in parameters.items() if value is not OMIT}
        for name, value in parameters.items():
            alias = ALIAS_BY_NAME.get(name)
            if value is OMIT:
                continue
            if alias is not None and alias.kind == "frame":
                frame[name] = value
            elif alias is not None and alias.kind in _MEDIA_KINDS:
                self._place_media(alias, name, value)
            else:
                self._place(alias, name, value)
        self._place_frame(frame)
        return Adaptation(self._sent, tuple(self._conversions), tuple(self._omissions))

    def _list_free(self, alias: Alias | None, name: str) -> list[str]:
        """Return the parameters of the model that a parameter can be sent as, the one with its name first."""
        taken = self._sent.keys() | (self._given - {name})
        return [target for target in _list_names(alias, name) if target in self._properties.keys() - taken]

    def _place(self, alias: Alias | None, name: str, value: Any) -> None:
        """Send a parameter with one value."""
        if name in self._further_names:
            self._sent[name] = value
            return
        target = next(iter(self._list_free(alias, name)), None)
        if target is None:
            self._omit(name, value, _UNKNOWN)
            return
        fitted = value
        if alias is not None and (name == alias.inverse) != (target == alias.inverse):
            fitted = not value if isinstance(value, bool) else value
        try:
            fitted = fit_value(alias.kind if alias is not None else "exact", self._properties[target], fitted)
        except UnsuitableValueError as error:
            self._omit(name, value, str(error))
        else:
            self._send({name: value}, {target: fitted})

    def _place_media(self, alias: Alias, name: str, value: Any) -> None:
        """Send files: the first ones to the required parameters, all others to one parameter."""
        files: list[Any] = list(cast("Sequence[Any]", value)) if is_sequence(value) else [value]
        nodes = {
            target: self._properties[target]
            for target in self._list_free(alias, name)
            if _accepts_files(self._properties[target])
        }
        if not nodes or not files:
            self._omit(name, value, "the list is empty" if nodes else _UNKNOWN)
            return
        left = list(files)
        sent: dict[str, Any] = {}
        targets = [target for target in nodes if target in self._required]
        optional = [target for target in nodes if target not in self._required]
        if len(left) > len(targets):
            lists = [target for target in optional if nodes[target]["type"] == "array"]
            holds_several = any(nodes[target]["type"] == "array" for target in targets)
            if not holds_several:
                targets += (lists if len(left) - len(targets) > 1 and lists else optional)[:1]
        for target in targets:
            if not left:
                break
            if nodes[target]["type"] == "array":
                count = nodes[target].get("maxItems", len(left))
                sent[target], left = left[:count], left[count:]
            else:
                sent[target] = left.pop(0)
        self._send({name: value}, sent)
        if left:
            self._omit(name, left, f"the model accepts {len(files) - len(left)} of the {len(files)} files")

    def _place_frame(self, given: Mapping[str, Any]) -> None:
        """Send the parameters that state the shape and the size of the result."""
        unchanged = self._find_unchanged(given)
        self._sent |= {name: given[name] for name in unchanged}
        frame = FrameSize()
        stated: set[Statement] = {
            statement for name in unchanged if (statement := frame.read(name, given[name]))
        }
        statements: dict[str, Statement] = {}
        for name, value in given.items():
            if name in unchanged:
                continue
            statement = frame.read(name, value)
            if statement is not None:
                statements[name] = statement
            elif self._list_free(ALIAS_BY_NAME[name], name) or not self._has_frame():
                self._place(ALIAS_BY_NAME[name], name, value)
            else:  # the model may accept another value of the parameter
                self._omit(name, value, _NO_FRAME)
        properties = {name: node for name, node in self._properties.items() if name not in self._sent}
        sent, added = frame.fit(properties, frozenset(stated), is_video=self._is_video)
        self._sent |= sent
        for name, statement in statements.items():
            if statement not in added:
                self._place(ALIAS_BY_NAME[name], name, given[name])
        used = {name: given[name] for name, statement in statements.items() if statement in added}
        changed = {name: value for name, value in sent.items() if used.get(name) != value}
        converted = {name: value for name, value in used.items() if sent.get(name) != value}
        if used:
            self._conversions.append(Conversion(self._model, converted, changed))

    def _has_frame(self) -> bool:
        """Return whether the model has parameters for the shape or the size of the result."""
        aliases = (ALIAS_BY_NAME.get(name) for name in self._properties)
        return any(alias is not None and alias.kind == "frame" for alias in aliases)

    def _find_unchanged(self, given: Mapping[str, Any]) -> list[str]:
        """Return the names of the frame parameters that the model accepts as they are."""
        accepted = [name for name, value in given.items() if self._accepts(name, value)]
        lengths = {"width", "height"} & given.keys()
        is_one_of_two = len(lengths) == 1 and len(accepted) < len(given)
        if is_one_of_two or not lengths <= {*accepted}:  # they are fitted together
            accepted = [name for name in accepted if name not in lengths]
        return accepted

    def _accepts(self, name: str, value: Any) -> bool:
        try:
            return name in self._properties and _is_same(
                fit_value("exact", self._properties[name], value), value
            )
        except UnsuitableValueError:
            return False

    def _send(self, given: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
        self._sent |= sent
        if given.keys() != sent.keys() or not all(_is_same(given[name], sent[name]) for name in given):
            self._conversions.append(Conversion(self._model, given, sent))

    def _omit(self, name: str, value: Any, reason: str) -> None:
        self._omissions.append(Omission(self._model, name, value, reason))


def _list_names(alias: Alias | None, name: str) -> list[str]:
    """Return the names of a parameter in models, the given one first."""
    if alias is None:
        return [name]
    names = [*alias.parameters, *([alias.inverse] if alias.inverse else ())]
    return sorted(names, key=lambda candidate: candidate != name)


def _accepts_files(node: Mapping[str, Any]) -> bool:
    if node.get("type") == "array":
        return bool(node.get("items", {}).get("type") == "string")
    return bool(node.get("type") == "string")


def _is_same(a: Any, b: Any) -> bool:
    if is_sequence(a) and is_sequence(b):
        return len(a) == len(b) and all(map(_is_same, a, b))
    return a is b or (type(a) is type(b) and bool(a == b))


def _describe(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={shorten(value)}" for name, value in parameters.items())
