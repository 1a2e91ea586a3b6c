# Copied by oxen-codegen from templates/package/_runtime/budget.py. Do not edit.
"""The budget of a batch run: the dollars that are spent and those that are reserved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeAlias

from .errors import BudgetExceededError, ConfigurationError, UnpricedRequestError
from .pricing import estimate_body

if TYPE_CHECKING:
    from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate

    from .journal import Entry

Unpriced: TypeAlias = Literal["refuse", "allow"]
"""What a run with a budget does with a request whose cost cannot be estimated."""

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request was not sent, because it could exceed the budget."""

    version: int
    """The version of the budget that refused it."""
    error: BudgetExceededError
    """The error of the run if no request in flight can lower what is reserved."""


class Budget:
    """The spending limit of a run. Thread-safe.

    Args:
        limit: The budget, in dollars.
        unpriced: Whether requests without an estimate are sent.
    """

    def __init__(self, limit: Decimal, unpriced: Unpriced) -> None:
        self._limit = limit
        self._allows_unpriced = unpriced == "allow"
        self._committed = ZERO
        self._adopted: dict[str, Decimal] = {}
        self._lock = Lock()
        self.version = 0
        """Increases when a request ends."""

    def count_journal(self, entries: Iterable[Entry]) -> None:
        """Add the costs of the requests in the journal, which earlier runs sent.

        Raises:
            ConfigurationError: The cost of a request in the journal is unknown, and the budget refuses these.
        """
        unknown = 0
        for entry in entries:
            cost = _count(entry)
            unknown += cost is None
            self._committed += cost or ZERO
            if entry.state == "accepted" and entry.job_id is not None:
                self._adopted[entry.job_id] = cost or ZERO
        if unknown and not self._allows_unpriced:
            raise ConfigurationError(
                f"the journal has {unknown} requests of unknown cost, so the budget cannot be kept; "
                "pass unpriced='allow' to count them as free"
            )

    def find_reserved(self, job_id: str) -> Decimal:
        """Return what is counted for a job of an earlier run."""
        return self._adopted.get(job_id, ZERO)

    def reserve(self, model_id: str, index: int, estimate: Estimate | NoEstimate) -> Decimal | Refusal:
        """Reserve the highest cost of a request and return it, or a refusal if it could exceed the budget.

        Raises:
            UnpricedRequestError: The request has no estimate, and the budget refuses these.
        """
        if not estimate and not self._allows_unpriced:
            raise UnpricedRequestError(
                f"{model_id}: the request was not sent, because the run has a budget and the cost is "
                f"unknown: {estimate.reason}; pass unpriced='allow' to send it"
            )
        cost = estimate.high if estimate else ZERO
        with self._lock:
            # A request of unknown cost could exceed a budget that is spent.
            if self._committed + cost > self._limit or (not estimate and self._committed >= self._limit):
                from oxen_models._runtime.json_schema.prices import format_amount

                may_cost = f"it may cost {format_amount(cost)}" if estimate else "its cost is unknown"
                return Refusal(
                    self.version,
                    BudgetExceededError(
                        f"requests[{index}] could exceed the budget of {format_amount(self._limit)}: "
                        f"{may_cost}, and {format_amount(self._committed)} are spent"
                    ),
                )
            self._committed += cost
        return cost

    def settle(self, reserved: Decimal, cost: Decimal | None) -> None:
        """Replace what was reserved for a request by its cost; None leaves it."""
        with self._lock:
            self._committed += ZERO if cost is None else cost - reserved
            self.version += 1


def _count(entry: Entry) -> Decimal | None:
    """Return the highest cost of a request in the journal; None if it is unknown."""
    if entry.cost is not None:
        return entry.cost
    if entry.state in ("rejected", "failed", "cancelled"):
        return ZERO
    estimate = estimate_body(__name__, entry.body)
    return estimate.high if estimate else None
