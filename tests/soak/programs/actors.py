"""Run rows in two actors of a local Ray, and write each row as a line of JSON."""

from __future__ import annotations

import json
import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import oxen_models.ray
from oxen_models import AsyncOxen
from oxen_models.images import QwenImageRequest

ACTORS = 2
IN_FLIGHT = 32


def make_request(row: dict[str, Any]) -> QwenImageRequest:
    """Return the request of a row."""
    return QwenImageRequest(prompt=f"{row['id']} an ox")


def main(url: str, folder: Path, count: int, batch_size: int, resend_unknown: bool) -> None:
    """Run `count` rows. The file `rows.jsonl` exists when all of them have been written."""

    def create_client() -> AsyncOxen:
        (folder / "workers" / str(os.getpid())).touch()
        return AsyncOxen("any", base_url=url)

    ray: Any = import_module("ray")
    ray_data: Any = import_module("ray.data")
    ray.init(
        num_cpus=ACTORS, include_dashboard=False, logging_level=logging.ERROR, object_store_memory=100 * 2**20
    )
    dataset = ray_data.from_items([{"id": number} for number in range(count)])
    results = oxen_models.ray.run(
        dataset,
        make_request,
        folder / "journals",
        actors=ACTORS,
        max_in_flight=IN_FLIGHT,
        batch_size=batch_size,
        create_client=create_client,
        resend_unknown=resend_unknown,
    )
    part = folder / "rows.part"
    with part.open("w") as file:
        for row in results.iter_rows():
            file.write(f"{json.dumps(row)}\n")
    part.replace(folder / "rows.jsonl")
    ray.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "resend")
