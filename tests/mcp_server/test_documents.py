"""The documents for agents and clients: the skill, the guide and the record of the registry."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.docs import ROOT
from oxen_models._cli.main import cli
from oxen_models._cli.mcp import mcp_command
from oxen_models._runtime.version import __version__
from oxen_models.testing import Hub

GUIDE = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
SKILL = (ROOT / "docs" / "skills" / "oxen-models" / "SKILL.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_commands_of_the_skill_run(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command succeeds as it is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OXEN_API_KEY", "any")
    monkeypatch.setenv("OXEN_BASE_URL", f"{hub.url}/api/ai")
    commands = re.findall(r"^ {7}oxen-models (.+)$", SKILL, re.MULTILINE)
    assert len(commands) >= 10
    job = ""
    for line in commands:
        result = CliRunner().invoke(cli, shlex.split(line.replace("JOB", job)))
        assert result.exit_code == 0, (line, result.output)
        if line.startswith("submit"):
            [job] = re.findall(r"[0-9a-f-]{36}", result.stdout)
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_skill_has_a_name_and_a_description() -> None:
    """The head is that of a skill, whose name is that of the folder."""
    _, head, _ = SKILL.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    assert fields["name"] == "oxen-models"
    assert 50 < len(fields["description"]) < 1024


def test_configurations_of_the_guide_are_valid(tmp_path: Path) -> None:
    """The arguments that the guide gives to clients are those of the command."""
    blocks = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    servers = [
        list((json.loads(block).get("mcpServers") or json.loads(block)["servers"]).values())
        for block in blocks
    ]
    found = [server["args"] for [server] in servers]
    found += [shlex.split(line) for line in re.findall(r"-- oxen-models (.+)$", GUIDE, re.MULTILINE)]
    assert len(found) == 3
    for command, *arguments in found:
        assert command == "mcp"
        parse([text.replace("${workspaceFolder}", str(tmp_path)) for text in arguments])


def test_record_of_the_registry_is_valid() -> None:
    """It has the version of the package, options that exist, and a name that the README confirms."""
    record = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    [package] = record["packages"]
    assert record["version"] == package["version"] == __version__
    assert len(record["description"]) <= 100
    assert f"mcp-name: {record['name']}" in (ROOT / "README.md").read_text(encoding="utf-8")
    command, *options = package["packageArguments"]
    assert command["value"] == "mcp"
    arguments = [text for option in options for text in (option["name"], option.get("default", str(ROOT)))]
    assert parse(arguments).keys() >= {"budget", "folders", "output_dir"}


def parse(arguments: list[str]) -> dict[str, Any]:
    """Return the options of the command."""
    return mcp_command.make_context("mcp", arguments).params
