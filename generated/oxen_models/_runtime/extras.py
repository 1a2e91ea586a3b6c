# Copied by oxen-codegen from templates/package/_runtime/extras.py. Do not edit.
"""The message about an optional dependency that is not installed."""

from __future__ import annotations


def describe_missing_extra(feature: str, package: str, extra: str) -> str:
    """Return a message that names the missing package and the extra that installs it."""
    return (
        f"{feature} needs {package}: install oxen-models with the extra {extra!r}, "
        f"for example pip install '.[{extra}]' in a clone"
    )
