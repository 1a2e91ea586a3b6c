"""What an import costs over bare Python."""

from __future__ import annotations

from importlib.metadata import version

from .measure import Row, interleaved, milliseconds, python

_PEERS = ("fal_client", "huggingface_hub", "openai", "replicate")
_ROUNDS = 21
_MOST_SECONDS = 0.015
_MOST_MODULES = 35
_COUNT = "import sys; bare = len(sys.modules); import {}; print(len(sys.modules) - bare)"


def rows(*, full: bool) -> list[Row]:
    names = ("oxen_models", *_PEERS)
    programs = {"bare": ["-c", "pass"], **{name: ["-c", f"import {name}"] for name in names}}
    seconds = interleaved(programs, _ROUNDS)
    bare = seconds["bare"]
    costs = {name: seconds[name] - bare for name in names}
    modules = {name: int(python("-c", _COUNT.format(name)).output) for name in names}
    ours = costs["oxen_models"]
    return [
        Row(
            "import oxen_models, over bare Python",
            _shown(ours, modules["oxen_models"]),
            milliseconds(bare),
            "",
            f"<= {_MOST_SECONDS * 1000:.0f} ms, {_MOST_MODULES} modules",
            ours <= _MOST_SECONDS and modules["oxen_models"] <= _MOST_MODULES,
        ),
        *(
            Row(
                f"  import {name} {version(name)}",
                _shown(costs[name], modules[name]),
                milliseconds(bare),
                f"{costs[name] / ours:.1f}x ours",
            )
            for name in _PEERS
        ),
    ]


def _shown(seconds: float, modules: int) -> str:
    return f"{milliseconds(seconds)}, {modules} modules"
