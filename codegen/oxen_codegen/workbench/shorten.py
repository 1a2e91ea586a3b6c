"""Shorten the scripts and the styles of the page."""

from __future__ import annotations

from collections.abc import Iterable

import rcssmin  # type: ignore[import-untyped]
import rjsmin  # type: ignore[import-untyped]

_STRICT = '"use strict";\n'


def join_scripts(scripts: Iterable[str]) -> str:
    """Return strict scripts as a single short one. No template literal may contain another."""
    text = "\n".join(script.removeprefix(_STRICT) for script in scripts)
    return f"{_STRICT}{rjsmin.jsmin(text)}\n"  # pyright: ignore[reportUnknownMemberType]


def join_styles(styles: Iterable[str]) -> str:
    """Return styles as a single one without comments and without the spaces that have no meaning."""
    text = "\n".join(styles)
    return f"{rcssmin.cssmin(text)}\n"  # pyright: ignore[reportUnknownMemberType]
