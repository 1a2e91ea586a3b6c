# Copied by oxen-codegen from templates/package/_runtime/_async/comparison.py. Do not edit.
"""Comparisons of models: the run of the requests of a plan, and its results."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxen_models._runtime.json_schema.prices import format_amount

from ..batch_options import BatchOptions
from ..comparison import Plan, PlannedRequest, create_plan
from ..errors import BudgetExceededError, ConfigurationError, MediaError, OxenError
from ..printable import escape_line
from ..saving import map_os_errors
from .batch import AsyncBatchRun
from .concurrency import Callback
from .outcomes import AsyncOutcome
from .results import AsyncAnyResult
from .session import AsyncSession
from .threads import run_blocking

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from ..budget import Unpriced
    from ..catalog import ModelInfo
    from ..contact_sheet import Tile
    from ..progress import Progress

MAX_IN_FLIGHT = 200
DEFAULT_TILE_SIZE = 320
_STYLE = (
    "<style>.oxen-comparison{display:flex;flex-wrap:wrap;gap:12px}"
    ".oxen-comparison figure{width:320px;margin:0}"
    ".oxen-comparison img,.oxen-comparison video{max-width:100%}"
    ".oxen-comparison pre{white-space:pre-wrap}</style>"
)


@dataclass(frozen=True, slots=True, repr=False)
class AsyncComparedModel:
    """The result of one model of a comparison."""

    planned: PlannedRequest
    """The request, its estimate, and what was changed for the model."""
    outcome: AsyncOutcome
    """The outcome: a result or an error."""
    seconds: float
    """Seconds from the start of the comparison, at which all requests are sent, to the outcome."""

    @property
    def model(self) -> str:
        """The id of the model."""
        return self.planned.model.id

    @property
    def result(self) -> AsyncAnyResult | None:
        """The result; None if there is an error."""
        return self.outcome.result

    @property
    def error(self) -> OxenError | None:
        """The error; None if there is a result."""
        return self.outcome.error

    @property
    def cost(self) -> Decimal | None:
        """The cost in dollars by the history; None if the server reports none."""
        return self.outcome.cost

    @property
    def summary(self) -> str:
        """The time and the cost, which is the estimate if the server reports none."""
        cost = "unknown cost"
        if self.cost is not None:
            cost = format_amount(self.cost)
        elif self.error is not None:
            cost = "failed"
        elif self.planned.estimate:
            cost = f"estimated {self.planned.estimate}"
        return f"{self.seconds:.1f} s, {cost}"

    def __repr__(self) -> str:
        shown = f"result={self.result!r}" if self.error is None else f"error={self.error!r}"
        return f"{type(self).__name__}({self.model!r}, {self.summary!r}, {shown})"


@dataclass(frozen=True, slots=True, repr=False)
class AsyncComparison:
    """The results of several models, in the order in which they were named."""

    plan: Plan
    """The requests, and what was changed for each model."""
    items: tuple[AsyncComparedModel, ...]
    """The result of each model."""

    def __len__(self) -> int:
        """Return the number of models."""
        return len(self.items)

    def __getitem__(self, index: int) -> AsyncComparedModel:
        """Return the result of a model by its index."""
        return self.items[index]

    def __iter__(self) -> Iterator[AsyncComparedModel]:
        """Return an iterator over the results of the models."""
        return iter(self.items)

    @property
    def cost(self) -> Decimal:
        """The sum of the costs that the server reported, in dollars."""
        return sum((item.cost for item in self.items if item.cost is not None), Decimal(0))

    async def save(
        self, path: str | PathLike[str], *, columns: int | None = None, tile_size: int = DEFAULT_TILE_SIZE
    ) -> Path:
        """Write a contact sheet and return its path: the first file of each model, its time and its cost.

        It shows the first frame of a video. A tile with a text replaces a result that does not exist or that
        cannot be downloaded or decoded.

        Args:
            path: The path of the file, whose suffix is that of an image format, such as `.png`; `~` is the
                home folder. An existing file is replaced atomically.
            columns: The number of tiles in a row. Defaults to about as many as there are rows.
            tile_size: The width and height of a tile in pixels, 64 to 1024.

        Raises:
            ConfigurationError: Pillow is not installed (extra `compare`), or an argument is invalid.
            MediaError: The file could not be written.
        """
        from ..contact_sheet import open_sheet

        with map_os_errors(path):
            sheet = await run_blocking(open_sheet, path, columns, tile_size)
        tiles = [await _create_tile(item, tile_size) for item in self.items]
        with map_os_errors(path):
            return await run_blocking(sheet.write, tiles, columns, tile_size)

    def __repr__(self) -> str:
        width = max(len(item.model) for item in self.items)
        rows = ((f"{item.model:{width}}", item.summary, str(item.error or "")) for item in self.items)
        return "\n".join(escape_line("  ".join(row).rstrip()) for row in rows)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Return HTML for notebooks, which load the URLs of the results themselves."""
        return f'{_STYLE}<div class="oxen-comparison">{"".join(map(_draw_html, self.items))}</div>'


async def run_comparison(
    session: AsyncSession,
    catalog: Sequence[ModelInfo],
    models: Iterable[str | ModelInfo] | Plan,
    parameters: Mapping[str, Any],
    *,
    budget: Decimal | int | None,
    unpriced: Unpriced,
    journal: str | PathLike[str] | None,
    timeout: float | None,
    progress: bool | Callback[Progress],
) -> AsyncComparison:
    """Send the requests to models or of a plan. Options, results and errors are those of `compare`."""
    options = BatchOptions(
        max_in_flight=MAX_IN_FLIGHT,
        journal=journal,
        timeout=timeout,
        progress=progress,
        budget=budget,
        unpriced=unpriced,
    )
    options.validate()
    session.settings.require_key()
    if isinstance(models, Plan):
        if any(value is not None for value in parameters.values()):
            raise ConfigurationError("a plan contains the parameters: pass them to plan()")
        plan = models
    else:
        plan = await run_blocking(create_plan, catalog, models, parameters)
    plan.check_budget(budget)
    outcomes: dict[int, tuple[AsyncOutcome, float]] = {}
    started = time.monotonic()
    error: OxenError | None = None
    async with AsyncBatchRun[Any, Any](session, plan.requests, options) as run:
        try:
            async for outcome in run:
                outcomes[outcome.index] = (outcome, time.monotonic() - started)
        except BudgetExceededError as exceeded:  # the results of the requests that were sent are kept
            error = exceeded
    items: list[AsyncComparedModel] = []
    for index, planned in enumerate(plan):
        unsent = AsyncOutcome(index, planned.request, None, error, None)
        items.append(AsyncComparedModel(planned, *outcomes.get(index, (unsent, 0.0))))
    return AsyncComparison(plan, tuple(items))


async def _create_tile(item: AsyncComparedModel, size: int) -> Tile:
    from ..contact_sheet import Tile, decode_picture

    picture: Picture | None = None
    text = escape_line(str(item.error or "the result contains no file"))
    if item.result:
        kind = item.planned.model.outputs[0]
        text = f"{kind} that cannot be shown here"
        try:
            picture = await run_blocking(decode_picture, await item.result[0].read(), size)
        except MediaError as error:
            text = escape_line(str(error))
    return Tile((escape_line(item.model), item.summary), picture, text)


def _draw_html(item: AsyncComparedModel) -> str:
    if item.result is not None:
        content = item.result._repr_html_()  # pyright: ignore[reportPrivateUsage]
    else:
        content = f"<pre>{escape(str(item.error))}</pre>"
    caption = f"<b>{escape(item.model)}</b><br>{escape(item.summary)}"
    return f"<figure>{content}<figcaption>{caption}</figcaption></figure>"
