"""Errors of commands: their exit codes and how they are printed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click

from .output import print_text, resolve_format, write_json

EXIT_CODES = {
    0: "success",
    1: "refused by the server, or it could not be reached",
    2: "usage or configuration",
    3: "invalid parameter (nothing was sent)",
    4: "a job failed, was cancelled or does not exist",
    5: "outcome unknown (the request may be billed)",
    6: "timeout (a job continues)",
    7: "above the budget, or not confirmed (nothing was sent)",
    130: "interrupted",
}
INTERRUPTED = 130


class InvalidValueError(click.BadParameter):
    """A value of a model's parameter cannot be read. Nothing was sent."""

    exit_code = 3


def find_exit_code(error: BaseException) -> int:
    """Return the exit code for an error."""
    if isinstance(error, click.ClickException):
        return error.exit_code
    from oxen_models._runtime import errors

    classes: list[tuple[type[BaseException], int]] = [
        (errors.OutcomeUnknownError, 5),
        (errors.InvalidRequestError, 3),
        (errors.ConfigurationError, 2),
        (errors.ModelRemovedError, 2),
        (errors.BudgetExceededError, 7),
        (errors.UnpricedRequestError, 7),
        (errors.JobTimeout, 6),
        (errors.HubTimeoutError, 6),
        (errors.JobError, 4),
        (errors.RunStoppedError, 4),
    ]
    return next((code for kind, code in classes if isinstance(error, kind)), 1)


def describe_error(error: Exception) -> dict[str, Any]:
    """Return an error as JSON."""
    described: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, click.ClickException):
        described["message"] = error.format_message()
    described["exit_code"] = find_exit_code(error)
    names = ("generation_id", "status", "model_id", "provider", "provider_code", "request_id", "hint")
    described |= {name: value for name in names if (value := getattr(error, name, None)) is not None}
    problems = getattr(error, "problems", None)
    if problems:
        described["problems"] = [
            {"parameter": p.parameter, "given": p.given, "expected": p.expected, "suggestion": p.suggestion}
            for p in problems
        ]
    return described


def print_error(error: Exception, format: str) -> None:
    """Print an error on the standard error: for readers, or as a JSON object on one line."""
    if format in ("json", "jsonl") and not isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(write_json({"error": describe_error(error)}), err=True)
    elif isinstance(error, click.ClickException):
        error.show()
    else:
        print_text(f"oxen-models: {error}", err=True)


@contextmanager
def report_errors(arguments: Sequence[str]) -> Generator[None]:
    """Print the error of the block and exit with its code; print warnings in the same form.

    Args:
        arguments: The arguments of the command, of which `--output` is the form of errors, even if the other
            arguments cannot be parsed.
    """
    format = resolve_format(find_option(arguments, "--output") or "auto")
    with warnings.catch_warnings():
        warnings.showwarning = _WarningPrinter(format)
        try:
            yield
        except click.Abort:
            print_text("oxen-models: interrupted", err=True)
            sys.exit(INTERRUPTED)
        except click.ClickException as error:
            print_error(error, format)
            sys.exit(error.exit_code)
        except Exception as error:
            from oxen_models._runtime.errors import MissingAPIKeyError, OxenError

            if not isinstance(error, OxenError):
                raise
            print_error(error, format)
            if isinstance(error, MissingAPIKeyError) and format == "human":
                print_text("log in with: oxen-models login", err=True)
            sys.exit(find_exit_code(error))


class _WarningPrinter:
    """Prints a warning in place of `warnings.showwarning`."""

    def __init__(self, format: str) -> None:
        self._format = format

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if self._format in ("json", "jsonl"):
            described = {"type": category.__name__, "message": str(message)}
            click.echo(write_json({"warning": described}), err=True)
        elif self._format == "human":
            print_text(f"oxen-models: warning: {message}", err=True)


def find_option(arguments: Sequence[str], name: str) -> str | None:
    """Return the value of an option in arguments that are not parsed yet; None without it."""
    for index, argument in enumerate(arguments):
        if argument == name:
            return next(iter(arguments[index + 1 :]), None)
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return None


def suggest_name(name: str, known: Sequence[str]) -> str:
    """Return the question whether a similar name was meant; empty if none is similar."""
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
