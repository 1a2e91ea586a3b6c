"""Kill `update` at a random instant, run another command, and compare the files; again and again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import cycle
from pathlib import Path
from random import Random
from typing import NoReturn

from oxen_codegen.cli import main as run_cli

KILLS = 26
PROJECT = '[tool.oxen-codegen]\npackage = "ours"\n[tool.oxen-codegen.successors]\ncarver = "painter"\n'
INTERRUPTED = 2
"""The exit code of a command that writes nothing, if an update was interrupted."""
FAILED = 70
# Commands import these when they need them; forked processes inherit them.
for name in ("update", "diff.compare", "diff.formats", "diff.source", "generate", "fetch", "parse"):
    import_module(f"oxen_codegen.{name}")

State = dict[str, bytes]


@dataclass
class Soak:
    """A project whose update is killed, and what was found afterwards."""

    folder: Path
    old_hub: str
    new_hub: str
    random: Random
    counts: Counter[str] = field(default_factory=Counter[str])

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def clean(self) -> Path:
        return self.folder / "clean"

    def run(self) -> None:
        """Kill `update` until it was killed `KILLS` times."""
        if datetime.now(UTC).date() != (datetime.now(UTC) + timedelta(minutes=2)).date():
            time.sleep(120)  # because changelog entries hold the date, all must have the same
        self.project.mkdir()
        (self.project / "pyproject.toml").write_text(PROJECT)
        self.run_to_end("update", "--base-url", self.old_hub)
        old = read_state(self.project)
        shutil.copytree(self.project, self.clean)
        seconds = self.run_to_end("update", "--base-url", self.new_hub)
        new = read_state(self.project)
        assert old != new
        hub = ("--base-url", self.new_hub)
        following = (("check",), ("generate",), ("fetch", "sketcher", *hub), ("update", "--dry-run", *hub))
        for command in cycle((*following, ("diff", *hub))):
            shutil.rmtree(self.project)
            shutil.copytree(self.clean, self.project)
            if self.run_and_kill(seconds):
                self.counts["kills"] += 1
            left = ", ".join(sorted(file.name for file in self.project.glob("*/.ours.*")))
            self.counts[f"left: {left}"] += bool(left)
            self.recover(*command)
            actual = read_state(self.project)
            assert actual in (old, new), (
                f"killed, then {command}: neither the old files, because of {find_differences(actual, old)}, "
                f"nor the new ones, because of {find_differences(actual, new)}"
            )
            self.counts["new" if actual == new else "old"] += 1
            if self.counts["kills"] == KILLS:
                return

    def run_and_kill(self, update_seconds: float) -> bool:
        """Kill `update` at a random instant, and return whether it was still running."""
        process = fork_command(self.project, "update", "--base-url", self.new_hub)
        # Kill it at any time, or shortly after one of the files appears that exist during the replacement.
        file = self.random.choice([None, ".ours.new", ".ours.pending", ".ours.old"])
        chance = self.random.random()
        delay = update_seconds * chance if file is None else 0.003 * chance**4  # the replacement is short
        if file is not None:
            while not os.path.lexists(self.project / "generated" / file):
                if os.waitpid(process, os.WNOHANG)[0]:
                    return False
        deadline = time.perf_counter() + delay
        while (left := deadline - time.perf_counter()) > 0:
            if left > 0.02:
                time.sleep(0.01)
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        return os.WIFSIGNALED(status)

    def recover(self, *arguments: str) -> None:
        """Run a command after a kill. One that writes nothing may refuse, and then `generate` recovers."""
        is_read_only = arguments[0] in ("check", "diff") or "--dry-run" in arguments
        before = read_state(self.project)
        code = run_command(self.project, *arguments)
        # `diff` exits with 3 or 4 if it finds changes.
        expected = {0, *((3, 4) if arguments[0] == "diff" else ()), *((INTERRUPTED,) if is_read_only else ())}
        assert code in expected, f"{arguments}: exit code {code}"
        if is_read_only:
            assert read_state(self.project) == before, f"{arguments}: wrote files"
        if code == INTERRUPTED:
            self.counts["refused"] += 1
            self.run_to_end("generate")

    def run_to_end(self, *arguments: str) -> float:
        """Run a command to its end and return the seconds that it took."""
        started = time.perf_counter()
        code = run_command(self.project, *arguments)
        assert code == 0, f"{arguments}: exit code {code}"
        return time.perf_counter() - started


def run_command(folder: Path, *arguments: str) -> int:
    """Run a command to its end and return its exit code."""
    _, status = os.waitpid(fork_command(folder, *arguments), 0)
    return os.waitstatus_to_exitcode(status)


def fork_command(folder: Path, *arguments: str) -> int:
    """Run a command in a forked process, which has all modules already, and return the process id."""
    process = os.fork()
    return process or _run(folder, arguments)


def _run(folder: Path, arguments: Sequence[str]) -> NoReturn:
    code = FAILED
    errors = os.dup(2)
    try:
        os.chdir(folder)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        run_cli(list(arguments), prog_name="oxen-codegen")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else FAILED
    except BaseException as error:
        os.write(errors, f"{arguments}: {error!r}\n".encode())
    finally:
        os._exit(code)


def read_state(folder: Path) -> State:
    """Return the content of every file, hidden ones included, and every folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


def find_differences(actual: State, expected: State) -> list[str]:
    """Return the names of files and folders that differ."""
    return [name for name in sorted(actual | expected) if actual.get(name) != expected.get(name)]


def main(folder: str, old_hub: str, new_hub: str, seed: str) -> None:
    """Run the soak and print its counts."""
    started = time.monotonic()
    soak = Soak(Path(folder), old_hub, new_hub, Random(seed))
    soak.run()
    print(json.dumps({**soak.counts, "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main(*sys.argv[1:])
