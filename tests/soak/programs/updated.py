"""Kill `update` at some instant, run another command, and see what is there; again and again."""

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

from oxen_codegen.cli import main as command

KILLS = 26
PROJECT = '[tool.oxen-codegen]\npackage = "ours"\n[tool.oxen-codegen.successors]\ncarver = "painter"\n'
FAILED = 70
# What commands import when they need it; what is forked has it by then.
for name in ("update", "diff.compare", "diff.formats", "diff.source", "generate", "fetch", "parse"):
    import_module(f"oxen_codegen.{name}")

State = dict[str, bytes]


@dataclass
class Soak:
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
        if datetime.now(UTC).date() != (datetime.now(UTC) + timedelta(minutes=2)).date():
            time.sleep(120)  # entries have a date: all are to have the same
        self.project.mkdir()
        (self.project / "pyproject.toml").write_text(PROJECT)
        self.until_its_end("update", "--base-url", self.old_hub)
        old = state(self.project)
        shutil.copytree(self.project, self.clean)
        lasts = self.until_its_end("update", "--base-url", self.new_hub)
        new = state(self.project)
        assert old != new
        hub = ("--base-url", self.new_hub)
        following = (("check",), ("generate",), ("fetch", "sketcher", *hub), ("update", "--dry-run", *hub))
        for then in cycle((*following, ("diff", *hub))):
            shutil.rmtree(self.project)
            shutil.copytree(self.clean, self.project)
            if self.is_killed(lasts):
                self.counts["kills"] += 1
            left = ", ".join(sorted(file.name for file in self.project.glob("*/.ours.*")))
            self.counts[f"left: {left}"] += bool(left)
            self.until_its_end(*then)
            now = state(self.project)
            assert now in (old, new), (
                f"killed and then {then}: {told(now, old)}\nor, to the new: {told(now, new)}"
            )
            self.counts["new" if now == new else "old"] += 1
            if self.counts["kills"] == KILLS:
                return

    def is_killed(self, lasts: float) -> bool:
        """Whether `update` lives long enough to be killed."""
        process = forked(self.project, "update", "--base-url", self.new_hub)
        # At any time, or from the moment in which what is made comes to where the package is.
        appears = self.random.choice([None, ".ours.new", ".ours.pending", ".ours.old"])
        chance = self.random.random()
        seconds = lasts * chance if appears is None else 0.003 * chance**4  # the move is soon over
        if appears is not None:
            while not os.path.lexists(self.project / "generated" / appears):
                if os.waitpid(process, os.WNOHANG)[0]:
                    return False
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            if left > 0.02:
                time.sleep(0.01)
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        return os.WIFSIGNALED(status)

    def until_its_end(self, *arguments: str) -> float:
        """How many seconds a command takes that nobody kills."""
        began = time.perf_counter()
        _, status = os.waitpid(forked(self.project, *arguments), 0)
        # Where the hub has more than there is, `diff` says so by 3 or 4.
        code = os.waitstatus_to_exitcode(status)
        assert code in ((0, 3, 4) if arguments[0] == "diff" else (0,)), f"{arguments}: exit code {code}"
        return time.perf_counter() - began


def forked(folder: Path, *arguments: str) -> int:
    """A process that runs a command; it has imported already what that needs."""
    process = os.fork()
    return process or _run(folder, arguments)


def _run(folder: Path, arguments: Sequence[str]) -> NoReturn:
    code = FAILED
    errors = os.dup(2)
    try:
        os.chdir(folder)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        command(list(arguments), prog_name="oxen-codegen")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else FAILED
    except BaseException as error:
        os.write(errors, f"{arguments}: {error!r}\n".encode())
    finally:
        os._exit(code)


def state(folder: Path) -> State:
    """Every file, those that are hidden as well, and every folder."""
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else b""
        for each in folder.rglob("*")
    }


def told(now: State, then: State) -> list[str]:
    return [name for name in sorted(now.keys() | then.keys()) if now.get(name) != then.get(name)]


def main(folder: str, old_hub: str, new_hub: str, seed: str) -> None:
    began = time.monotonic()
    soak = Soak(Path(folder), old_hub, new_hub, Random(seed))
    soak.run()
    print(json.dumps({**soak.counts, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
