# Copied by oxen-codegen from codegen/oxen_codegen/suggestions.py. Do not edit.
"""Suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable


def find_similar(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar to a wrong one, whatever its case; None if none is."""
    from difflib import get_close_matches

    by_lower = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


def suggest_similar(name: str, known: Iterable[str]) -> str:
    """Return the end of an error, which asks whether a similar name was meant; empty if none is similar."""
    similar = find_similar(name, known)
    return "" if similar is None else f"; did you mean {similar!r}?"
