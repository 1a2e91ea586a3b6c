"""The cost of an import over bare Python, beside that of other packages."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from .measure import Row, format_seconds, measure_in_turns, run_python

_OURS = "import oxen_models"
# The package imports lazily, so the cost of the first use is shown as well.
_CLIENT = "from oxen_models import Oxen"
_PEERS = ("fal_client", "huggingface_hub", "openai", "replicate")
_ROUNDS = 21
_MAX_RATIO = 1.5
_MAX_MODULES = 35
_COUNT = "import sys; bare = len(sys.modules); {}; print(len(sys.modules) - bare)"


def measure(*, full: bool) -> Iterator[Row]:
    """Measure time and modules of imports, each in a new process."""
    lines = {_OURS: _OURS, f"  {_CLIENT}": _CLIENT}
    lines |= {f"  import {peer} {version(peer)}": f"import {peer}" for peer in _PEERS}
    seconds = measure_in_turns({line: ["-c", line] for line in ("pass", *lines.values())}, _ROUNDS)
    bare = seconds["pass"]
    for name, line in lines.items():
        ratio = seconds[line] / bare
        modules = int(run_python("-c", _COUNT.format(line)).output)
        value = f"+{format_seconds(max(seconds[line] - bare, 0))}, {modules} modules"
        goal, met = "", None
        if line == _OURS:
            goal = f"<= {_MAX_RATIO}x, {_MAX_MODULES} modules"
            met = ratio <= _MAX_RATIO and modules <= _MAX_MODULES
        yield Row(name, value, format_seconds(bare), f"{ratio:.1f}x", goal, met)
