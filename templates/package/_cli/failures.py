"""Errors of commands: their exit codes and how they are printed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any, Literal, TextIO, TypeAlias

import click

from .output import print_text, resolve_format, write_json

EXIT_CODES = {
    0: "success",
    1: "rejected by the server, or it could not be reached",
    2: "usage or configuration",
    3: "invalid parameter (nothing was sent)",
    4: "a job failed, was cancelled or does not exist",
    5: "outcome unknown (the request may be billed)",
    6: "timeout (a job continues)",
    7: "above the budget, or not confirmed (nothing was sent)",
    8: "a file could not be downloaded or written",
    130: "interrupted",
}
INTERRUPTED = 130


@contextmanager
def report_interrupted_submission() -> Generator[None]:
    """Raise an interruption of the block, which sends billable requests, as an unknown outcome.

    Raises:
        OutcomeUnknownError: The block was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        from oxen_models._runtime.errors import OutcomeUnknownError

        raise OutcomeUnknownError("interrupted; the request may have been accepted and billed") from None


@contextmanager
def report_missing_extra(name: str, packages: Collection[str]) -> Generator[None]:
    """Raise the failed import of an optional package in the block as an error that names its extra.

    Args:
        name: The name of the command, which is also that of its extra.
        packages: The packages of the extra.

    Raises:
        click.UsageError: One of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in packages:
            raise
        from oxen_models._runtime.extras import describe_missing_extra

        raise click.UsageError(describe_missing_extra(f"oxen-models {name}", missing, name)) from None


class InvalidValueError(click.BadParameter):
    """A value of a model's parameter cannot be read. Nothing was sent."""

    exit_code = 3


Stage: TypeAlias = Literal["other", "submission", "job"]


def find_exit_code(error: BaseException, stage: Stage = "other") -> int:
    """Return the exit code for an error.

    Args:
        error: The error.
        stage: What raised it: a submission, which may be billed, a wait for a job, or anything else.
    """
    if isinstance(error, click.ClickException):
        return error.exit_code
    if isinstance(error, click.Abort):
        return INTERRUPTED
    from oxen_models._runtime import errors
    from oxen_models._runtime.submissions import was_rejected

    if stage == "submission" and isinstance(error, errors.OxenError) and not was_rejected(error):
        return 5
    if stage == "job" and isinstance(error, errors.HubTimeoutError):
        return 6
    classes: list[tuple[type[BaseException], int]] = [
        (errors.OutcomeUnknownError, 5),
        (errors.InvalidRequestError, 3),
        (errors.ConfigurationError, 2),
        (errors.ModelRemovedError, 2),
        (errors.BudgetExceededError, 7),
        (errors.UnpricedRequestError, 7),
        (errors.JobTimeout, 6),
        (errors.MediaError, 8),
        (errors.JobError, 4),
        (errors.RunStoppedError, 4),
    ]
    return next((code for kind, code in classes if isinstance(error, kind)), 1)


def describe_error(error: Exception, stage: Stage = "other") -> dict[str, Any]:
    """Return an error as JSON; see `find_exit_code`."""
    described: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, click.ClickException):
        described["message"] = error.format_message()
    described["exit_code"] = find_exit_code(error, stage)
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
        shown = StringIO()
        error.show(shown)
        print_text(shown.getvalue().rstrip("\n"), err=True)
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
            print_error(click.Abort("interrupted"), format)
            sys.exit(INTERRUPTED)
        except click.ClickException as error:
            print_error(error, format)
            sys.exit(error.exit_code)
        except Exception as error:
            from oxen_models._runtime.errors import OutcomeUnknownError, OxenError

            if not isinstance(error, OxenError):
                raise
            print_error(error, format)
            has_job = next(iter(arguments), None) != "chat"
            if isinstance(error, OutcomeUnknownError) and format == "human" and has_job:
                from oxen_models._runner.commands import FIND_JOB_HINT

                print_text(FIND_JOB_HINT, err=True)
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
