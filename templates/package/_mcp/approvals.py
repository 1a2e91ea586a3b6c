"""How a user approves a cost: by elicitation, in both generations of the protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from secrets import token_urlsafe
from typing import Any, Literal, TypeAlias

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from oxen_models._runner.runner import Plan
from oxen_models._runtime.json_schema.prices import format_amount
from oxen_models._runtime.printable import escape_invisible

Context: TypeAlias = ServerRequestContext[Any, Any]
Answer: TypeAlias = Literal["accept", "decline", "unsupported"]
_KEY = "approval"
_FORM: dict[str, Any] = {"type": "object", "properties": {}}
_MAX_PENDING = 100
_MAX_VALUE_LENGTH = 200
_MAX_QUESTION_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class _Question:
    """A request whose approval was requested."""

    arguments: str
    high: Decimal | None
    """The highest cost in dollars; None if it is unknown."""


class Approvals:
    """Asks users, and accepts each answer once, for the same arguments and no higher cost."""

    def __init__(self) -> None:
        self._pending: dict[str, _Question] = {}

    def take_answer(self, params: types.CallToolRequestParams, plan: Plan) -> Answer | None:
        """Return the answer that a call carries; None if it carries none that belongs to the request."""
        response = (params.input_responses or {}).get(_KEY)
        question = self._pending.pop(params.request_state or "", None)
        if question is None or not isinstance(response, types.ElicitResult):
            return None
        if question != _create_question(params, plan):
            return None
        return "accept" if response.action == "accept" else "decline"

    async def ask(
        self, context: Context, params: types.CallToolRequestParams, plan: Plan
    ) -> Answer | types.InputRequiredResult:
        """Return the answer of the user, or the result with which the client asks and repeats the call."""
        if not _can_ask(context):
            return "unsupported"
        text = _describe(params.arguments or {}, plan)
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            try:
                result = await context.session.elicit_form(text, _FORM, context.request_id)
            except MCPError:  # a client that claims to ask
                return "unsupported"
            return "accept" if result.action == "accept" else "decline"
        token = token_urlsafe()
        while len(self._pending) >= _MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[token] = _create_question(params, plan)
        form = types.ElicitRequestFormParams(message=text, requested_schema=_FORM)
        return types.InputRequiredResult(
            input_requests={_KEY: types.ElicitRequest(params=form)}, request_state=token
        )


def describe_rejection(answer: Answer, plan: Plan) -> str:
    """Return why a request was not approved, and what the user can do."""
    if answer == "decline":
        return "the user declined"
    if plan.estimate:
        option = f"--confirm-above {plan.estimate.high:f}"
        reason = f"it may cost {format_amount(plan.estimate.high)}"
    else:
        option, reason = "--allow-unpriced", f"its cost is unknown ({plan.estimate.reason})"
    return (
        f"{reason}, and this client cannot ask the user; the user can allow it by the option {option} of the "
        "server's command"
    )


def _can_ask(context: Context) -> bool:
    capabilities = context.session.client_capabilities
    elicitation = None if capabilities is None else capabilities.elicitation
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _create_question(params: types.CallToolRequestParams, plan: Plan) -> _Question:
    arguments = json.dumps(params.arguments, sort_keys=True)
    return _Question(arguments, plan.estimate.high if plan.estimate else None)


def _describe(arguments: Mapping[str, Any], plan: Plan) -> str:
    if plan.estimate:
        cost = f"may cost {format_amount(plan.estimate.high)}"
    else:
        cost = f"has an unknown cost ({plan.estimate.reason})"
    values: Mapping[str, Any] = arguments["parameters"]
    lines = [
        f"{name}: {json.dumps(value, ensure_ascii=False)[:_MAX_VALUE_LENGTH]}"
        for name, value in values.items()
    ]
    count = f", {plan.count} jobs" if plan.count > 1 else ""
    text = "\n".join([f"Send a request to {plan.model.id}{count}? It {cost}.", *lines])
    return escape_invisible(text)[:_MAX_QUESTION_LENGTH]
