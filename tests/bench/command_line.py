"""CPU time of commands that users wait for, beside bare Python and an empty command of click."""

from __future__ import annotations

from collections.abc import Iterator

from .measure import Row, format_seconds, run_python

_ROUNDS = 11
_MAX_RATIO = 1.5
_MAX_SECONDS = 0.2
_CLICK = "import click; click.Group('g', commands=[click.Command('c')])(['--help'])"
_MODEL = "qwen-image-edit-plus"
_OURS = ("-m", "oxen_models")


def measure(*, full: bool) -> Iterator[Row]:
    """Measure the help and the completion, to click, and the help of a model, to Python."""
    bare = _measure("-c", "pass")
    click = _measure("-c", _CLICK)
    yield _compare("oxen-models --help, to an empty command of click", _measure(*_OURS, "--help"), click)
    for name, line in (
        ("a command", "oxen-models ru"),
        ("a model", f"oxen-models run {_MODEL[:-3]}"),
        ("an option", f"oxen-models run {_MODEL} --asp"),
        ("a value", f"oxen-models run {_MODEL} --aspect-ratio 1"),
    ):
        words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        seconds = _measure(*_OURS, **words, _OXEN_MODELS_COMPLETE="bash_complete")
        yield _compare(f"  completion of {name}", seconds, click)
    added = _measure(*_OURS, "run", _MODEL, "--help") - bare
    name, goal = "oxen-models run MODEL --help, over bare Python", f"<= {format_seconds(_MAX_SECONDS)}"
    yield Row(name, f"+{format_seconds(added)}", format_seconds(bare), "", goal, added <= _MAX_SECONDS)


def _measure(*arguments: str, **environment: str) -> float:
    """Return the CPU seconds of a program: the least of several runs, because other processes add to them."""
    return min(run_python(*arguments, environment=environment).cpu_seconds for _ in range(_ROUNDS))


def _compare(name: str, seconds: float, baseline: float) -> Row:
    ratio = seconds / baseline
    value, goal = format_seconds(seconds), f"<= {_MAX_RATIO}x"
    return Row(name, value, format_seconds(baseline), f"{ratio:.2f}x", goal, ratio <= _MAX_RATIO)
