"""Render the page: its template with data, styles and scripts inlined, and the policy that allows them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..config import runtime_version
from ..diagnostics import Diagnostic
from ..templates import TemplateSet
from .data import Models, build_data, select_models
from .shorten import join_scripts, join_styles

PAGE_FILE = "_workbench/page.html"
"""The path of the page in a package."""
_FOLDER = "workbench"
_TEMPLATE = f"{_FOLDER}/workbench.html.jinja"
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}


def render_workbench(
    models: Models, templates: TemplateSet, template_dir: Path
) -> tuple[str, list[Diagnostic]]:
    """Return the page, and notes about models that it does not have.

    Args:
        models: The models of the package.
        templates: The templates of the package.
        template_dir: The folder of built-in templates.

    Raises:
        CodegenError: A template cannot be used.
    """
    selected, notes = select_models(models)
    version = runtime_version(template_dir)
    scripts, styles = (
        [templates.read(name) for name in templates.list_names(f"{_FOLDER}/", suffix)]
        for suffix in (".js", ".css")
    )
    script, style = join_scripts(scripts), join_styles(styles)
    page = templates.render(
        _TEMPLATE,
        version=version,
        policy=write_policy(script, style),
        style=style,
        script=script,
        data=write_json({"version": version, **build_data(selected, template_dir)}),
    )
    return page, notes


def write_json(value: Mapping[str, Any]) -> str:
    """Return JSON as the text of a script element, which no string in it can end.

    The text is ASCII without the characters of HTML, so that it has neither `</script` nor `<!--`.
    """
    return json.dumps(value, separators=(",", ":")).translate(_ESCAPES)


def write_policy(script: str, style: str) -> str:
    """Return the content security policy of a page with this script and this style."""
    media = "'self' data: blob: https:"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_write_hash(script)}",
            f"style-src {_write_hash(style)}",
            "connect-src 'self'",
            f"img-src {media}",
            f"media-src {media}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _write_hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
