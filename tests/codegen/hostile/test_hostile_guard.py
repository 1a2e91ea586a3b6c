"""That the guard would see what no attack may come to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen.hostile.attacks import CANARY, Done, stored

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limits of memory to set there")


def test_the_canary_sings(tmp_path: Path, guarded: Callable[..., Done], folder: Path) -> None:
    """The code in the attacks would be seen, if it ran."""
    with pytest.raises(AssertionError, match=CANARY):
        guarded("script", stored("strings")["plain code"], path=folder / "out")
    assert (tmp_path / "home" / CANARY).exists()


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("open('/etc/passwd')", "open /etc/passwd"),
        ("import pathlib; pathlib.Path('../beside').touch()", "open ../beside"),
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "connect"),
        ("import os; os.system('true')", "os.system"),
        ("import subprocess; subprocess.run(['true'])", "run"),
        ("x = bytearray(400 * 2**20)", "< 300"),
        ("1 / 0", "Traceback"),
    ],
)
def test_the_guard_sees_what_it_has_to_see(
    code: str, seen: str, guarded: Callable[..., Done], folder: Path
) -> None:
    with pytest.raises(AssertionError, match=seen):
        guarded("script", code, path=folder / "out")
