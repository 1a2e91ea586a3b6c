"""Fixtures of the journal tests: paths of an empty and of a written journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.journal.states import fast_folder, write_journal


@pytest.fixture
def database() -> Iterator[Path]:
    """The path of a journal that does not exist."""
    with fast_folder() as folder:
        yield folder / "run.db"


@pytest.fixture
def written_database(database: Path) -> Path:
    """The path of a journal with all facts."""
    write_journal(database)
    return database
