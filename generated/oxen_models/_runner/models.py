# Copied by oxen-codegen from templates/package/_runner/models.py. Do not edit.
"""The models that a runner can call, and their parameters in the order in which a form shows them."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from oxen_models._runtime.json_schema.accepted_values import Node, accept_defaults
from oxen_models._runtime.json_schema.json_types import is_list, is_object
from oxen_models._runtime.json_schema.normalize import find_media, normalize
from oxen_models._runtime.json_schema.operations import COMMON, Operation, resolve_operation

if TYPE_CHECKING:
    from oxen_models._runtime.hub_models import HubModel

# An id whose file has its name on every file system.
_PLAIN_ID = re.compile("[a-z0-9_-]+")


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
        id: The id of the model.
        schema: The schema of its parameters; None without one.
        inputs: The input media in its capabilities.
        record: The record, as the package or the server has it.
        is_recorded: Whether the package has it.
    """

    def __init__(
        self, id: str, schema: object, inputs: Sequence[str], record: Mapping[str, Any], *, is_recorded: bool
    ) -> None:
        self.id = id
        self.is_recorded = is_recorded
        self._schema = schema
        self._inputs = inputs
        self._record = record

    @cached_property
    def model(self) -> HubModel:
        """The model, as the package recorded it or as the server describes it now."""
        from oxen_models._runtime.hub_models import parse_model_record

        return parse_model_record(self._record)

    @cached_property
    def node(self) -> Node | None:
        """The normalized schema; None for a model without one.

        Raises:
            UnexpectedResponseError: The server's schema is not a schema of parameters.
        """
        if self._schema is None:
            return None
        from oxen_models._runtime.json_schema.diagnostics import ModelError

        try:
            return accept_defaults(normalize(self._schema, self._inputs))
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
        node = self.node
        nodes: Mapping[str, Node] = {} if node is None else node["properties"]
        annotations: Mapping[str, Node] = {} if node is None else node["annotations"]
        basic = self._schema.get("basic") if is_object(self._schema) else None
        found = [
            Parameter(
                name,
                value,
                is_required=node is not None and name in node["required"],
                is_basic=is_list(basic) and name in basic,
                is_hidden="hidden" in annotations.get(name, {}),
                description=annotations.get(name, {}).get("description", ""),
                annotations=annotations.get(name, {}),
            )
            for name, value in nodes.items()
        ]
        found += [
            Parameter(name, value, False, False, True, value["description"], value)
            for name, value in COMMON.items()
            if name not in nodes
        ]
        return tuple(sorted(found, key=_position))


def _position(parameter: Parameter) -> int:
    if parameter.is_hidden:
        return 3
    return 0 if parameter.is_required else 1 if parameter.is_basic else 2


def read_recorded(id: str) -> RunnableModel | None:
    """Return a model of the package; None if the package does not have it. Sends nothing.

    Raises:
        ModelRemovedError: The model was removed from the API.
    """
    record = _read_record(id)
    if record is None:
        return None
    removal = record.get("removed")
    if is_object(removal):
        from oxen_models._runtime.errors import ModelRemovedError

        raise ModelRemovedError(id, str(removal.get("on")), removal.get("successor"))
    capabilities = record.get("capabilities")
    inputs = capabilities.get("input") if is_object(capabilities) else None
    schema = record.get("json_request_schema")
    return RunnableModel(id, schema, inputs if is_list(inputs) else (), record, is_recorded=True)


def _read_record(id: str) -> Mapping[str, Any] | None:
    """Return the record of a model in the package; None without one."""
    # `read_model` imports modules that take as long as a command that completes options may take.
    package = sys.modules[__name__.partition(".")[0]]
    read: Callable[[str], bytes] | None = getattr(package.__loader__, "get_data", None)
    if read is not None and package.__file__ is not None and _PLAIN_ID.fullmatch(id):
        with suppress(OSError):
            found = json.loads(read(os.path.join(os.path.dirname(package.__file__), "schemas", f"{id}.json")))
            if is_object(found) and found.get("id") == id:
                return found
    from oxen_models._runtime.schemas import read_model

    model = read_model(__name__, id)
    return None if model is None else model.record
