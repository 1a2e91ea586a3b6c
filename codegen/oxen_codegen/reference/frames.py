"""The programs of the pages without a model: the workbench writes a model and values into them.

A placeholder stands for each part: «model», «verb», «path» and «media» for texts, «blocking_timeout»,
«timeout» and «interval» for seconds, «arguments:4» and «body:4» for values indented by four columns, and
«shell_json» for a body as one word of a shell.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from jinja2 import Environment

from .examples import LANGUAGES, MEDIA_KEYS, TIMES, TRANSPORTS
from .pages import API_URL

_FILTERS = ("arguments", "body", "shell_json")
_TEXTS = ("model", "verb", "media", "blocking_timeout", "timeout", "interval")


def render_frames(templates: Environment) -> dict[str, Any]:
    """Return the frames by the folder of a language and the name of a transport, and what differs by family.

    Args:
        templates: The templates of the site.
    """
    environment = templates.overlay()
    filters: dict[str, Any] = {name: partial(_write_placeholder, name) for name in _FILTERS}
    environment.filters = {**templates.filters, **filters}
    context: dict[str, Any] = {
        **{name: f"«{name}»" for name in _TEXTS},
        "url": f"{API_URL}/ai«path»",
        "api_url": API_URL,
        "arguments": None,
        "body": None,
    }
    return {
        "frames": {
            folder: {
                transport: environment.get_template(f"docs/examples/{folder}/{transport}.jinja")
                .render(context)
                .strip("\n")
                for transport in TRANSPORTS.values()
            }
            for _, folder in LANGUAGES.values()
        },
        "families": {
            family: {"media": MEDIA_KEYS[family], **times._asdict()} for family, times in TIMES.items()
        },
    }


def _write_placeholder(name: str, _: object, *indent: int) -> str:
    return f"«{':'.join(map(str, (name, *indent)))}»"
