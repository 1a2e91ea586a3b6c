"""The terminal of a command: its errors, diagnostics, output and progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

import click

from .diagnostics import CodegenError, Diagnostic, make_printable

if TYPE_CHECKING:
    from .hub import Progress

P = ParamSpec("P")


def report_errors(command: Callable[P, int]) -> Callable[P, None]:
    """Exit with the code that a command returns, or print its error on one line and exit with code 2."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except CodegenError as error:
            report_diagnostics(error.diagnostics)
            click.echo(f"oxen-codegen: {make_printable(str(error))}", err=True)
            code = 2
        except BrokenPipeError:  # click handles it
            raise
        except OSError as error:
            click.echo(f"oxen-codegen: {error.filename}: {error.strerror or error}", err=True)
            code = 2
        except KeyboardInterrupt:
            click.echo("oxen-codegen: interrupted", err=True)
            # sys.exit() would wait for threads that wait for a response. No file is ever half written.
            os._exit(130)
        sys.exit(code)

    return run


def report_diagnostics(diagnostics: Sequence[Diagnostic]) -> None:
    """Print diagnostics to stderr."""
    for diagnostic in diagnostics:
        click.echo(str(diagnostic), err=True)


class _ProgressBar:
    """Shows a bar on the terminal."""

    def __init__(self, label: str, stack: ExitStack) -> None:
        self._label = label
        self._stack = stack

    def start(self, total: int) -> None:
        bar = click.progressbar(
            length=total, label=self._label, file=sys.stderr, hidden=not sys.stderr.isatty()
        )
        self._bar = self._stack.enter_context(bar)

    def advance(self) -> None:
        self._bar.update(1)


@contextmanager
def show_progress(label: str) -> Generator[Progress]:
    """Show a bar while models are read, if stderr is a terminal."""
    with ExitStack() as stack:
        yield _ProgressBar(label, stack)


def print_text(text: str) -> None:
    """Print a text, with escapes in place of characters that the terminal does not have."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding))
