"""Run requests on a disk that is full at some time: no job is lost, and no request is paid for twice."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random
from typing import Any

from oxen_models import Oxen
from oxen_models.testing import Hub

from .process import read_text, start_program

_REQUESTS = 30
_RUN_TIMEOUT = 60
_LIMITS = range(9_000, 70_000, 4_000)
_DISK_SIZES = range(24, 140, 8)
"""Sizes of full disks, in KiB."""


@contextmanager
def _mount(folder: Path, kilobytes: int) -> Generator[None]:
    _call("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "soak", str(folder))
    try:
        yield
    finally:
        _call("umount", str(folder))


def _enlarge(folder: Path) -> None:
    _call("mount", "-o", "remount,size=10m", str(folder))


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _can_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            with _mount(Path(folder), 16):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


class _Soak:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.first = 0
        self.runs = 0
        self.interrupted = 0

    def run(self, folder: Path, max_size: int = 0) -> tuple[dict[int, list[Any]], str | None]:
        """Run the requests, and return the outcomes by request and the error of the journal."""
        client = "async" if self.runs % 2 else "sync"
        numbers = (self.first, _REQUESTS, max_size)
        arguments = (client, self.hub.url, str(folder / "run.db"), *map(str, numbers))
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            process = start_program("disk", *arguments, timeout=_RUN_TIMEOUT, output=output, errors=errors)
            code = process.wait()
            assert code == 0, f"{' '.join(arguments)}: exit code {code}\n{read_text(errors)}"
            lines = [json.loads(line) for line in read_text(output).splitlines()]
        error = lines.pop() if lines and isinstance(lines[-1], str) else None
        return {index: line for index, *line in lines}, error

    def check(self, folder: Path, max_size: int, *, disk: bool) -> None:
        """Run the requests on a full disk, and again when there is space, and compare with the hub."""
        outcomes, error = self.run(folder, max_size)
        self.interrupted += error is not None
        assert error is not None or len(outcomes) == _REQUESTS
        if disk:
            _enlarge(folder)
        finished, error = self.run(folder)
        assert error is None, error
        accepted: dict[int, list[str]] = defaultdict(list)
        with Oxen("other", base_url=self.hub.url) as oxen:
            for job in oxen.generations(page_size=1000):
                accepted[int(str(job.prompt).split()[0])].append(job.generation_id)
        for index in range(_REQUESTS):
            job_id, failure, _ = finished[index]
            jobs = accepted[self.first + index]
            assert jobs == [job_id], f"{index}: the hub has {jobs}, the journal {job_id} ({failure})"
            assert failure in (None, "JobFailed"), f"{index}: {failure}"
            assert outcomes.get(index, finished[index])[0] == job_id
        self.first += _REQUESTS
        self.runs += 1


def run(random: Random) -> Iterator[str]:
    """Run requests on disks of several sizes and yield a report."""
    if sys.platform == "win32":
        return
    started = time.monotonic()
    disks = list(_DISK_SIZES) if _can_mount() else []
    with Hub(generation_time=0.05) as hub:
        soak = _Soak(hub)
        for size in [*_LIMITS, *disks]:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                is_disk = size in disks
                with _mount(folder, size) if is_disk else nullcontext():
                    soak.check(folder, 0 if is_disk else size + random.randrange(4_000), disk=is_disk)
    yield (
        f"{soak.runs} runs of {_REQUESTS} requests with a limit of the size of files or on a full disk "
        f"({len(disks)}), {soak.interrupted} of them interrupted; 0 jobs lost, 0 requests sent twice, "
        f"{time.monotonic() - started:.0f} s"
    )
    if not disks:
        yield "no disks were filled, because mounting is not permitted"
