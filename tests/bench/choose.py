"""The time to choose a model, to estimate a request and to plan a comparison, beside the same by hand."""

from __future__ import annotations

from collections.abc import Iterator

from .measure import PROGRAMS, Row, compare_times, format_seconds, run_python

_MAX_QUERY_SECONDS = 0.01


def measure(*, full: bool) -> Iterator[Row]:
    """Measure a query with every kind of filter, an estimate from a grid of prices, and a plan."""
    output = run_python(str(PROGRAMS / "choose.py")).output
    reading, query, construction, estimate, building, plan = map(float, output.split())
    yield Row(
        "catalogue query with six filters, to reading the records",
        format_seconds(query),
        format_seconds(reading),
        f"{query / reading:.3f}x",
        f"<= {format_seconds(_MAX_QUERY_SECONDS)}",
        query <= _MAX_QUERY_SECONDS,
    )
    yield compare_times("  estimate, to validating the request", estimate, construction)
    yield compare_times("  plan for all text-to-image models, to building the requests", plan, building)
