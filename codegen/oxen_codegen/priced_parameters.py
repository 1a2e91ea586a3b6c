"""The parameters of a request, as far as its cost depends on them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .json_types import is_list, is_object

# Parameters whose effect on the cost is in the price, if it has one of these fields.
_PRICED_PARAMETERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "per_image": {
        "num_images": ("method",),
        "quality": ("cost_per_image_grid",),
        "resolution": ("cost_per_image_grid",),
        "size": ("cost_per_image_grid",),
    },
    "per_video_output_second": {
        "duration": ("method",),
        "generate_audio": ("cost_per_second_with_audio",),
        "resolution": ("cost_per_second_by_resolution", "cost_per_second_high_res"),
    },
    "per_audio_output_second": {"duration": ("method",)},
}
AUTOMATIC = -1
"""The number with which a request leaves a choice to the server."""
_ABOUT_PRICE = re.compile(r"\b(pric(e|es|ed)|costs?|cheaper|billed)\b", re.IGNORECASE)
_SAME_PRICE = re.compile(r"\bsame price\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request, with the defaults of the schema."""

    nodes: Mapping[str, Any]
    """The schema of each parameter."""
    sent: Mapping[str, Any]

    def find_node(self, name: str) -> Mapping[str, Any]:
        """Return the schema of a parameter; empty without one."""
        node = self.nodes.get(name)
        return node if is_object(node) else {}

    def is_sent(self, name: str) -> bool:
        return self.sent.get(name) is not None

    def find_value(self, name: str) -> Any:
        """Return the value that was sent, or else the default; None if the server chooses it."""
        value: Any = self.sent[name] if self.is_sent(name) else self.find_node(name).get("default")
        return None if _is_chosen_by_server(value) else value

    def list_choices(self, name: str) -> list[Any]:
        """Return the values from which the server chooses; empty if they are unknown."""
        choices = [_find_choices(node) for node in self._list_alternatives(name)]
        return [] if None in choices else [value for found in choices for value in found or ()]

    def list_limits(self, name: str, minimum: object = None) -> list[Any]:
        """Return the values from which the server chooses, or the ends of their range.

        Args:
            name: The parameter.
            minimum: The lower end of a range without one. None is an end that is unknown.
        """
        limits: list[Any] = []
        for node in self._list_alternatives(name):
            choices = _find_choices(node)
            ends = [node.get("minimum", minimum), node.get("maximum")] if _is_number(node) else [None]
            limits.extend(ends if choices is None else choices)
        return limits

    def _list_alternatives(self, name: str) -> list[Mapping[str, Any]]:
        """Return the schemas of which a value that is not null has one."""
        node = self.find_node(name)
        members = node.get("anyOf", node.get("oneOf"))
        alternatives = [member if is_object(member) else {} for member in members] if is_list(members) else []
        return [member for member in alternatives if member.get("type") != "null"] or [node]


def _is_number(node: Mapping[str, Any]) -> bool:
    """Return whether a schema accepts numbers only, apart from null."""
    types = node.get("type")
    names = types if is_list(types) else [types]
    return all(name in ("integer", "null", "number") for name in names)


def _find_choices(node: Mapping[str, Any]) -> list[Any] | None:
    """Return the values of an enum from which the server chooses; None if the schema has no enum."""
    enum = [node["const"]] if "const" in node else node.get("enum")
    if not is_list(enum):
        return None
    return [value for value in enum if value != AUTOMATIC and not _is_chosen_by_server(value)]


def find_unpriced_parameter(pricing: Mapping[str, Any], parameters: Parameters) -> str | None:
    """Return a parameter that changes the cost by an amount which is only described in words."""
    priced = _PRICED_PARAMETERS.get(str(pricing.get("method")), {})
    for name in parameters.nodes:
        node = parameters.find_node(name)
        description = str(node.get("description"))
        if any(map(pricing.get, priced.get(name, ()))):
            continue
        if not _ABOUT_PRICE.search(description) or _SAME_PRICE.search(description):
            continue
        is_default = not parameters.is_sent(name) or parameters.sent[name] == node.get("default")
        if not is_default or "billed" in description.lower():
            return name
    return None


def _is_chosen_by_server(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.lower() == "auto")
