"""The guide: its commands run as they are written, and its exit codes are those of the command line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from oxen_models._cli.failures import EXIT_CODES
from PIL import Image

from .conftest import Run

GUIDE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")


def test_commands_of_the_guide_run(run: Run, folder: Path) -> None:
    """Each command in the blocks of the guide succeeds."""
    Image.new("RGB", (8, 8)).save(folder / "dog.png")
    (folder / "prompts.csv").write_text("id,text\na,A hat\n")
    blocks = re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)
    commands = [shlex.split(line) for line in "".join(blocks).splitlines() if line.startswith("oxen-models ")]
    assert len(commands) > 10
    for _, *arguments in commands:
        run(*arguments, input="any-key\n" if arguments == ["login"] else None)
    assert {"hat.png", "sheet.png", "out", "pictures"} <= {path.name for path in folder.iterdir()}


def test_guide_lists_the_exit_codes() -> None:
    """The table of the guide has each exit code with its meaning."""
    rows = dict(re.findall(r"^\| (\d+) \| (.*?) \|$", GUIDE, re.MULTILINE))
    assert {int(code): meaning for code, meaning in rows.items()} == EXIT_CODES
