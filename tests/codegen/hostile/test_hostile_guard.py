"""The guard detects what an attack must not do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen.hostile.attacks import Done, read_json
from codegen.hostile.guard import CANARY

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there are no memory limits on Windows"),
]


def test_guard_detects_canary(tmp_path: Path, guarded: Callable[..., Done]) -> None:
    """The code in the attacks is detected if it runs."""
    with pytest.raises(AssertionError, match=CANARY):
        guarded("script", read_json("strings")["plain code"])
    assert (tmp_path / "home" / CANARY).exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("open('/etc/passwd')", "open /etc/passwd"),
        ("import pathlib; pathlib.Path('../beside').touch()", "open ../beside"),
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "connect"),
        ("import os; os.system('true')", "os.system"),
        ("import subprocess; subprocess.run(['true'])", "run"),
        ("x = bytearray(310 * 2**20)", "< 300"),
        ("1 / 0", "Traceback"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9"),
    ],
)
def test_guard_detects_violation(code: str, message: str, guarded: Callable[..., Done]) -> None:
    """Each violation fails the test that causes it."""
    with pytest.raises(AssertionError, match=message):
        guarded("script", code)


def test_guard_measures_cpu_time(guarded: Callable[..., Done]) -> None:
    """The CPU time of a command is measured, and that of waiting is not."""
    idle = guarded("script", "import time; time.sleep(0.2)")
    busy = guarded("script", "import time\nwhile time.process_time() < 0.2: pass")
    assert idle.seconds < busy.seconds >= 0.2
