"""Sleeping and files, for the synchronous client."""

from __future__ import annotations

from time import sleep

open_file = open

__all__ = ["open_file", "sleep"]
