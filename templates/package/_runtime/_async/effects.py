"""Sleeping and files, for the asynchronous client. Its twin in `_sync` is written by hand."""

from __future__ import annotations

from anyio import open_file, sleep

__all__ = ["open_file", "sleep"]
