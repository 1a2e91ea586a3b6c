"""The URLs of media. Each request class loads this module, so it imports nothing."""

from __future__ import annotations


def is_media_url(text: str) -> bool:
    """Return whether a text for a medium is a URL."""
    return text.lstrip()[:6].lower().startswith(("http:", "https:", "data:"))
