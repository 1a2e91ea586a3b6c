"""What an import costs over bare Python."""

from __future__ import annotations

from importlib.metadata import version

from .measure import Row, interleaved, milliseconds, python

_OURS = "import oxen_models"
# Ours loads on use; what the first use loads is shown as well, so that nobody is misled.
_CLIENT = "from oxen_models import Oxen"
_PEERS = ("fal_client", "huggingface_hub", "openai", "replicate")
_ROUNDS = 21
_MOST_SECONDS = 0.015
_MOST_MODULES = 35
_COUNT = "import sys; bare = len(sys.modules); {}; print(len(sys.modules) - bare)"


def rows(*, full: bool) -> list[Row]:
    lines = {_OURS: _OURS, f"  {_CLIENT}": _CLIENT}
    lines |= {f"  import {peer} {version(peer)}": f"import {peer}" for peer in _PEERS}
    seconds = interleaved({line: ["-c", line] for line in ("pass", *lines.values())}, _ROUNDS)
    bare = seconds["pass"]
    found: list[Row] = []
    for what, line in lines.items():
        cost = seconds[line] - bare
        modules = int(python("-c", _COUNT.format(line)).output)
        row = Row(
            what,
            f"+{milliseconds(max(cost, 0))}, {modules} modules",
            milliseconds(bare),
            f"{seconds[line] / bare:.1f}x",
        )
        if line == _OURS:
            goal = f"<= +{_MOST_SECONDS * 1000:.0f} ms, {_MOST_MODULES} modules"
            met = cost <= _MOST_SECONDS and modules <= _MOST_MODULES
            row = Row(row.what, row.median, row.baseline, row.ratio, goal, met)
        found.append(row)
    return found
