"""Run `oxen-codegen` or scripts in forked processes, and log what they do that they must not do.

    python tests/codegen/hostile/guard.py <project>

First, `generate` runs in the project, without a guard, because the hub had no part in it. Then each line of
the standard input is a `Task` as JSON; each line of the standard output is its `Report`. The processes are
forked, so that what all of them need is imported, and templates are compiled, once.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import tempfile
import traceback
from contextlib import chdir, redirect_stdout
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import CodeType
from typing import Any, NoReturn

import oxen_codegen
from helpers.templates import cache_templates

CANARY = "canary"
# So that a failing test does not exhaust the machine; the tests have lower limits.
MAX_ADDRESS_SPACE = 2 * 2**30
HANG_TIMEOUT = 300
"""Seconds of CPU time after which a process is killed, because it hangs."""

# Files that Python and its libraries read wherever they run.
_HARMLESS_FILES = frozenset({os.devnull, "/etc/mime.types", "/etc/localtime", "/proc/self/status"})
# The number of arguments that are paths, by audit event.
_PATH_ARGUMENTS = {
    "open": 1, "os.mkdir": 1, "os.remove": 1, "os.rmdir": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2,
    "os.chmod": 1, "os.truncate": 1, "os.listdir": 1, "os.scandir": 1,
}  # fmt: skip
_FORBIDDEN_EVENTS = (
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.spawn", "pty.spawn", "ftplib.connect",
    "urllib.Request", "smtplib.connect", "webbrowser.open", "ctypes.dlopen", "pickle.find_class",
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A command or a script to run."""

    kind: str
    """"codegen" for a command, "script" for Python source."""
    arguments: list[str]
    """The arguments of the command, or the source."""
    folder: str
    """The working folder."""
    path: str
    """A folder to import from first."""
    environment: dict[str, str]
    """Environment variables to set."""
    roots: list[str]
    """The folders in which files may be opened."""
    port: int
    """The only port to which a connection may be made."""
    stdout: str
    """The file that gets the standard output."""
    stderr: str
    """The file that gets the standard error."""
    log: str
    """The file that gets the log: a JSON object of violations, and of the memory that was used."""


@dataclass(frozen=True)
class Report:
    """The end of a process."""

    code: int
    """The exit code; negative for a signal."""
    seconds: float
    """The CPU time of the process and its children."""


class Watcher:
    """An audit hook that collects violations; raising instead would let code hide them in an `except`."""

    def __init__(self, task: Task) -> None:
        self.violations: list[str] = []
        self._roots = tuple(os.path.realpath(root) + os.sep for root in task.roots)
        self._port = task.port
        self._is_codegen = task.kind == "codegen"

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _PATH_ARGUMENTS:
            for path in arguments[: _PATH_ARGUMENTS[event]]:
                if path is not None and not isinstance(path, int) and not self._is_allowed(os.fsdecode(path)):
                    self.violations.append(f"{event} {os.fsdecode(path)}")
        elif event == "socket.connect":
            if arguments[1][:2] != ("127.0.0.1", self._port):
                self.violations.append(f"connect {arguments[1]}")
        elif event in ("subprocess.Popen", "os.posix_spawn"):
            command = [os.fsdecode(part) for part in arguments[1]]
            if os.path.basename(command[0]) != "ruff" or command[1] != "format":
                self.violations.append(f"run {command}")
        elif event == "exec" and self._is_codegen:
            if _has_canary(arguments[0]):
                self.violations.append(f"exec {arguments[0]}")
        elif event.startswith(_FORBIDDEN_EVENTS):
            self.violations.append(f"{event} {arguments}")

    def _is_allowed(self, path: str) -> bool:
        # A bare name is relative to an open folder or to the working folder, which the test checks.
        if path in _HARMLESS_FILES or os.sep not in path or path in sys.path:
            return True
        return f"{os.path.realpath(path)}{os.sep}".startswith(self._roots)


def _has_canary(code: Any) -> bool:
    if not isinstance(code, CodeType):
        return False
    return any(
        CANARY in str(constant) or _has_canary(constant) for constant in (*code.co_consts, *code.co_names)
    )


def measure_memory() -> float:
    """Return the peak memory of this process or of one of its children, in MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    # On Linux, getrusage() of a forked process includes the peak of its parent.
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return max(int(line.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 2**10


def _import_dependencies() -> None:
    """Import everything but the package under attack."""
    for module in walk_packages(oxen_codegen.__path__, "oxen_codegen."):
        if module.name != "oxen_codegen.__main__":
            import_module(module.name)
    # httpcore, which httpx imports for its first client, imports trio where it is installed. trio loads a
    # library with ctypes and runs ldconfig: without it, a package that loads ctypes is detected.
    sys.modules["trio"] = None  # type: ignore[assignment]  # an import raises ImportError
    import_module("httpcore")
    import_module("pydantic")
    assert not {"ctypes", "oxen_models"} & sys.modules.keys()


def _generate(project: str) -> None:
    from oxen_codegen.cli import main as run_codegen

    cache_templates()
    with chdir(project), redirect_stdout(sys.stderr):
        try:
            run_codegen(["generate"])
        except SystemExit as end:
            if end.code:
                raise


def _run(task: Task) -> None:
    if task.kind == "codegen":
        from oxen_codegen.__main__ import main as run_codegen

        sys.argv = ["oxen-codegen", *task.arguments]
        run_codegen()
    else:
        exec(compile(task.arguments[0], "script", "exec"), {})


def _run_and_exit(task: Task) -> NoReturn:
    for descriptor, path in ((0, os.devnull), (1, task.stdout), (2, task.stderr)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    os.environ.update(task.environment)
    tempfile.tempdir = None  # was determined before TMPDIR was set
    os.chdir(task.folder)
    sys.path.insert(0, task.path)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (HANG_TIMEOUT, HANG_TIMEOUT))
    watcher = Watcher(task)
    sys.addaudithook(watcher)
    code = 0
    try:
        _run(task)
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    log = {"violations": list(watcher.violations), "megabytes": measure_memory()}
    Path(task.log).write_text(json.dumps(log), encoding="utf-8")
    os._exit(code)


def main() -> None:
    """Generate the package, print "ready", and run tasks until the end of the standard input."""
    _import_dependencies()
    _generate(sys.argv[1])
    gc.freeze()  # so that collections of forked processes neither traverse nor copy what they inherit
    print("ready", flush=True)
    for line in sys.stdin:
        task = Task(**json.loads(line))
        process = os.fork()
        if process == 0:
            _run_and_exit(task)
        _, status, usage = os.wait4(process, 0)
        report = Report(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime)
        print(json.dumps(asdict(report)), flush=True)


if __name__ == "__main__":
    main()
