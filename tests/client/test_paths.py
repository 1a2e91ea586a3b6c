"""Paths of callers: `~` is the home folder, and what is no path is rejected before anything is sent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import oxen_models as ox
import pytest
from oxen_models import ConfigurationError, journal, tables


@pytest.fixture
def oxen() -> Iterator[ox.Oxen]:
    """A client without a server."""
    with ox.Oxen("key", base_url="http://127.0.0.1:1") as client:
        yield client


def run_many(oxen: ox.Oxen, path: Any) -> None:
    """Run no requests, with a journal."""
    list(oxen.run_many([], journal=path))


def run_table(oxen: ox.Oxen, source: Any = (), sink: Any = print, **options: Any) -> None:
    """Run the rows of a table, of which there are none."""
    tables.run(source, {"prompt": "prompt"}, sink, client=oxen, model="qwen-image", **options)


USES: dict[str, Callable[[ox.Oxen, Any], object]] = {
    "run_many": run_many,
    "reconcile": lambda oxen, path: oxen.reconcile(path),
    "read": lambda oxen, path: list(journal.read(path)),
    "export": lambda oxen, path: journal.export(path, "lines.jsonl"),
    "merge": lambda oxen, path: journal.merge(path),
    "table journal": lambda oxen, path: run_table(oxen, journal=path),
    "table sink": lambda oxen, path: run_table(oxen, sink=path),
    "table source": lambda oxen, path: run_table(oxen, path),
    "table folder": lambda oxen, path: run_table(oxen, folder=path),
    "sidecar": lambda oxen, path: ox.sidecar(path),
}


@pytest.mark.parametrize("path", ["a\0b", "\ud800", 5, b"a"], ids="null surrogate number bytes".split())
@pytest.mark.parametrize("use", USES)
def test_value_that_is_no_path_is_rejected(oxen: ox.Oxen, use: str, path: Any) -> None:
    """What cannot be the path of a file is rejected with the name of the argument."""
    with pytest.raises(ConfigurationError, match=r"^(journal|target|sink|source|folder|path) must be a path"):
        USES[use](oxen, path)


@pytest.mark.slow
def test_journal_in_the_home_folder_is_used(
    oxen: ox.Oxen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All functions find a journal at a path with `~`, and create none in a folder of that name."""
    home, folder = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(folder)
    run_many(oxen, "~/a.journal")
    run_table(oxen, journal=Path("~/table.journal"))
    oxen.reconcile("~/a.journal")
    journal.merge("~/merged.journal", "~/a.journal")
    journal.export("~/merged.journal", "~/lines.jsonl")
    assert list(journal.read(Path("~/merged.journal"))) == []
    names = {path.name for path in home.iterdir()}
    assert names == {"a.journal", "table.journal", "merged.journal", "lines.jsonl"}
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions of folders")
def test_table_checks_that_its_folder_is_writable(oxen: ox.Oxen, unprivileged: Path) -> None:
    """A folder for files that is not writable is an error before the rows run."""
    unprivileged.chmod(0o500)
    with pytest.raises(ConfigurationError, match="is not writable"):
        run_table(oxen, folder=unprivileged)


def test_export_to_a_value_that_is_no_file(tmp_path: Path) -> None:
    """The lines of a journal are written into a path or an open file only."""
    journal.merge(tmp_path / "a.journal")
    out: Any = 5
    with pytest.raises(ConfigurationError, match="out must be a path or an open file, got 5"):
        journal.export(tmp_path / "a.journal", out)
