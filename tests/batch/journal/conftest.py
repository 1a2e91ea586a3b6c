"""The file of a journal, without and with facts in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from oxen_models._runtime.journal import Journal

from batch.journal.facts import FACTS, tell


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave it to the system when to write: the machine goes on, and some disks take their time."""
    monkeypatch.setattr(os, "fsync", int)


@pytest.fixture
def written(path: Path, quick: None) -> Path:
    """The file of a journal with every fact in it."""
    with Journal(path) as journal:
        for fact in FACTS:
            tell(journal, fact)
    return path
