"""Fixtures of the journal tests: paths of an empty and of a written journal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from oxen_models._runtime.journal import Journal

from batch.journal.facts import FACTS, write_fact
from batch.journal.states import fast_folder, write_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a journal that does not exist."""
    return tmp_path / "run.jsonl"


@pytest.fixture
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not sync the file, because that is slow and matters only if the machine stops."""
    monkeypatch.setattr(os, "fsync", int)


@pytest.fixture
def written(path: Path, no_fsync: None) -> Path:
    """The path of a journal with all facts."""
    with Journal(path) as journal:
        for fact in FACTS:
            write_fact(journal, fact)
    return path


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
