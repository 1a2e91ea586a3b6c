"""A journal is used by one run at a time, under each of its names."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers.program_server import ProgramServer
from oxen_models import JournalError
from oxen_models._runtime.journal import Journal
from oxen_models.journal import Entry, read

from batch.journal.states import FACTS, expected_entries, without_times, write_fact

# Opens the journal in another process, in the way of the second argument.
OPEN = """
import sys
from oxen_models import JournalError
from oxen_models._runtime.journal import Journal, read

try:
    if sys.argv[2] == "write":
        Journal(sys.argv[1]).close()
    else:
        list(read(sys.argv[1]))
except JournalError as error:
    print(error)
"""


Opener = Callable[..., str]


@pytest.fixture
def open_elsewhere(programs: ProgramServer) -> Opener:
    """A function that opens a journal in another process and returns the error, like `open_here`."""

    def open_there(path: Path, how: str = "write") -> str:
        with programs.start(OPEN, str(path), how) as process:
            code, output, errors = process.finish()
        assert (code, errors) == (0, "")
        return output

    return open_there


def open_here(path: Path, how: str = "write") -> str:
    """Open a journal in this process and return the error; an empty string if there is none."""
    try:
        if how == "write":
            Journal(path).close()
        else:
            list(read(path))
    except JournalError as error:
        return str(error)
    return ""


@pytest.fixture
def used(written_database: Path) -> Iterator[Path]:
    """The path of a journal that this process has open."""
    with Journal(written_database) as journal:
        yield written_database
        entry = journal.find("h")
        assert entry is not None


@pytest.fixture(params=["here", pytest.param("elsewhere", marks=pytest.mark.slow)])
def opener(request: pytest.FixtureRequest) -> Opener:
    """A function that opens a journal in this process, then one in another process."""
    elsewhere: Opener = (
        request.getfixturevalue("open_elsewhere") if request.param == "elsewhere" else open_here
    )
    return elsewhere


@pytest.mark.parametrize("how", ["write", "read"])
@pytest.mark.parametrize("name", ["same", "hard link", "symlink", "relative"])
def test_used_journal_raises(
    used: Path, opener: Opener, how: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal cannot be opened while a run uses it, under any name."""
    other = used.with_name("other.db")
    if name == "hard link":
        other.hardlink_to(used)
    elif name == "symlink":
        other.symlink_to(used)
    else:
        other = used
    if name == "relative":
        monkeypatch.chdir(used.parent)
        other = Path(used.name)
    error = opener(other, how)
    assert "another run or program is using this journal" in error or "hard links" in error
    other.unlink() if other.name == "other.db" else None
    assert "another run or program is using this journal" in opener(used, how)


def test_renamed_journal_in_use_raises(written_database: Path, opener: Opener) -> None:
    """A journal that was renamed is still in use, and its run cannot write to it any more."""
    moved = written_database.with_name("moved.db")
    with Journal(written_database) as journal:
        written_database.rename(moved)
        assert "using this journal" in opener(moved, "write")
        with pytest.raises(JournalError, match="moved, deleted, replaced"):
            write_fact(journal, FACTS[0])
        moved.rename(written_database)
        with pytest.raises(JournalError, match="moved, deleted, replaced"):
            write_fact(journal, FACTS[0])
    assert open_here(written_database) == ""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems lack locks of open files")
def test_lock_survives_another_reader_in_the_process(used: Path, open_elsewhere: Opener) -> None:
    """The lock is kept if other code of the process opens and closes the file, such as a copy."""
    shutil.copy(used, used.with_name("copy.db"))
    used.read_bytes()
    assert "using this journal" in open_elsewhere(used)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the file cannot be opened there")
def test_failed_attempt_keeps_the_lock_of_sqlite(used: Path, programs: ProgramServer) -> None:
    """Another run in the same process fails before it opens the file, which would drop the lock of SQLite."""
    assert "using this journal" in open_here(used)
    assert "using this journal" in open_here(used, "read")
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN')"
    with programs.start(f"{program}.execute('SELECT * FROM journal')", str(used)) as process:
        assert "database is locked" in process.finish().errors


@pytest.mark.slow
def test_lock_does_not_depend_on_another_file(used: Path, open_elsewhere: Opener) -> None:
    """No file beside the journal needs to exist for its lock."""
    for file in used.parent.iterdir():
        if file != used and file.is_file():
            file.unlink()
    assert "using this journal" in open_elsewhere(used)


@pytest.mark.slow
def test_readers_do_not_exclude_each_other(written_database: Path, open_elsewhere: Opener) -> None:
    """A journal can be read several times at once, and no run can use it meanwhile."""
    first, second = read(written_database), read(written_database)
    assert next(first) == next(second)
    assert open_elsewhere(written_database, "read") == ""
    second.close()
    for opener in (open_here, open_elsewhere):
        assert "using this journal" in opener(written_database)
    first.close()
    assert open_elsewhere(written_database) == ""


@pytest.mark.parametrize("original", ["kept", "deleted", "replaced"])
def test_copy_is_not_continued(written_database: Path, original: str, opener: Opener) -> None:
    """A copy is not continued, because its original may know more, but it can be read."""
    copy = written_database.with_name("copy.db")
    shutil.copytree(f"{written_database}.media", f"{copy}.media")
    shutil.copy2(written_database, copy)
    if original == "deleted":
        written_database.unlink()
    elif original == "replaced":
        copy = copy.replace(written_database)
    before = copy.read_bytes()
    assert "is a copy of a journal" in opener(copy, "write")
    assert copy.read_bytes() == before
    assert without_times(read(copy)) == expected_entries(FACTS)


@pytest.mark.parametrize("change", ["deleted", "replaced", "truncated", "emptied"])
def test_change_during_a_run_raises(written_database: Path, change: str) -> None:
    """A file that is deleted, replaced or truncated during a run ends the run."""
    copy = written_database.with_name("copy.db")
    shutil.copy(written_database, copy)
    with Journal(written_database) as journal:
        if change == "deleted":
            written_database.unlink()
        elif change == "replaced":
            copy.replace(written_database)
        else:
            os.truncate(written_database, 0 if change == "emptied" else 8192)
        for _ in range(2):
            with pytest.raises(JournalError, match="moved, deleted, replaced or truncated"):
                write_fact(journal, FACTS[0])
    if written_database.exists():
        assert open_here(written_database) != ""


@pytest.mark.slow
def test_two_runs_create_one_journal(programs: ProgramServer, database: Path) -> None:
    """Of several processes that create a journal at once, one uses it, and all others raise."""
    program = OPEN.replace(
        "Journal(sys.argv[1]).close()",
        'journal = Journal(sys.argv[1]); print("ok", flush=True); sys.stdin.read()',
    )
    with ExitStack() as stack:
        processes = [stack.enter_context(programs.start(program, str(database), "write")) for _ in range(4)]
        lines = [process.stdout.readline() for process in processes]
        for process in processes:
            process.finish()
    assert lines.count("ok\n") == 1
    assert all("using this journal" in line or "is empty" in line for line in lines if line != "ok\n")
    assert {file.name for file in database.parent.iterdir()} == {"run.db"}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", [(os, "open"), (sqlite3, "connect"), (os, "link")], ids=lambda step: step[1])
def test_journal_created_meanwhile_is_kept(
    database: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[ModuleType, str], moment: str
) -> None:
    """A journal that another run creates at the same time is opened and not replaced, at every step."""
    original: Callable[..., object] = getattr(*step)

    def interrupt(*arguments: Any, **options: Any) -> object:
        monkeypatch.undo()
        if moment == "before":
            create_with_a_fact(database)
        result = original(*arguments, **options)
        if moment == "after":
            create_with_a_fact(database)
        return result

    monkeypatch.setattr(*step, interrupt)
    assert without_times(list_entries(database)) == expected_entries(FACTS[:1])
    assert {file.name for file in database.parent.iterdir()} == {"run.db"}


@pytest.mark.parametrize("created", [False, True])
def test_journal_is_created_without_hard_links(
    database: Path, monkeypatch: pytest.MonkeyPatch, created: bool
) -> None:
    """On a file system without hard links, a journal is created and replaces no other one."""

    def fail(*_: object) -> None:
        if created:
            monkeypatch.undo()
            create_with_a_fact(database)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", fail)
    assert without_times(list_entries(database)) == expected_entries(FACTS[:created])
    assert {file.name for file in database.parent.iterdir()} == {"run.db"}


def create_with_a_fact(path: Path) -> None:
    with Journal(path) as journal:
        write_fact(journal, FACTS[0])


def list_entries(path: Path) -> list[Entry]:
    with Journal(path) as journal:
        return list(journal.entries())


FORK = """
import os, sys
from oxen_models import JournalError
from oxen_models._runtime.journal import Journal

journal = Journal(sys.argv[1])
journal.sending("x", "d", "m", {})
reader = journal.entries()
next(reader)
pid = os.fork()
if pid == 0:
    for use in (lambda: journal.find("x"), lambda: next(reader), lambda: Journal(sys.argv[1])):
        try:
            use()
        except JournalError as error:
            print(error, flush=True)
    journal.close()
    del journal, reader
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
print(os.path.exists(sys.argv[1] + "-journal"))
journal.accepted("x", "job")
journal.close()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_process_cannot_use_the_journal(programs: ProgramServer, database: Path) -> None:
    """A fork cannot use the journal of its parent, and its end does not disturb the parent."""
    with programs.start(FORK, str(database), finalizes=True) as process:
        code, output, errors = process.finish()
    assert (code, errors) == (0, "")
    closed, also_closed, in_use, rollback_journal = output.splitlines()
    assert closed == also_closed == f"{database}: the journal is closed"
    assert "using this journal" in in_use
    assert rollback_journal == "True"
    [entry] = read(database)
    assert (entry.state, entry.job_id) == ("accepted", "job")


FORK_AND_DIE = """
import os, sys, time
from oxen_models._runtime.journal import Journal

journal = Journal(sys.argv[1])
read, write = os.pipe()
if os.fork() == 0:
    os.close(read)
    sys.stdin.read()
    os._exit(0)
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_does_not_keep_the_lock(programs: ProgramServer, database: Path, open_elsewhere: Opener) -> None:
    """A journal can be used after its process was killed, even if a fork of it still runs."""
    with programs.start(FORK_AND_DIE, str(database)) as process:
        process.wait()
        assert open_elsewhere(database) == ""
