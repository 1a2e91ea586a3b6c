"""Runs `oxen-codegen`, or a script, and notes what it does that it should not.

    python tests/codegen/hostile/guard.py LOG ROOTS PORT SECONDS codegen ARGUMENT...
    python tests/codegen/hostile/guard.py LOG ROOTS PORT SECONDS script TEXT

ROOTS are the folders, in a list of paths, where it may open files; PORT is the only one that it may connect
to; after SECONDS of work it is ended. The log gets a JSON object: the offences, and the memory that was
needed at the most.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import sys
from pathlib import Path
from types import CodeType
from typing import Any

LOG, ROOTS, PORT, SECONDS, KIND, *ARGUMENTS = sys.argv[1:]
ALLOWED = tuple(os.path.realpath(root) + os.sep for root in ROOTS.split(os.pathsep))
# What Python and its libraries read wherever they run.
HARMLESS = frozenset({os.devnull, "/etc/mime.types", "/etc/localtime", "/proc/self/status"})
# Arguments of these events that are paths.
PATHS = {
    "open": 1, "os.mkdir": 1, "os.remove": 1, "os.rmdir": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2,
    "os.chmod": 1, "os.truncate": 1, "os.listdir": 1, "os.scandir": 1,
}  # fmt: skip
# What nothing here has to do at all.
NEVER = (
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.spawn", "pty.spawn", "ftplib.connect",
    "urllib.Request", "smtplib.connect", "webbrowser.open", "ctypes.dlopen", "pickle.find_class",
)  # fmt: skip
CANARY = "canary"
# So that what goes wrong does not take the machine with it; the test asks for far less.
BACKSTOP = 2 * 2**30

offences: list[str] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note an offence; to raise would let whoever catches everything hide it."""
    if event in PATHS:
        for path in arguments[: PATHS[event]]:
            if path is not None and not isinstance(path, int) and not is_allowed(os.fsdecode(path)):
                offences.append(f"{event} {os.fsdecode(path)}")
    elif event == "socket.connect":
        if arguments[1][:2] != ("127.0.0.1", int(PORT)):
            offences.append(f"connect {arguments[1]}")
    elif event in ("subprocess.Popen", "os.posix_spawn"):
        command = [os.fsdecode(part) for part in arguments[1]]
        if command[1:4] != ["-m", "ruff", "format"]:
            offences.append(f"run {command}")
    elif event == "exec" and KIND == "codegen":
        if holds_canary(arguments[0]):
            offences.append(f"exec {arguments[0]}")
    elif event.startswith(NEVER):
        offences.append(f"{event} {arguments}")


def is_allowed(path: str) -> bool:
    # A bare name is one in a folder that was opened before, or in the one where this runs: the test looks
    # there.
    if path in HARMLESS or os.sep not in path or path in sys.path:
        return True
    return f"{os.path.realpath(path)}{os.sep}".startswith(ALLOWED)


def holds_canary(code: Any) -> bool:
    if not isinstance(code, CodeType):
        return False
    return any(
        CANARY in str(constant) or holds_canary(constant) for constant in (*code.co_consts, *code.co_names)
    )


def write_log() -> None:
    noted = {"offences": list(offences), "megabytes": megabytes()}
    Path(LOG).write_text(json.dumps(noted), encoding="utf-8")


def megabytes() -> float:
    """The most that this process needed, or ruff did."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    # What getrusage() says of this process is, on Linux, what its parent had when it started it.
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return max(int(line.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 2**10


def main() -> None:
    """Do it."""
    resource.setrlimit(resource.RLIMIT_AS, (BACKSTOP, BACKSTOP))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS)))
    atexit.register(write_log)
    if KIND == "codegen":
        from oxen_codegen.__main__ import main as run

        sys.addaudithook(watch)
        sys.argv = ["oxen-codegen", *ARGUMENTS]
        run()
    else:
        code = compile(ARGUMENTS[0], "script", "exec")
        sys.addaudithook(watch)
        exec(code, {})


main()
