"""The memory of a run does not depend on the number of its rows."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from oxen_models import Oxen, tables
from oxen_models.images import QwenImageRequest

ROWS = 100
TEXT_LENGTH = 10_000


def write_source(path: Path, count: int) -> None:
    """Write a table with long texts, without holding them."""
    with path.open("w") as file:
        file.write("id,text\n")
        for number in range(count):
            file.write(f"{number},{'x' * TEXT_LENGTH}\n")


def measure_peak(folder: Path, count: int, suffix: str) -> int:
    """Return the largest memory of a run of rows, none of which is sent because it has no price."""

    def draw(row: dict[str, Any]) -> QwenImageRequest:
        return QwenImageRequest(prompt=row["text"])

    write_source(folder / "in.csv", count)
    sink = folder / f"{count}{suffix}"
    with Oxen("any", base_url="http://127.0.0.1:1") as oxen:
        gc.collect()
        tracemalloc.start()
        try:
            progress = tables.run(folder / "in.csv", draw, sink, client=oxen, budget=1)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert progress.failed == count
    return peak


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".jsonl"])
def test_memory_does_not_grow_with_rows(tmp_path: Path, suffix: str) -> None:
    """A run of four times as many rows needs no more memory."""
    measure_peak(tmp_path, 20, suffix)  # imports what is needed
    small, large = (measure_peak(tmp_path, count, suffix) for count in (ROWS, 4 * ROWS))
    assert large < small + ROWS * TEXT_LENGTH // 4, f"{small:,} bytes, then {large:,}"
