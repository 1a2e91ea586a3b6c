"""A package of a team's own models: generated, used and updated."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import oxen_models
import pytest
from helpers.codegen import read_files, run_codegen
from helpers.models import make_model
from helpers.program_server import ProgramServer
from oxen_models.testing import Hub

from codegen.extension.team import configure, run_program, write_recorded

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "private-models.md"
USE = """
import asyncio, pickle
import acme_models, oxen_models
from acme_models import AcmeModels, AsyncAcmeModels, catalog
from acme_models.images import OxenOxBootsRequest
from oxen_models import AsyncOxen, Oxen, OxenError

URL = {url!r}
assert [model.id for model in catalog.models(typed=True)] == ["oxen:ox-boots", "oxen:ox-hats"]
assert {{model.module.rpartition(".")[0] for model in catalog.models()}} == {{"acme_models.images"}}
assert all(getattr(acme_models, name) is not None for name in acme_models.__all__)
assert OxenOxBootsRequest.model_json_schema()["properties"]["strength"]["maximum"] == 1

with Oxen("any", base_url=URL) as oxen:
    acme = AcmeModels(oxen)
    assert isinstance(acme.images.oxen_ox_boots.generate(prompt="Boots"), oxen_models.ImageResult)
    job = acme.images.oxen_ox_hats.submit(prompt="A hat")
    assert job.result(timeout=30).model == "oxen:ox-hats"
    [outcome] = oxen.run_many([OxenOxBootsRequest(prompt="Boots")])
    assert outcome.result is not None, outcome.error
    assert pickle.loads(pickle.dumps(acme.images.oxen_ox_boots.generate(prompt="Boots"))).images
    for wrong in (
        lambda: acme.images.oxen_ox_boots.generate(prompt="Boots", strength=3),
        lambda: AcmeModels(AsyncOxen("any")),
        lambda: AcmeModels("a key that stays where it is"),
    ):
        try:
            wrong()
        except OxenError as error:
            assert "a key" not in str(error)
        else:
            raise SystemExit("no error")

async def use() -> None:
    async with AsyncOxen("any", base_url=URL) as oxen:
        acme = AsyncAcmeModels(oxen)
        assert (await acme.images.oxen_ox_boots.generate(prompt="Boots")).images
        job = await acme.images.oxen_ox_hats.submit(prompt="A hat")
        assert (await job.result(timeout=30)).images

asyncio.run(use())
"""


def test_documented_commands_work_in_an_empty_folder(team: Hub, empty: Path, programs: ProgramServer) -> None:
    """The commands and the program of the guide generate and use a package."""
    section = PAGE.read_text(encoding="utf-8")
    [table] = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    [program] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    commands = re.findall(r"^    oxen-codegen ([^#\n]*)", section, re.MULTILINE)
    (empty / "pyproject.toml").write_text(table, encoding="utf-8")
    for command in (*commands, "check"):
        at = ("--base-url", team.url) if command.startswith(("fetch", "update")) else ()
        done = run_codegen(*command.split(), *at)
        assert done.exit_code == 0, done.output
    ran = run_program(programs, program.replace("Oxen()", f"Oxen(base_url={team.url!r})"), empty)
    assert ran.code == 0, ran.errors
    assert (empty / "boots.png").stat().st_size > 0
    assert sorted(path.name for path in (empty / "acme_models").iterdir() if path.name[:3] != "__p") == [
        "__init__.py", "_async_client.py", "_client.py", "_families.py", "catalog.py", "images", "py.typed",
        "schemas",
    ]  # fmt: skip
    ran = run_program(programs, USE.format(url=team.url), empty)
    assert ran.code == 0, ran.errors


@pytest.mark.parametrize(
    ("project", "version"),
    [
        ('version = "2.3.4"', "2.3.4 -> 3.0.0"),
        ('dynamic = ["version"]', f"{oxen_models.__version__} -> 0.2.0"),
    ],
)
def test_update_uses_the_version_of_the_project(project: str, version: str, team: Hub, empty: Path) -> None:
    """Removals are recorded with the version of the project of the team."""
    include = ("[tool.oxen-codegen.include]", 'ids = ["oxen:*"]')
    configure(empty, *include, "[project]", 'name = "acme-models"', project)
    assert run_codegen("update", "--base-url", team.url).exit_code == 0
    team.remove_model("oxen:ox-hats")
    update = ("update", "--allow-removals", "--base-url", team.url)
    done = run_codegen(*update)
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith(f"; version {version}\n")
    record = empty / "acme_models" / "schemas" / "oxen%3Aox-hats.json"
    assert json.loads(record.read_text())["removed"]["version"] == version.split()[-1]
    configure(empty, *include, "[project]", 'version = "3.1.0"')
    assert run_codegen(*update).exit_code == 0
    assert not record.exists()


def test_generate_does_not_delete_other_files(recorded: Path) -> None:
    """A file that was not generated is an error, and nothing is changed."""
    assert run_codegen("generate").exit_code == 0
    (recorded / "acme_models" / "images" / "helpers.py").write_text("a = 1")
    before = read_files(recorded)
    done = run_codegen("generate")
    assert done.exit_code == 2
    assert "images/helpers.py was not generated by oxen-codegen and would be deleted" in done.stderr
    assert read_files(recorded) == before


def test_package_of_another_version_raises(recorded: Path, programs: ProgramServer) -> None:
    """A package generated with another version raises when it is used, and differs in `check`."""
    assert run_codegen("generate").exit_code == 0
    client = recorded / "acme_models" / "_client.py"
    version = f'made_with = "{oxen_models.__version__}"'
    client.write_text(client.read_text().replace(version, 'made_with = "0.0.1"'))
    program = "from acme_models import AcmeModels; from oxen_models import Oxen; AcmeModels(Oxen('any'))"
    done = run_program(programs, program, recorded)
    assert "acme_models was generated with oxen-models 0.0.1, and" in done.errors
    assert "_client.py" in run_codegen("check").stdout


def test_model_named_like_the_client_is_renamed(recorded: Path) -> None:
    """No model gets the name of the client class of the package."""
    write_recorded(recorded, make_model("acme-models"), make_model("extension"))
    assert run_codegen("generate").exit_code == 0
    families = (recorded / "acme_models" / "_families.py").read_text()
    assert "def model_acme_models(" in families
    assert "def model_extension(" in families


def test_package_without_typed_calls_is_valid(recorded: Path, programs: ProgramServer) -> None:
    """A package of models without a typed call has a client and a catalogue."""
    write_recorded(recorded, make_model("a", None), make_model("b", None))
    assert run_codegen("generate").exit_code == 0
    program = "from acme_models import AcmeModels, catalog; assert catalog.get('a')"
    assert run_program(programs, program, recorded).code == 0


def test_fetch_completes_an_interrupted_generate(team: Hub, recorded: Path) -> None:
    """A package that was being replaced is restored by the next command."""
    package = recorded / "acme_models"
    package.rename(recorded / ".acme_models.old")
    assert run_codegen("fetch", "oxen:ox-hats", "--base-url", team.url).exit_code == 0
    assert (package / "schemas" / "1.json").exists()
    assert not (recorded / ".acme_models.old").exists()


_FETCH = ("fetch", "--all", "--base-url", "http://127.0.0.1:9")
_COMMANDS = (_FETCH, ("generate",), ("check",), ("diff",))
_RUN_ALL = """
import sys
sys.modules[{missing!r}] = None
from oxen_codegen.__main__ import main
for command in {commands!r}:
    sys.argv[1:] = command
    try:
        main()
    except SystemExit as error:
        print(error.code, flush=True)
"""


@pytest.mark.parametrize(
    ("missing", "commands"),
    [
        ("click", _COMMANDS),
        ("datamodel_code_generator", _COMMANDS[:3]),
        ("jinja2", _COMMANDS[:3]),
        ("stamina", (_FETCH, ("diff",))),
    ],
)
def test_command_without_the_extra_names_it(
    missing: str, commands: tuple[tuple[str, ...], ...], recorded: Path
) -> None:
    """Each command names the missing dependency and the extra that installs it."""
    script = _RUN_ALL.format(missing=missing, commands=commands)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    messages = done.stdout.splitlines() + done.stderr.splitlines()
    assert len(messages) == len(commands), done
    for message in messages:
        assert message.startswith(f"oxen-codegen needs {missing}: ")
        assert message.endswith("pip install '.[codegen]' in a clone")


@pytest.mark.parametrize("command", ["generate", "check"])
def test_command_without_ruff_names_it(command: str, recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ruff, which is run and not imported, is missing where it is not installed."""
    monkeypatch.setitem(sys.modules, "ruff", None)
    error = run_codegen(command).exception
    assert isinstance(error, ModuleNotFoundError)
    assert error.name == "ruff"
