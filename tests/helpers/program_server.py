"""Run Python programs, each in a process of its own that is forked from one with the libraries imported.

A program runs as `python program.py` does. Importing the libraries takes a second, which the processes share.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple, Self

from .lean import python_path

TIMEOUT = 120.0
"""Seconds: much longer than any program takes on a busy machine."""
WARM_UP = """
import asyncio
import httpx
import oxen_models.audio, oxen_models.images, oxen_models.videos
from oxen_models import AsyncOxen, Oxen, OxenError

# Calls of a server that does not exist load the modules that are imported when they are needed.
address = "http://127.0.0.1:9"
with Oxen("any", base_url=address, max_retries=0) as oxen:
    try:
        oxen.images.z_image_turbo.submit(prompt="Hello")
    except OxenError:
        pass

async def main():
    async with AsyncOxen("any", base_url=address, max_retries=0) as oxen:
        try:
            await oxen.images.z_image_turbo.submit(prompt="Hello")
        except OxenError:
            pass

asyncio.run(main())
"""
"""Imports what programs use, so that each of them takes milliseconds."""
COMMAND_LINE = "import runpy; runpy.run_module('oxen_models', run_name='__main__')"
"""The program that is the command line of the package."""


class Finished(NamedTuple):
    """A program that has ended."""

    code: int
    """Its exit code."""
    output: str
    errors: str


class Program:
    """The process of a program, which is killed at the end of a `with` block.

    Args:
        control: Receives the number of the process, and then its exit code.
        streams: Its input, output and errors.
    """

    def __init__(self, control: socket.socket, streams: list[int]) -> None:
        self._control = control
        self._code: int | None = None
        self.stdin = os.fdopen(streams[0], "w")
        self.stdout, self.stderr = map(os.fdopen, streams[1:])
        self.pid = self._receive(TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._code is None:
            self.send_signal(signal.SIGKILL)
            self.wait()
        for resource in (self.stdin, self.stdout, self.stderr, self._control):
            resource.close()

    def write_line(self, line: str = "") -> None:
        print(line, file=self.stdin, flush=True)

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Return the exit code; a signal has a negative one.

        Raises:
            TimeoutError: The process has not ended after this number of seconds.
        """
        if self._code is None:
            self._code = self._receive(timeout)
        return self._code

    def finish(self) -> Finished:
        """Close the input, and wait for the end. The output must fit into a pipe."""
        self.stdin.close()
        return Finished(self.wait(), self.stdout.read(), self.stderr.read())

    def _receive(self, timeout: float) -> int:
        if not select.select([self._control], [], [], timeout)[0]:
            raise TimeoutError
        number = self._control.recv(4)
        assert number, "the server of programs has ended"
        return int.from_bytes(number, "big", signed=True)


class ProgramServer:
    """Runs programs inside a `with` block; any thread may run one. It needs `os.fork`.

    Args:
        warm_up: A program that imports the libraries, and ends without threads.
        speed: The pauses of the programs are shorter by this factor.
    """

    def __init__(self, warm_up: str, speed: float = 1.0) -> None:
        self._warm_up = warm_up
        self._speed = speed

    def __enter__(self) -> Self:
        arguments = [str(self._speed), self._warm_up]
        command = [sys.executable, "-m", "helpers.program_server", *arguments]
        environment = {**os.environ, "PYTHONPATH": python_path(*sys.path)}
        self._socket, other_end = socket.socketpair()
        with other_end:
            self._process = subprocess.Popen(command, env=environment, stdin=other_end.fileno())
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.wait(TIMEOUT)

    def run(self, program: str, environment: Mapping[str, str], folder: Path) -> Finished:
        """Run a program to its end.

        Args:
            program: Its source.
            environment: Its environment variables.
            folder: Its working directory.

        Raises:
            TimeoutError: It took longer than two minutes.
        """
        with self.start(program, environment=environment, folder=folder) as process:
            return process.finish()

    def start(
        self,
        program: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        terminal: int | None = None,
        finalizes: bool = False,
    ) -> Program:
        """Start a program.

        Args:
            program: Its source.
            arguments: The arguments of its command line.
            environment: Its environment variables. Defaults to those of this process.
            folder: Its working directory. Defaults to that of this process.
            terminal: The file of its input, output and errors. Defaults to pipes.
            finalizes: Whether the interpreter is finalized, which copies the memory that the processes share.
        """
        task = {
            "program": program,
            "arguments": arguments,
            "environment": dict(os.environ if environment is None else environment),
            "folder": str(folder or Path.cwd()),
            "finalizes": finalizes,
        }
        pipes = [os.pipe()[::-1], os.pipe(), os.pipe()]
        other_ends = [end for _, end in pipes]
        control, other_control = socket.socketpair()
        with other_control:
            streams = other_ends if terminal is None else [terminal] * 3
            socket.send_fds(self._socket, [b"x"], [*streams, other_control.fileno()])
        for end in other_ends:
            os.close(end)
        control.sendall(json.dumps(task).encode() + b"\n")
        return Program(control, [end for end, _ in pipes])


def _receive_task() -> dict[str, Any]:
    """Serve until this is the process of a program, and return its task."""
    with socket.socket(fileno=os.dup(0)) as server:
        while True:
            received, files, _, _ = socket.recv_fds(server, 1, 4)
            _reap()
            if not received:  # the process that started this one has closed its end
                os._exit(0)
            if os.fork() == 0:
                break
            for file in files:
                os.close(file)
    *streams, control = files
    with socket.socket(fileno=control) as connection, connection.makefile("rb") as received_task:
        task: dict[str, Any] = json.loads(received_task.readline())
        child = os.fork()
        if child == 0:
            os.setsid()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
        for stream in streams:
            os.close(stream)
        if child == 0:
            connection.sendall(os.getpid().to_bytes(4, "big"))
            return task
        _, status = os.waitpid(child, 0)
        connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
    os._exit(0)


def _reap() -> None:
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            return


def _main(speed: str, warm_up: str) -> None:
    exec(warm_up, {})
    gc.freeze()  # so that a collection does not copy the memory that the processes share
    task = _receive_task()
    os.chdir(task["folder"])
    os.environ.clear()
    os.environ.update(task["environment"])
    sys.argv[1:] = task["arguments"]
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")  # line-buffered if it is a terminal
    sleep = time.sleep

    def sleep_briefly(seconds: float) -> None:
        sleep(seconds / float(speed))

    time.sleep = sleep_briefly  # type: ignore[assignment]
    code = compile(task["program"], "example.py", "exec")
    if task["finalizes"]:
        exec(code, globals())
    else:
        os._exit(_run(code))


def _run(program: CodeType) -> int:
    """Run a program as `python program.py` does, and return its exit code."""
    code: object = 0
    try:
        exec(program, {"__name__": "__main__"})
    except SystemExit as request:
        code = request.code
        if not isinstance(code, int | None):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    modules: tuple[Any, Any] = threading, atexit
    modules[0]._shutdown()  # waits for the threads
    modules[1]._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    _main(*sys.argv[1:])
