"""The models that a runner can call, and their parameters in the order in which a form shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from oxen_models._runtime.hub_models import HubModel
from oxen_models._runtime.json_schema.accepted_values import Node, accept_defaults
from oxen_models._runtime.json_schema.json_types import is_list, is_object
from oxen_models._runtime.json_schema.normalize import find_media, normalize
from oxen_models._runtime.json_schema.operations import COMMON, Operation, resolve_operation
from oxen_models._runtime.schemas import read_model

# In a client they are in the documentation of each call.
_COMMON_DESCRIPTIONS = {
    "response_format": "Whether results are returned as URLs or as base64 data.",
    "target_namespace": "Namespace that is billed and that keeps the results.",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a model."""

    name: str
    """The name in the API."""
    node: Node
    """The schema, normalized."""
    is_required: bool
    is_basic: bool
    """Whether a form shows it first."""
    is_hidden: bool
    """Whether a form does not show it."""
    description: str
    """Empty without one."""
    annotations: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """`default` and `example`, if the schema has them."""

    @property
    def media(self) -> tuple[str, ...]:
        """The kinds of media that it accepts: image, video, audio, or file for any of them."""
        return tuple(dict.fromkeys(find_media(self.node)))


class RunnableModel:
    """A model with its parameters.

    Args:
        model: The model, as the package recorded it or as the server describes it now.
        is_recorded: Whether the package has it.
    """

    def __init__(self, model: HubModel, *, is_recorded: bool) -> None:
        self.model = model
        self.is_recorded = is_recorded

    @property
    def id(self) -> str:
        """The id of the model."""
        return self.model.id

    @cached_property
    def node(self) -> Node | None:
        """The normalized schema; None for a model without one.

        Raises:
            UnexpectedResponseError: The server's schema is not a schema of parameters.
        """
        schema = self.model.request_schema
        if schema is None:
            return None
        from oxen_models._runtime.json_schema.diagnostics import ModelError

        try:
            return accept_defaults(normalize(schema, self.model.inputs))
        except (ModelError, RecursionError) as error:
            from oxen_models._runtime.errors import UnexpectedResponseError

            reason = error.message if isinstance(error, ModelError) else "it is nested too deeply"
            raise UnexpectedResponseError(
                f"{self.id}: its parameter schema is not usable: {reason}"
            ) from None

    @cached_property
    def operation(self) -> Operation | None:
        """The call of the model; None if the kind of its result is unknown."""
        return resolve_operation(self.node, self.model.outputs, self.model.endpoint)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters: required ones first, then those that a form shows first, hidden ones last."""
        node, schema = self.node, self.model.request_schema or {}
        nodes: Mapping[str, Node] = {} if node is None else node["properties"]
        raw, basic = schema.get("properties"), schema.get("basic")
        found = [
            Parameter(
                name,
                value,
                is_required=node is not None and name in node["required"],
                is_basic=is_list(basic) and name in basic,
                is_hidden=is_object(raw) and is_object(raw.get(name)) and raw[name].get("x-hidden") is True,
                description=_describe(node, name),
                annotations={} if node is None else node["annotations"].get(name, {}),
            )
            for name, value in nodes.items()
        ]
        found += [
            Parameter(name, value, False, False, True, _COMMON_DESCRIPTIONS[name])
            for name, value in COMMON.items()
            if name not in nodes
        ]
        return tuple(sorted(found, key=_position))


def _describe(node: Node | None, name: str) -> str:
    if node is None:
        return ""
    text: str = node["annotations"].get(name, {}).get("description", "")
    return text


def _position(parameter: Parameter) -> int:
    if parameter.is_hidden:
        return 3
    return 0 if parameter.is_required else 1 if parameter.is_basic else 2


def read_recorded(id: str) -> RunnableModel | None:
    """Return a model of the package; None if the package does not have it. Sends nothing.

    Raises:
        ModelRemovedError: The model was removed from the API.
    """
    model = read_model(__name__, id)
    if model is None:
        return None
    removal = model.record.get("removed")
    if is_object(removal):
        from oxen_models._runtime.errors import ModelRemovedError

        raise ModelRemovedError(id, str(removal.get("on")), removal.get("successor"))
    return RunnableModel(model, is_recorded=True)
