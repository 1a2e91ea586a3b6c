"""Runs with a journal that is full, or that another run uses."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from oxen_models import JournalError
from oxen_models._runtime.journal import Journal
from oxen_models.audio import BytedanceSeedAudio10Request as Speech
from oxen_models.journal import read
from oxen_models.testing import Hub

from batch.journal.states import file_size_limit

REQUESTS = 6


def run_batch(run: ClientRunner, hub: Hub, journal: Path, outcomes: list[Any], prompt: str = "ox") -> None:
    """Run requests one after another, and add the outcomes to a list."""
    requests = [Speech(prompt=f"{prompt} {number}") for number in range(REQUESTS)]

    def step(oxen: Any) -> Any:
        many: Any = oxen.run_many(requests, journal=journal, max_in_flight=1)
        if not run.asynchronous:
            outcomes.extend(many)
            return None

        async def collect() -> None:
            async for outcome in many:
                outcomes.append(outcome)

        return collect()

    run(step, base_url=hub.url)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the size of files")
@pytest.mark.async_values
@pytest.mark.parametrize(
    ("limit", "length", "count"),
    [
        pytest.param(16_500, 630, 2, id="result"),
        pytest.param(16_500, 2, 5, id="request"),
        pytest.param(5_000, 2, 0, id="creation"),
    ],
)
def test_run_on_a_full_disk_names_its_job(
    run: ClientRunner, hub: Hub, database: Path, limit: int, length: int, count: int
) -> None:
    """Whatever cannot be written, the error names a job that was accepted, and the next run continues."""
    outcomes: list[Any] = []
    prompt = "o" * length
    with file_size_limit(limit), pytest.raises(JournalError) as caught:
        run_batch(run, hub, database, outcomes, prompt)
    job_id = caught.value.generation_id
    assert (len(outcomes), job_id is not None) == (count, length == 630)
    assert hub.count("POST", "/") == len(outcomes) + (job_id is not None)
    assert job_id is None or str(caught.value).count(job_id) == 1
    finished: list[Any] = []
    run_batch(run, hub, database, finished, prompt)
    assert [outcome.error for outcome in finished] == [None] * REQUESTS
    assert job_id in (None, finished[len(outcomes)].job_id)
    assert [outcome.job_id for outcome in outcomes] == [outcome.job_id for outcome in finished][
        : len(outcomes)
    ]
    assert hub.count("POST", "/") == REQUESTS


@pytest.mark.async_values
@pytest.mark.parametrize("name", ["same", "hard link", "symlink", "copy"])
def test_second_run_at_once_sends_nothing(run: ClientRunner, hub: Hub, database: Path, name: str) -> None:
    """A run whose journal another run uses, under any name, raises before it sends a request."""
    other = database if name == "same" else database.with_name("other.db")
    with Journal(database):
        if name == "hard link":
            os.link(database, other)
        elif name == "symlink":
            other.symlink_to(database)
        elif name == "copy":
            other.write_bytes(database.read_bytes())
        with pytest.raises(JournalError, match=r"using this journal|hard links|is a copy"):
            run_batch(run, hub, other, [])
    assert not hub.count("POST", "/")
    assert not list(read(database))
