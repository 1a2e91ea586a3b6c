"""What the server rejects: costs, files, URLs; and how a user approves a cost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from anyio import create_task_group
from helpers.agent import MODES, Agent, connect, read_text
from oxen_models import Oxen
from oxen_models._runner.limits import Limits
from oxen_models.testing import Hub

PRICED = "z-image-turbo"  # a cent
UNPRICED = "qwen-image"
EDITOR = "qwen-image-edit-plus"
RUN: dict[str, Any] = {"model": PRICED, "parameters": {"prompt": "A hat"}}
QUEUE = "/api/ai/queue"
CENT = Decimal("0.01")


class User:
    """A user whose client asks for approvals.

    Args:
        action: The answer to each question.
    """

    def __init__(self, action: str) -> None:
        self.questions: list[str] = []
        self._action: Any = action

    async def ask(self, context: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        """Answer a question."""
        self.questions.append(params.message)
        return types.ElicitResult(action=self._action, content={} if self._action == "accept" else None)


@pytest.mark.slow
def test_cost_above_per_call_is_rejected(oxen: Oxen, hub: Hub, tmp_path: Path) -> None:
    """A call has a limit of its own."""
    with connect(oxen, tmp_path, Limits(per_call=CENT)) as agent:
        assert "a call may cost $0.01; nothing was sent" in agent.fail("run_model", **RUN, count=2)
        agent.read("run_model", **RUN, wait_seconds=0)
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.slow
def test_budget_holds_for_concurrent_calls(oxen: Oxen, hub: Hub, tmp_path: Path) -> None:
    """Calls at the same time do not exceed the budget together."""
    with connect(oxen, tmp_path, Limits(budget=Decimal("0.03"))) as agent:
        results: list[types.CallToolResult] = []

        async def call() -> None:
            results.append(await agent.client.call_tool("run_model", {**RUN, "wait_seconds": 0}))

        async def call_all() -> None:
            async with create_task_group() as group:
                for _ in range(10):
                    group.start_soon(call)

        agent.portal.call(call_all)
        errors = [read_text(result) for result in results if result.is_error]
        assert (len(results), len(errors), hub.count("POST", QUEUE)) == (10, 7, 3)
        assert all("$0.03 of the budget of $0.03 are spent" in error for error in errors)


def test_unwritable_folder_is_found_before_sending(oxen: Oxen, hub: Hub, tmp_path: Path) -> None:
    """A call whose files cannot be saved is rejected."""
    (tmp_path / "file").touch()
    with connect(oxen, tmp_path / "file") as agent:
        assert "cannot be written" in agent.fail("run_model", **RUN)
    assert hub.requests == []


@pytest.mark.slow
def test_call_of_unknown_outcome_counts(oxen: Oxen, hub: Hub, tmp_path: Path) -> None:
    """A request that may be billed reduces the budget, and the error names the tool that finds its job."""
    hub.inject_fault("cut-before-response", method="POST", times=1)
    with connect(oxen, tmp_path, Limits(budget=CENT)) as agent:
        assert "look for the job with history" in agent.fail("run_model", **RUN)
        assert "nothing was sent" in agent.fail("run_model", **RUN)
        assert agent.read("history")["spent_by_this_server"] == "$0.01 of $0.01"
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.slow
def test_call_that_a_proxy_may_forward_counts(oxen: Oxen, hub: Hub, tmp_path: Path) -> None:
    """After an error of a proxy for a submission, but for no other request, the hint is the history."""
    hub.respond_next(502, path=QUEUE)
    with connect(oxen, tmp_path) as agent:
        assert "look for the job with history" in agent.fail("run_model", **RUN)
        assert agent.read("history")["spent_by_this_server"] == "$0.01"
        hub.respond_next(502, path="/api/ai/models/acme")
        assert "history" not in agent.fail("run_model", model="acme", parameters={})


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("model", "cost"), [(PRICED, "may cost $0.01"), (UNPRICED, "has an unknown cost (the price of the model")]
)
def test_accepted_cost_is_sent(
    oxen: Oxen, hub: Hub, tmp_path: Path, mode: str, model: str, cost: str
) -> None:
    """The user sees cost and parameters before the request is sent."""
    user = User("accept")
    limits = Limits(confirm_above=Decimal(0), unpriced="confirm")
    with connect(oxen, tmp_path, limits, mode, elicitation_callback=user.ask) as agent:
        values = {"prompt": "A\x1bhat"}
        sent = agent.read("run_model", model=model, parameters=values, wait_seconds=0)
    spent = (sent["spent_by_this_server"], sent.get("jobs_of_unknown_cost"))
    assert spent == (("$0.01", None) if model == PRICED else ("$0", 1))
    [question] = user.questions
    assert question.startswith(f"Send a request to {model}? It {cost}")
    assert question.endswith('\nprompt: "A\\u001bhat"')
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_declined_cost_is_not_sent(oxen: Oxen, hub: Hub, tmp_path: Path, mode: str, action: str) -> None:
    """A request that the user declines is not sent and reserves nothing."""
    user = User(action)
    with connect(
        oxen, tmp_path, Limits(confirm_above=Decimal(0)), mode, elicitation_callback=user.ask
    ) as agent:
        assert "the user declined" in agent.fail("run_model", **RUN)
        assert agent.read("history")["spent_by_this_server"] == "$0"
    assert (len(user.questions), hub.count("POST", QUEUE)) == (1, 0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("model", "option"), [(PRICED, "--confirm-above 0.01"), (UNPRICED, "--allow-unpriced")]
)
def test_client_that_cannot_ask_is_rejected(
    oxen: Oxen, hub: Hub, tmp_path: Path, mode: str, model: str, option: str
) -> None:
    """The error has the option that allows the call."""
    limits = Limits(confirm_above=Decimal(0), unpriced="confirm")
    with connect(oxen, tmp_path, limits, mode) as agent:
        text = agent.fail("run_model", model=model, parameters={"prompt": "A hat"})
    assert f"this client cannot ask the user; the user can allow it by the option {option} of" in text
    assert hub.count("POST", QUEUE) == 0


def test_client_that_fails_to_ask_is_rejected(oxen: Oxen, hub: Hub, tmp_path: Path) -> None:
    """An error of the client in place of an answer is an error of the tool, which has the option."""

    async def fail(context: object, params: types.ElicitRequestParams) -> types.ErrorData:
        return types.ErrorData(code=-1, message="no window")

    limits = Limits(confirm_above=Decimal(0))
    with connect(oxen, tmp_path, limits, "legacy", elicitation_callback=fail) as agent:
        assert "by the option --confirm-above 0.01 of" in agent.fail("run_model", **RUN)
    assert hub.count("POST", QUEUE) == 0


def test_user_is_not_asked_beyond_the_budget(oxen: Oxen, tmp_path: Path) -> None:
    """A call that the budget does not allow is rejected without a question."""
    user = User("accept")
    limits = Limits(confirm_above=Decimal(0), budget=Decimal("0.005"))
    with connect(oxen, tmp_path, limits, elicitation_callback=user.ask) as agent:
        assert "of the budget of $0.005" in agent.fail("run_model", **RUN)
    assert user.questions == []


@pytest.mark.slow
def test_approval_is_for_one_call(oxen: Oxen, hub: Hub, tmp_path: Path) -> None:
    """An answer is accepted once, and only for the request that was shown."""
    with connect(
        oxen, tmp_path, Limits(confirm_above=Decimal(0)), elicitation_callback=User("x").ask
    ) as agent:

        def call(state: str | None, prompt: str = "A hat") -> Any:
            answer = types.ElicitResult(action="accept", content={})
            return agent.portal.call(
                lambda: agent.client.session.call_tool(
                    "run_model",
                    {"model": PRICED, "parameters": {"prompt": prompt}, "wait_seconds": 0},
                    input_responses=None if state is None else {"approval": answer},
                    request_state=state,
                    allow_input_required=True,
                )
            )

        first = call(None)
        other = call(first.request_state, "Another hat")
        assert isinstance(other, types.InputRequiredResult)
        sent = call(call(None).request_state)
        assert isinstance(sent, types.CallToolResult)
        assert not sent.is_error
        for state in (first.request_state, "forged"):
            assert isinstance(call(state), types.InputRequiredResult)
    assert hub.count("POST", QUEUE) == 1


@pytest.mark.slow
def test_unpriced_call_needs_a_rest_of_the_budget(oxen: Oxen, hub: Hub, tmp_path: Path) -> None:
    """A call of unknown cost is rejected after the budget is spent."""
    with connect(oxen, tmp_path, Limits(budget=CENT)) as agent:
        agent.read("run_model", **RUN)
        text = agent.fail("run_model", model=UNPRICED, parameters={"prompt": "A hat"})
    assert "the budget of $0.01 is spent; nothing was sent" in text
    assert hub.count("POST", QUEUE) == 1


@pytest.fixture
def limited(oxen: Oxen, tmp_path: Path) -> Any:
    (tmp_path / "allowed").mkdir()
    limits = Limits(input_folders=(tmp_path / "allowed",), public_urls=True)
    with connect(oxen, tmp_path / "out", limits) as connected:
        yield connected


@pytest.mark.slow
def test_files_are_read_below_allowed_folders(limited: Agent, tmp_path: Path, hub: Hub) -> None:
    """Paths with `..`, symbolic links and file: URLs lead nowhere else."""
    picture = b"\x89PNG\r\n\x1a\n"
    (tmp_path / "secret.png").write_bytes(picture)
    allowed = tmp_path / "allowed"
    (allowed / "link.png").symlink_to(tmp_path / "secret.png")
    (allowed / "dog.png").write_bytes(picture)
    secret = tmp_path / "secret.png"
    for path in (
        str(secret),
        f"{allowed}/../secret.png",
        f"{allowed}/link.png",
        secret.as_uri(),
        "/etc/passwd",
    ):
        text = limited.fail("run_model", model=EDITOR, parameters={"prompt": "A", "input_image": [path]})
        assert "must be a URL or a file below" in text
    for url in ("http://localhost/a.png", "http://169.254.169.254/"):
        text = limited.fail("run_model", model=EDITOR, parameters={"prompt": "A", "input_image": [url]})
        assert "must not be the URL of a private network" in text
    assert hub.count("POST", "/") == 0
    values = {"prompt": "A", "input_image": [str(allowed / "dog.png")]}
    limited.read("estimate", model=EDITOR, parameters=values)


def test_folder_is_checked_before_a_call_is_sent(oxen: Oxen, hub: Hub, tmp_path: Path) -> None:
    """A result that could not be saved is not paid for."""
    (tmp_path / "file").touch()
    with connect(oxen, tmp_path / "file" / "out") as agent:
        assert "cannot be written" in agent.fail("run_model", **RUN)
    assert hub.count("POST", "/") == 0


@pytest.mark.slow
def test_files_are_written_below_the_folder(limited: Agent, tmp_path: Path) -> None:
    """The folder is created, and no other file is written."""
    [job] = limited.read("run_model", **RUN)["jobs"]
    [file] = map(Path, job["files"])
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (written, file.parent) == ([file], tmp_path / "out")
