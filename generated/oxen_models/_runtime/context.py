# Copied by oxen-codegen from templates/package/_runtime/context.py. Do not edit.
"""The subject of a call, passed down to the code that creates its errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .request import Request


@dataclass(frozen=True, slots=True)
class CallContext:
    """The subject of a call. Each error of the call is created with it."""

    generation_id: str | None = None
    """The job that the call concerns; None if it does not concern one."""
    request_class: type[Request] | None = None
    """The class of the request that is sent; None if it is not one of the bindings."""
    extra_names: frozenset[str] = frozenset()
    """The names in `extra_body`, which are the caller's own."""
    model_id: str | None = None
    """The id of the model that is requested or called; None if the call does not concern one."""
    is_submission: bool = False
    """Whether the call submits to the queue: without a job id in the response, its outcome is unknown."""


NO_CONTEXT = CallContext()
