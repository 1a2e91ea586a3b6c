"""Help, suggestions and completion."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete
from helpers.program_server import COMMAND_LINE, ProgramServer
from oxen_models import catalog
from oxen_models._cli.failures import EXIT_CODES
from oxen_models._cli.main import cli
from oxen_models.testing import Hub

from .conftest import NEW, Run

COMMANDS = cli.list_commands(click.Context(cli))


def complete(*arguments: str) -> list[str]:
    """Return what the last of the arguments is completed to."""
    completion = ShellComplete(cli, {}, "oxen-models", "_OXEN_MODELS_COMPLETE")
    return [item.value for item in completion.get_completions(list(arguments[:-1]), arguments[-1])]


def test_help_lists_commands_and_exit_codes(run: Run) -> None:
    """The help has each command and each exit code."""
    text = " ".join(run("--help").output.split())
    assert all(f" {name} " in text for name in COMMANDS)
    assert all(f"{code} {meaning}" in text for code, meaning in EXIT_CODES.items())


@pytest.mark.parametrize("command", COMMANDS)
def test_command_has_help(run: Run, command: str) -> None:
    """Each command describes itself, and each of its options."""
    assert run(command, "--help").output.startswith(f"Usage: oxen-models {command} ")
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    assert [
        option.opts for option in found.params if isinstance(option, click.Option) and not option.help
    ] == []


def test_help_of_a_model_is_in_the_order_of_a_form(run: Run) -> None:
    """Required parameters come first, then basic ones, then others; choices and defaults are shown."""
    text = run("run", "flux-3-image", "--help").output
    titles = ["Required parameters:", "Basic parameters:", "Parameters:", "Further parameters:", "Options:"]
    places = [text.index(f"\n{title}") for title in titles if f"\n{title}" in text]
    assert places == sorted(places)
    assert text.index("--prompt ") < text.index("--resolution ") < text.index("Options:")
    assert re.search(r"--resolution \[768sq\|", text)
    assert "--dry-run" in text


def test_help_of_a_model_of_the_server(run: Run) -> None:
    """A model that the package does not have is described by its schema, without control characters."""
    text = run("run", NEW["id"], "--help").output
    assert "--cfg-scale NUMBER" in text
    assert "--param-output [red|blue]" in text
    assert "--seconds [auto]|INTEGER" in text
    assert "\x1b" not in text
    assert "Paint \\x1b[31mred" in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("rnu",), "no command 'rnu'; did you mean 'run'?"),
        (("run", "qwen-image-edit-pluss"), "did you mean 'qwen-image-edit-plus'?"),
        (("show", "z-image-turb"), "did you mean 'z-image-turbo'?"),
        (("run", "z-image-turbo", "--prompd", "x"), "--prompt"),
        (("run", "gpt-4o"), "'gpt-4o' is a chat model. Use: oxen-models chat gpt-4o PROMPT"),
        (("list", "--task", "image-edt"), "did you mean 'image-edit'?"),
        (("run", "z-image-turbo", "--budget", "much"), "must be an amount in dollars"),
        (("costs", "--since", "yesterday"), "must be a date such as 2026-10-01, or an age such as 7d"),
        (("run", "z-image-turbo", "--prompt", "x", "-o", "{x}.png"), "pattern must be a string with"),
    ],
)  # fmt: skip
def test_wrong_usage_has_a_suggestion(read_error: Any, arguments: tuple[str, ...], expected: str) -> None:
    """The exit code of wrong usage is 2, and the message has the nearest name."""
    assert expected in read_error(*arguments, code=2)["message"]


def test_errors_for_readers_are_text(run: Run) -> None:
    """With `--output human`, an error is text with the usage, and in `--output json` a JSON object."""
    result = run("run", "z-image-turbo", "--output", "human", "--prompd", "x", code=2)
    assert result.stderr.startswith("Usage: oxen-models run z-image-turbo [OPTIONS]")


def test_completion_of_commands_models_and_values() -> None:
    """Commands, models, options and values are completed, without a request."""
    assert complete("ru") == ["run"]
    assert complete("run", "qwen-image-edit-p") == ["qwen-image-edit-plus"]
    assert complete("run", "gpt-4o") == []
    assert "gpt-4o" in complete("chat", "gpt")
    assert complete("submit", "qwen-image-edit-plus", "--asp") == ["--aspect-ratio"]
    assert complete("run", "qwen-image-edit-plus", "--aspect-ratio", "1") == ["1:1", "16:9"]
    assert complete("run", "no-such-model", "--a") == []
    ids = {model.id for model in catalog.models()}
    assert set(complete("show", "")) == ids
    assert set(complete("run", "")) == {model.id for model in catalog.models(typed=True)}


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_in_a_process(programs: ProgramServer, shell: str) -> None:
    """The command answers each shell, and prints the script that asks it."""
    words = {"COMP_WORDS": "oxen-models run qwen-image-edit-p", "COMP_CWORD": "2"}
    if shell == "fish":
        words["COMP_CWORD"] = "qwen-image-edit-p"

    def call(instruction: str) -> str:
        environment = {**os.environ, **words, "_OXEN_MODELS_COMPLETE": f"{shell}_{instruction}"}
        with programs.start(COMMAND_LINE, environment=environment) as process:
            return process.finish().output

    assert "qwen-image-edit-plus" in call("complete")
    assert "_OXEN_MODELS_COMPLETE" in call("source")


@pytest.mark.slow
def test_import_of_the_package_does_not_load_click() -> None:
    """The package does not load click, and its client does not load the command line."""
    line = (
        "import sys, oxen_models; loaded = 'click' in sys.modules; oxen_models.Oxen; "
        "sys.exit(loaded or 'oxen_models._cli' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0


@pytest.mark.slow
def test_missing_click_is_explained() -> None:
    """Without the extra, the command names it."""
    line = "import sys; sys.modules['click'] = None; from oxen_models.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "oxen-models needs click: install oxen-models with the extra 'cli'" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("package", ["oxen_models", "oxen_codegen"])
def test_interrupt_of_an_import_has_no_traceback(package: str, tmp_path: Path) -> None:
    """An interrupt while a command loads its modules ends it with exit code 130."""
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt")
    line = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from {package}.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.slow
def test_every_model_has_help(run: Run, hub: Hub) -> None:
    """The help of each model has an option for each of its parameters."""
    for model in catalog.models(typed=True):
        text = run("run", model.id, "--help").output
        missing = [name for name in model.parameters if f"--{name.strip('_').replace('_', '-')}" not in text]
        assert missing == [], model.id
    assert hub.requests == []
