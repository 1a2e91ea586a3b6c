"""Kill processes that write a journal, each at another system call, and check what the next run reads.

`python -m batch.journal.kill_program STEP START` prints the number of kills. Linux only, because it traces
the processes. It is a program, because a test process with threads should not fork.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

from oxen_models._runtime.journal import Journal
from oxen_models.journal import read

from batch.journal.states import FACTS, expected_entries, fast_folder, without_times, write_fact

_TRACE_ME, _NEXT_SYSTEM_CALL = 0, 24
_libc = ctypes.CDLL(None, use_errno=True)
# Enough for all kinds of writes.
_FACTS = FACTS[:10]


def run_until_call(path: Path, calls: int) -> tuple[int, bool]:
    """Write facts in a child that is killed after a number of entries to and exits from system calls.

    Returns:
        The number of facts that were written, and whether the child was killed before it ended.
    """
    results, child_results = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(results)
        _trace(_TRACE_ME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        with Journal(path) as journal:
            for fact in _FACTS:
                write_fact(journal, fact)
                os.write(child_results, b".")
        os._exit(0)
    os.close(child_results)
    killed = True
    os.waitpid(child, 0)
    for _ in range(calls):
        _trace(_NEXT_SYSTEM_CALL, child)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            killed = False
            break
    if killed:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with open(results, "rb") as file:
        return len(file.read()), killed


def check(path: Path, written: int) -> None:
    """Check that a killed run can be read and continued from the fact after the last one."""
    possible = [expected_entries(_FACTS[:count]) for count in (written, written + 1)]
    if not written and not path.exists():
        return
    with Journal(path) as journal:
        entries = without_times(journal.entries())
        assert entries in possible, f"after {written} facts: {entries}"
        for fact in _FACTS[written + 1 if entries == possible[1] else written :]:
            write_fact(journal, fact)
    assert without_times(read(path)) == expected_entries(_FACTS)
    garbage = {
        file.name for file in path.parent.rglob("*") if file.suffix in (".part", ".db-journal", ".new")
    }
    assert not garbage, garbage


def main(step: int, start: int) -> None:
    """Kill at each system call from `start`, in steps, until the child ends before."""
    kills = 0
    killed = True
    while killed:
        with fast_folder() as folder:
            path = folder / "run.db"
            written, killed = run_until_call(path, start + kills * step)
            check(path, written)
        kills += killed
    print(kills)


def _trace(request: int, process: int) -> None:
    if _libc.ptrace(request, process, None, None) == -1:
        raise OSError(ctypes.get_errno(), "ptrace failed")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
