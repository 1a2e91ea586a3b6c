"""What the calls of a runner cost, and what those that have not ended may cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, Decimal
from threading import Lock

from oxen_models._runtime.errors import BudgetExceededError, UnpricedRequestError
from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate
from oxen_models._runtime.json_schema.prices import format_amount

from .limits import Limits

ZERO = Decimal(0)
_SHARE_UNIT = Decimal("1e-9")


class NotConfirmedError(BudgetExceededError):
    """The cost of a request was not confirmed. Nothing was sent."""


class Spending:
    """What is spent of a budget. Thread-safe.

    Args:
        limits: The limits of the runner.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._total = ZERO
        self._settled = ZERO
        self._jobs: dict[str, Decimal | None] = {}
        self._lock = Lock()

    @property
    def total(self) -> Decimal:
        """Dollars: the known costs, and the highest costs of the requests whose cost is not known yet."""
        return self._total

    @property
    def settled(self) -> Decimal:
        """Dollars: the known costs."""
        return self._settled

    def approve(
        self, name: str, estimate: Estimate | NoEstimate, confirm: Callable[[], bool]
    ) -> Decimal | None:
        """Reserve the highest cost of a request and return it, after a confirmation if the limits require it.

        Args:
            name: What is sent, for errors.
            estimate: The cost.
            confirm: Returns whether the request is sent.

        Raises:
            BudgetExceededError: The request could exceed a limit.
            NotConfirmedError: It was not confirmed.
            UnpricedRequestError: The cost is unknown, and the limits reject this.
        """
        reserved = self.reserve(name, estimate)
        try:
            if self._limits.needs_confirmation(estimate) and not confirm():
                raise NotConfirmedError(f"{name}: the cost was not confirmed; nothing was sent")
        except BaseException:
            self.release(reserved)
            raise
        return reserved

    def reserve(self, name: str, estimate: Estimate | NoEstimate) -> Decimal | None:
        """Reserve the highest cost of a request and return it; None if it is unknown.

        Raises:
            BudgetExceededError: The request could exceed a limit.
            UnpricedRequestError: The cost is unknown, and the limits reject this.
        """
        limits = self._limits
        if not estimate:
            if limits.unpriced == "refuse":
                raise UnpricedRequestError(
                    f"{name}: the cost is unknown: {estimate.reason}; nothing was sent"
                )
            if limits.budget is not None and self._total >= limits.budget:
                raise BudgetExceededError(
                    f"{name}: the budget of {format_amount(limits.budget)} is spent; nothing was sent"
                )
            return None
        cost = estimate.high
        may_cost = f"{name}: the request may cost {format_amount(cost)}"
        if limits.per_call is not None and cost > limits.per_call:
            raise BudgetExceededError(
                f"{may_cost}, and a call may cost {format_amount(limits.per_call)}; nothing was sent"
            )
        with self._lock:
            if limits.budget is not None and self._total + cost > limits.budget:
                raise BudgetExceededError(
                    f"{may_cost}, and {format_amount(self._total)} of the budget of "
                    f"{format_amount(limits.budget)} are spent; nothing was sent"
                )
            self._total += cost
        return cost

    def count_unknown(self) -> int:
        """Return the number of jobs whose cost is not known and could not be estimated."""
        with self._lock:
            return sum(reserved is None for reserved in self._jobs.values())

    def release(self, reserved: Decimal | None) -> None:
        """Remove what was reserved for a request that was not sent or was rejected."""
        with self._lock:
            self._total -= reserved or ZERO

    def assign(self, reserved: Decimal | None, job_ids: Sequence[str]) -> None:
        """Record the jobs of a request, which share what was reserved for it."""
        shares: dict[str, Decimal | None] = dict.fromkeys(job_ids)
        if reserved is not None:
            share = (reserved / len(job_ids)).quantize(_SHARE_UNIT, ROUND_DOWN).normalize()
            shares = dict.fromkeys(job_ids, share)
            shares[job_ids[-1]] = reserved - share * (len(job_ids) - 1)  # so that the sum is exact
        with self._lock:
            self._jobs.update(shares)

    def settle(self, job_id: str, cost: Decimal | None) -> None:
        """Replace what is reserved for a job by its cost; None leaves it, because the cost is unknown."""
        with self._lock:
            if cost is not None and job_id in self._jobs:
                self._total += cost - (self._jobs.pop(job_id) or ZERO)
                self._settled += cost
