"""Sleeping and files, for the asynchronous client. Its twin in `_sync` is written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from anyio import AsyncFile

# anyio is imported on use: the synchronous client, which loads this module too, never needs it.


async def sleep(seconds: float) -> None:
    """Wait, and let others work."""
    import anyio

    await anyio.sleep(seconds)


async def open_file(file: Path, mode: Literal["wb"]) -> AsyncFile[bytes]:
    """A file whose operations do not block the event loop."""
    import anyio

    return await anyio.open_file(file, mode)
