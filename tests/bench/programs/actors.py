"""Run rows in two actors of a local Ray."""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import oxen_models.ray
from oxen_models import AsyncOxen

IN_FLIGHT = 32


def main(url: str, count: int) -> None:
    """Run `count` rows, and print the seconds of the run and the CPU seconds of this process."""
    ray: Any = import_module("ray")
    ray_data: Any = import_module("ray.data")
    ray.init(num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    rows = [{"id": number, "text": f"prompt {number}"} for number in range(count)]
    started, cpu = perf_counter(), sum(os.times()[:2])
    results = oxen_models.ray.run(
        ray_data.from_items(rows),
        {"prompt": "text"},
        Path(f"journals-{count}-{os.getpid()}").absolute(),
        model="qwen-image",
        max_in_flight=IN_FLIGHT,
        create_client=lambda: AsyncOxen("bench", base_url=url),
    )
    succeeded = sum(row["status"] == "succeeded" for row in results.iter_rows())
    seconds, cpu_seconds = perf_counter() - started, sum(os.times()[:2]) - cpu
    ray.shutdown()
    assert succeeded == count, f"{succeeded} of {count} rows succeeded"
    print(seconds, cpu_seconds)


if __name__ == "__main__":
    main(sys.argv[2], int(sys.argv[3]))
