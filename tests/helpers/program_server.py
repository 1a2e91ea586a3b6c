"""Run Python programs, each in a process of its own that is forked from one with the libraries imported.

A program runs as `python program.py` does. Importing the libraries takes a second, which the processes share.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from .lean import python_path

TIMEOUT = 120.0
"""Seconds: much longer than any program takes on a busy machine."""
_BACKLOG = 128


class Finished(NamedTuple):
    """A program that has ended."""

    code: int
    """Its exit code."""
    output: str
    errors: str


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
        self._process = subprocess.Popen(command, env=environment, stdin=-1, stdout=-1)
        assert self._process.stdout is not None
        port = self._process.stdout.readline()
        assert port, "the server of programs did not start"
        self._address = "127.0.0.1", int(port)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, program: str, environment: Mapping[str, str], folder: Path) -> Finished:
        """Run a program to its end.

        Args:
            program: Its source.
            environment: Its environment variables.
            folder: Its working directory.

        Raises:
            TimeoutError: It took longer than two minutes.
        """
        task = {"program": program, "environment": dict(environment), "folder": str(folder)}
        with socket.create_connection(self._address, TIMEOUT) as connection:
            connection.sendall(json.dumps(task).encode())
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as answer:
                return Finished(*json.loads(answer.read()))


def _receive_program() -> Any:
    """Serve until this is the process of a program, and return the program."""
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        os.write(1, b"%d\n" % listener.getsockname()[1])
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:  # closed, because the process that started this one has ended
                os._exit(0)
            connection, _ = listener.accept()
            if os.fork() == 0:
                break
            connection.close()
            _reap()
    with connection, connection.makefile("rb") as received:
        task = json.loads(received.read())
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            child = os.fork()
            if child == 0:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(output.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                return task
            _, status = os.waitpid(child, 0)
            output.seek(0)
            errors.seek(0)
            texts = output.read().decode(), errors.read().decode()
            connection.sendall(json.dumps([os.waitstatus_to_exitcode(status), *texts]).encode())
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
    task = _receive_program()
    os.chdir(task["folder"])
    os.environ.clear()
    os.environ.update(task["environment"])
    sleep = time.sleep

    def sleep_briefly(seconds: float) -> None:
        sleep(seconds / float(speed))

    time.sleep = sleep_briefly  # type: ignore[assignment]
    os._exit(_run(task["program"]))


def _run(program: str) -> int:
    """Run a program as `python program.py` does, and return its exit code.

    The interpreter is not finalized, because that would copy the memory that the processes share.
    """
    code: object = 0
    try:
        exec(compile(program, "example.py", "exec"), {"__name__": "__main__"})
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
