"""Query the catalogue, estimate a request and plan a comparison; print the seconds, each after a baseline."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import oxen_models
from oxen_models import catalog, compare
from oxen_models.images import GptImage25FlareRequest

SCHEMAS = Path(oxen_models.__file__).parent / "schemas"


def read_records() -> list[str]:
    """Return the ids of the models of a developer with a seed, from the recorded files."""
    records: list[Any] = [json.loads(file.read_bytes()) for file in SCHEMAS.glob("*.json")]
    found: list[str] = []
    for record in records:
        developer: dict[str, Any] = record["developer"] or {}
        schema: dict[str, Any] = record["json_request_schema"] or {}
        if developer.get("name") == "Qwen" and "seed" in schema.get("properties", {}):
            found.append(record["id"])
    return found


def query_catalog() -> object:
    """Return the models that match every kind of filter."""
    return catalog.models(
        task="image-edit",
        accepts={"seed"},
        max_price=Decimal(1),
        developer="Qwen",
        search="edit",
        output="image",
    )


def measure(function: Callable[[], object], rounds: int) -> float:
    """Return the median seconds of a call, after a first one that fills the caches."""
    function()
    seconds: list[float] = []
    for _ in range(rounds):
        started = perf_counter()
        function()
        seconds.append(perf_counter() - started)
    return median(seconds)


def main() -> None:
    """Print six lines: reading, querying, constructing, estimating, building requests and planning them."""
    request = GptImage25FlareRequest(prompt="x", quality="low", resolution="4K")
    print(measure(read_records, 9))
    print(measure(query_catalog, 99))
    print(measure(lambda: GptImage25FlareRequest.model_validate(request.model_dump()), 99))
    print(measure(request.estimate, 99))
    models = catalog.models(task="text-to-image")
    print(measure(lambda: [model.request(prompt="x") for model in models], 9))
    ids = [model.id for model in models]
    print(measure(lambda: compare.plan(ids, prompt="x", aspect_ratio="16:9", seed=7), 9))


if __name__ == "__main__":
    main()
