"""A lock on a folder, held by one command at a time."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from filelock import FileLock, Timeout

from .diagnostics import CodegenError

READ_LOCK_TIMEOUT = 5.0
"""Seconds that a command which only reads waits for one that writes."""


@contextmanager
def exclusive_lock(folder: Path, timeout: float = 0) -> Generator[None]:
    """Hold the exclusive lock of `folder`.

    Args:
        folder: The folder to lock; it does not have to exist.
        timeout: Seconds to wait for another process to release the lock.

    Raises:
        CodegenError: Another process still holds the lock after `timeout` seconds.
    """
    # The lock file is outside the folder, because the folder holds recorded or generated files only.
    # Each user has a separate lock file, because a user cannot lock a file that another user owns.
    user = os.getuid() if hasattr(os, "getuid") else os.getlogin()
    name = sha256(f"{user} {folder.resolve()}".encode()).hexdigest()[:16]
    lock = FileLock(Path(gettempdir(), f"oxen-codegen-{name}.lock"))
    try:
        with lock.acquire(timeout=timeout):
            yield
    except Timeout:
        raise CodegenError(f"{folder} is locked by another oxen-codegen process") from None
