"""A lock of a journal's file, in addition to that of SQLite."""

from __future__ import annotations

import errno
import os
import struct
import sys

from .journal_errors import in_use_error

if sys.platform != "win32":
    import fcntl

# SQLite locks bytes near 2 ** 30.
_LOCKED_BYTE = 1 << 62


def lock_descriptor(descriptor: int, path: str, *, exclusive: bool) -> None:
    """Lock a file in addition to SQLite.

    SQLite's own lock is lost as soon as any other code of this process opens and closes the file.
    """
    # Elsewhere such locks do not exist, and `flock` would exclude SQLite.
    if sys.platform == "linux":
        kind = fcntl.F_WRLCK if exclusive else fcntl.F_RDLCK
        lock = struct.pack("hhqqi", kind, os.SEEK_SET, _LOCKED_BYTE, 1, 0)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise in_use_error(path) from None
            if error.errno not in (errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
