"""A team's own package of models, on the installed runtime."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oxen_models
import pytest
from click.testing import CliRunner, Result
from generating import answer, files
from oxen_codegen.cli import main
from oxen_codegen.generate import templates_folder
from oxen_models.testing import Hub

README = Path(__file__).parent.parent / "README.md"
SCHEMA = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}, "strength": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": ["prompt"],
}
USE = """
import asyncio, pickle
import acme_models, oxen_models
from acme_models import AcmeModels, AsyncAcmeModels, catalog
from acme_models.images import OxenOxBootsRequest
from oxen_models import AsyncOxen, Oxen, OxenError

URL = {url!r}
assert [model.id for model in catalog.models(bound=True)] == ["oxen:ox-boots", "oxen:ox-hats"]
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


def custom(model_id: str, **facts: Any) -> dict[str, Any]:
    media = {"input": ["text"], "output": ["image"]}
    return answer(model_id, SCHEMA, model_type="custom", capabilities=media, **facts)


@pytest.fixture
def team(hub: Hub) -> Hub:
    """A hub that has two models of a team's beside all others."""
    hub.add_model(custom("oxen:ox-boots", developer={"name": "Acme"}))
    hub.add_model(custom("oxen:ox-hats", developer={"name": "Acme"}))
    return hub


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OXEN_API_KEY", "any")
    return folder


def configure(folder: Path, *lines: str) -> None:
    text = "\n".join(("[tool.oxen-codegen]", 'package = "acme_models"', 'output = "."', *lines, ""))
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def oxen_codegen(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def recorded(empty: Path) -> Path:
    """The directory with the records of one model of the team's and one of somebody else's."""
    configure(empty)
    return recording(empty, custom("oxen:ox-boots"), answer("other"))


def recording(folder: Path, *answers: dict[str, Any]) -> Path:
    schemas = folder / "acme_models" / "schemas"
    schemas.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(answers):
        (schemas / f"{number}.json").write_text(json.dumps(each))
    return folder


def python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    checkout = Path(oxen_models.__file__).parent.parent
    environment = {**os.environ, "MYPYPATH": str(checkout), "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_what_the_readme_says_works_in_an_empty_directory(team: Hub, empty: Path) -> None:
    section = README.read_text(encoding="utf-8").split("## Your own models\n")[1].split("\n## ")[0]
    [table] = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    [program] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    commands = re.findall(r"^    oxen-codegen ([^#\n]*)", section, re.MULTILINE)
    (empty / "pyproject.toml").write_text(table, encoding="utf-8")
    for command in (*commands, "check"):
        at = ("--base-url", team.url) if command.startswith(("fetch", "update")) else ()
        python("-m", "oxen_codegen", *command.split(), *at, folder=empty)
    python("-c", program.replace("Oxen()", f"Oxen(base_url={team.url!r})"), folder=empty)
    assert (empty / "boots.png").stat().st_size > 0
    assert sorted(path.name for path in (empty / "acme_models").iterdir() if path.name[:3] != "__p") == [
        "__init__.py", "_client.py", "catalog.py", "images", "py.typed", "schemas",
    ]  # fmt: skip
    python("-c", USE.format(url=team.url), folder=empty)
    python("-m", "mypy", "--strict", "--cache-dir=cache", "acme_models", folder=empty)


def test_only_what_is_included_is_fetched_and_nothing_else_is_removed(team: Hub, empty: Path) -> None:
    configure(empty)
    fetch = ("fetch", "--all", "--base-url", team.url)
    for model_id in ("oxen:ox-boots", "qwen-image", "oxen:ox-left"):
        team.add_model(custom(model_id))
        assert oxen_codegen("fetch", model_id, "--base-url", team.url).exit_code == 0
    team.remove_model("oxen:ox-left")
    configure(empty, "[tool.oxen-codegen.include]", 'ids = ["oxen:*", "nobody:*"]')
    team.clear()

    done = oxen_codegen(*fetch)

    assert done.exit_code == 0, done.output
    asked = sorted(each.path.rpartition("/")[2] for each in team.requests)
    assert asked == ["models", "oxen:ox-boots", "oxen:ox-hats", "oxen:ox-left"]
    assert "1 written, 1 unchanged, 1 removed" in done.stdout
    assert "removed: oxen:ox-left" in done.stdout
    assert "1 more recorded, not included, and left as they are" in done.stdout
    assert "warning: pyproject.toml include.ids: no model fits 'nobody:*'" in done.stderr


def test_a_whole_id_is_fetched_whether_it_is_listed_or_not(team: Hub, empty: Path) -> None:
    configure(empty, "[tool.oxen-codegen.include]", 'ids = ["oxen:ox-boots", "oxen:ox-gone"]')
    recording(empty)
    done = oxen_codegen("fetch", "--all", "--base-url", team.url)
    assert done.exit_code == 1
    assert "1 written, 0 unchanged, 0 removed, 1 failed" in done.stdout
    assert "error: oxen:ox-gone: the hub answered HTTP 404" in done.stderr


def test_a_model_that_the_list_lacks_is_kept_true_by_its_whole_id(team: Hub, empty: Path) -> None:
    configure(empty, "include = {ids = ['oxen:ox-boots']}")
    team.answer_next(200, body={"data": [{"id": "other"}]}, path="/api/ai/models", times=None)
    for command in ("fetch --all", "generate", "diff", "update"):
        at = ("--base-url", team.url) if command != "generate" else ()
        done = oxen_codegen(*command.split(), *at)
        assert done.exit_code == 0, done.output
    assert (empty / "acme_models" / "images" / "oxen_ox_boots.py").exists()


def test_a_pattern_that_includes_nothing_fetches_and_removes_nothing(team: Hub, recorded: Path) -> None:
    configure(recorded, "[tool.oxen-codegen.include]", 'ids = ["nobody:*"]')
    before = files(recorded)
    done = oxen_codegen("fetch", "--all", "--base-url", team.url)
    assert done.exit_code == 2
    assert "[tool.oxen-codegen] includes none of the 171 models of the hub" in done.stderr
    assert files(recorded) == before


def test_a_diff_is_of_what_is_built(team: Hub, empty: Path) -> None:
    configure(empty, "include = {ids = ['oxen:*']}")
    assert oxen_codegen("fetch", "--all", "--base-url", team.url).exit_code == 0
    assert oxen_codegen("fetch", "qwen-image", "--base-url", team.url).exit_code == 0
    same = oxen_codegen("diff", "--base-url", team.url)
    assert same.exit_code == 0, same.output
    team.remove_model("oxen:ox-hats")
    done = oxen_codegen("diff", "--base-url", team.url)
    assert done.exit_code == 4
    assert "oxen:ox-hats" in done.stdout
    assert "qwen" not in done.stdout


@pytest.mark.parametrize(
    ("project", "version"),
    [
        ('version = "2.3.4"', "2.3.4 -> 3.0.0"),
        ('dynamic = ["version"]', f"{oxen_models.__version__} -> 0.2.0"),
    ],
)
def test_versions_are_those_of_the_teams_project(project: str, version: str, team: Hub, empty: Path) -> None:
    include = ("[tool.oxen-codegen.include]", 'ids = ["oxen:*"]')
    configure(empty, *include, "[project]", 'name = "acme-models"', project)
    assert oxen_codegen("update", "--base-url", team.url).exit_code == 0
    team.remove_model("oxen:ox-hats")
    update = ("update", "--allow-removals", "--base-url", team.url)
    done = oxen_codegen(*update)
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith(f"; version {version}\n")
    record = empty / "acme_models" / "schemas" / "oxen%3Aox-hats.json"
    assert json.loads(record.read_text())["removed"]["version"] == version.split()[-1]
    configure(empty, *include, "[project]", 'version = "3.1.0"')
    assert oxen_codegen(*update).exit_code == 0
    assert not record.exists()


@pytest.mark.parametrize(
    ("rules", "built"),
    [
        ("include = {ids = ['a*', 'c']}", "abc c"),
        ("include = {developers = ['ACME']}", "abc b"),
        ("include = {families = ['videos', 'images'], ids = ['?']}", "b c"),
        ("include = {capabilities = ['image']}", "abc c"),
        ("include = {capabilities = ['image'], developers = ['acme']}", "abc"),
        ("exclude = {ids = ['[ab]*']}", "c d"),
        ("exclude = {capabilities = ['video'], developers = ['other']}", "abc"),
        ("exclude = {families = ['chat', 'images']}", "b"),
        ("include = {ids = ['*b*']}\nexclude = {ids = ['b']}", "abc"),
    ],
)
def test_what_is_built_goes_by_id_developer_family_and_capability(
    rules: str, built: str, empty: Path
) -> None:
    configure(empty, rules)
    recording(
        empty,
        answer("abc", developer="Acme", capabilities={"input": ["text"], "output": ["image"]}),
        answer(
            "b", endpoint="/videos/generate", developer={"name": "acme"}, capabilities={"input": ["video"]}
        ),
        answer("c", developer="Other", capabilities={"input": ["image"]}),
        answer("d", endpoint="/chat/completions", json_request_schema=None, developer="Other"),
    )
    before = files(empty / "acme_models" / "schemas")
    done = oxen_codegen("generate")
    assert done.exit_code == 0, done.output
    assert f"{4 - len(built.split())} left out" in done.stdout
    catalogue = (empty / "acme_models" / "catalog.py").read_text()
    assert re.findall(r'\bid="(.*?)"', catalogue) == built.split()
    assert files(empty / "acme_models" / "schemas") == before
    assert oxen_codegen("check").exit_code == 0


def test_a_model_whose_schema_is_broken_can_be_left_out(empty: Path) -> None:
    recording(empty, answer("good"), answer("bad", []))
    for rule in ("ids = ['bad']", "families = ['audio']"):
        configure(empty, f"exclude = {{{rule}}}")
        assert oxen_codegen("generate").exit_code == ("audio" in rule)


def test_a_rule_that_no_model_fits_is_told(recorded: Path) -> None:
    configure(recorded, "include = {ids = ['oxen:*', 'xoen:*']}", "exclude = {developers = ['Nobody']}")
    done = oxen_codegen("generate")
    assert done.exit_code == 0
    assert "warning: pyproject.toml include.ids: no model fits 'xoen:*'" in done.stderr
    assert "warning: pyproject.toml exclude.developers: no model fits 'Nobody'" in done.stderr


def test_rules_that_leave_nothing_are_an_error(recorded: Path) -> None:
    configure(recorded, "exclude = {ids = ['*']}")
    for command in ("generate", "check"):
        done = oxen_codegen(command)
        assert done.exit_code == 2
        assert "include and exclude of [tool.oxen-codegen] leave none of 2 models to build" in done.stderr


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('package = "Acme"', "package: 'Acme' has to be a name in snake case, such as 'acme_models'"),
        ('package = "images"', "package: 'images' is the name of something else: choose another"),
        ('package = "secrets"', "package: 'secrets' is the name of something else"),
        ('package = "typing_extensions"', "package: 'typing_extensions' is the name of something else"),
        ('pakage = "acme"', "has no setting pakage: it takes exclude, include, names, output, package, "),
        ('package = "../up"', "package: '../up' has to be a name in snake case"),
        ("package = 3", "package: 3 has to be a name in snake case"),
        ("include = 3", "include has to be a table of ids, developers, families, capabilities"),
        ("include = {id = ['a']}", "include has no key id: it takes ids, "),
        ("exclude = {ids = 'a'}", "exclude.ids has to be a list of texts that is not empty"),
        ("exclude = {ids = []}", "exclude.ids has to be a list of texts that is not empty"),
        ("exclude = {capabilities = [1]}", "exclude.capabilities has to be a list of texts"),
        ("include = {families = ['image']}", "include.families: there is no family 'image': images, "),
        ("templates = 3", "templates has to be a path"),
        ("names = {a = 'acme_models'}", "names: 'a': 'acme_models' is not a free name in snake case"),
    ],
)
def test_a_setting_that_cannot_be_is_told_with_file_and_key(line: str, complaint: str, empty: Path) -> None:
    package = "" if line.startswith(("package", "pakage")) else 'package = "acme_models"\n'
    (empty / "pyproject.toml").write_text(f"[tool.oxen-codegen]\n{package}{line}\n")
    for command in (("generate",), ("check",), ("fetch", "--all")):
        done = oxen_codegen(*command)
        assert done.exit_code == 2
        assert f"{empty / 'pyproject.toml'}: [tool.oxen-codegen] {complaint}" in done.stderr


def test_a_table_of_another_spelling_is_told(empty: Path) -> None:
    (empty / "pyproject.toml").write_text("[tool.oxen_codegen]\npackage = 'acme_models'\n")
    done = oxen_codegen("generate")
    assert done.exit_code == 2
    assert "[tool.oxen_codegen] has to be called [tool.oxen-codegen]" in done.stderr


def test_files_of_ones_own_in_the_package_are_not_lost(recorded: Path) -> None:
    assert oxen_codegen("generate").exit_code == 0
    (recorded / "acme_models" / "images" / "helpers.py").write_text("a = 1")
    before = files(recorded)
    done = oxen_codegen("generate")
    assert done.exit_code == 2
    assert "images/helpers.py was not generated by oxen-codegen, and would be lost" in done.stderr
    assert files(recorded) == before


def test_a_package_of_another_version_says_so(recorded: Path) -> None:
    assert oxen_codegen("generate").exit_code == 0
    client = recorded / "acme_models" / "_client.py"
    version = f'made_with = "{oxen_models.__version__}"'
    client.write_text(client.read_text().replace(version, 'made_with = "0.0.1"'))
    program = "from acme_models import AcmeModels; from oxen_models import Oxen; AcmeModels(Oxen('any'))"
    done = subprocess.run([sys.executable, "-c", program], cwd=recorded, capture_output=True, text=True)
    assert "acme_models was generated with oxen-models 0.0.1, and" in done.stderr
    assert "_client.py" in oxen_codegen("check").stdout


def test_no_model_takes_the_name_of_the_packages_class(recorded: Path) -> None:
    recording(recorded, answer("acme-models"), answer("extension"))
    assert oxen_codegen("generate").exit_code == 0
    client = (recorded / "acme_models" / "_client.py").read_text()
    assert "def model_acme_models(" in client
    assert "def model_extension(" in client


def test_a_package_of_listed_models_alone_is_one(recorded: Path) -> None:
    recording(recorded, answer("a", None), answer("b", None))
    assert oxen_codegen("generate").exit_code == 0
    python("-c", "from acme_models import AcmeModels, catalog; assert catalog.get('a')", folder=recorded)


def test_an_interrupted_generate_is_completed_by_the_next_fetch(team: Hub, recorded: Path) -> None:
    package = recorded / "acme_models"
    package.rename(recorded / ".acme_models.old")
    assert oxen_codegen("fetch", "oxen:ox-hats", "--base-url", team.url).exit_code == 0
    assert (package / "schemas" / "1.json").exists()
    assert not (recorded / ".acme_models.old").exists()


# Templates of one's own.

MODEL = "family/model.py.jinja"


def overriding(folder: Path, name: str, change: Callable[[str], str]) -> Path:
    """A folder with one template, which is the built-in one changed."""
    builtin = templates_folder() / name
    own = folder / "own" / name
    own.parent.mkdir(parents=True)
    own.write_text(change(builtin.read_text(encoding="utf-8")), encoding="utf-8")
    return own


def test_a_template_of_ones_own_takes_the_place_of_one_file(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert oxen_codegen("generate").exit_code == 0
    before = files(recorded / "acme_models")
    overriding(recorded, MODEL, lambda text: text.replace("# Generated", "# Ours.\n# Generated"))
    assert oxen_codegen("check").exit_code == 0
    done = oxen_codegen("check", "--templates", "own")
    assert done.exit_code == 1
    assert "to repair: oxen-codegen generate --templates own" in done.stdout
    assert oxen_codegen("generate", "--templates", "own").exit_code == 0
    after = files(recorded / "acme_models")
    assert {name for name in before if before[name] != after[name]} == {
        "images/other.py",
        "images/oxen_ox_boots.py",
    }
    assert b"# Ours." in after["images/other.py"]
    configure(recorded, 'templates = "own"')
    (recorded / "below").mkdir()
    monkeypatch.chdir(recorded / "below")
    assert oxen_codegen("check").exit_code == 0


def test_a_file_that_is_no_jinja_is_overridden_too(recorded: Path) -> None:
    runtime = "package/_runtime/_async/stub.py"
    own = overriding(recorded, runtime, lambda text: text.replace('"""The calls', '"""Our calls'))
    (recorded / "pyproject.toml").unlink()
    arguments = ("generate", "--templates", "own", "--schemas", "acme_models/schemas", "--output", "out")
    assert oxen_codegen(*arguments).exit_code == 0
    for kind in ("_async", "_sync"):
        assert (
            '"""Our calls' in (recorded / "out" / "oxen_models" / "_runtime" / kind / "stub.py").read_text()
        )
    own.write_text("x = 1\ndef (\n")
    assert f"own/{runtime}:2: " in oxen_codegen(*arguments).stderr
    for content in (b"\xff", b"\0"):
        own.write_bytes(content)
        assert f"own/{runtime}: is not UTF-8 text" in oxen_codegen(*arguments).stderr


@pytest.mark.parametrize(
    ("name", "good", "bad", "complaint"),
    [
        (MODEL, "{% endmacro %}", "{% endmarco %}", r":\d+: Encountered unknown tag 'endmarco'"),
        (MODEL, "| docstring }}", "| dogstring }}", r":\d+: No filter named 'dogstring'"),
        (MODEL, "binding.verb", "binding.vreb", r":\d+: .*vreb"),
        (MODEL, "from __future__", "{{ 1 + 'a' }}\nfrom __future__", r":{line}: TypeError: "),
        (
            MODEL,
            "from __future__",
            "frm __future__",
            r":{line}: renders no Python: invalid syntax: frm __fut",
        ),
        (MODEL, "request = {%", "request = ({%", r":\d+: renders no Python: "),
        (MODEL, "{{ parameter.doc | docstring(4) }}", "{{ parameter.doc[40] }}", r":\d+: .*40"),
        ("family/__init__.py.jinja", "_MODULES = {", "_MODULES = (", r":\d+: renders no Python: "),
        ("extension/_client.py.jinja", "class Async", "clas Async", r": renders no Python: "),
        (
            "extension/_client.py.jinja",
            "shared/",
            "sahred/",
            r":1: there is no template sahred/_client.py.jinja",
        ),
        ("shared/catalog.py.jinja", "models = ", "models == (", r":\d+: renders no Python: "),
    ],
)
def test_a_broken_template_is_told_with_file_and_line(
    name: str, good: str, bad: str, complaint: str, recorded: Path
) -> None:
    own = overriding(recorded, name, lambda text: text.replace(good, bad))
    [line, *_] = [n for n, each in enumerate(own.read_text().splitlines(), 1) if bad.splitlines()[0] in each]
    expected = complaint.replace("{line}", str(line))
    before = files(recorded)
    for command in ("generate", "check"):
        done = oxen_codegen(command, "--templates", "own")
        assert done.exit_code == 2, done.output
        assert re.match(rf"oxen-codegen: own/{name}{expected}", done.stderr), done.stderr
    assert files(recorded) == before


def test_what_the_hub_said_does_not_become_code_by_a_template_of_ones_own(recorded: Path) -> None:
    recording(recorded, answer("a", display_name="x"), answer("b", display_name="y"))
    overriding(recorded, MODEL, lambda text: f"{text}\n{{{{ binding.title[0] }}}} = 1\n")
    done = oxen_codegen("generate", "--templates", "own")
    assert done.exit_code == 2
    assert "images/a.py: what the hub said became code; nothing was written; see its template" in done.stderr
    overriding(
        recorded / "second", MODEL, lambda text: text + "{{ 'ab'[0 if binding.title == 'X.' else 5] }}"
    )
    recording(recorded, answer("a", display_name="X"), answer("b", display_name="X"))
    done = oxen_codegen("generate", "--templates", "second/own")
    assert done.exit_code == 2
    assert "(where each text of the hub is 'placeholder', for the proof)" in done.stderr


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("family/modle.py.jinja", "family/model.py.jinja"),
        ("model.py.jinja", "family/model.py.jinja"),
        ("package/_client.py.jinja", "shared/_client.py.jinja"),
        ("README", ""),
    ],
)
def test_a_file_that_takes_no_templates_place_is_an_error(name: str, nearest: str, recorded: Path) -> None:
    own = recorded / "own" / name
    own.parent.mkdir(parents=True)
    own.write_text("")
    (recorded / "own" / ".hidden").write_text("")
    done = oxen_codegen("generate", "--templates", "own")
    assert done.exit_code == 2
    assert f"own/{name}: replaces no template: there is no {name}; the nearest is {nearest}" in done.stderr


def test_templates_have_to_be_a_folder(recorded: Path) -> None:
    configure(recorded, 'templates = "nowhere"')
    done = oxen_codegen("generate")
    assert done.exit_code == 2
    assert f"{recorded / 'nowhere'}: a folder of templates is expected" in done.stderr


_ALWAYS = ("click", "jinja2")
_OFFLINE = (*_ALWAYS, "datamodel_code_generator", "ruff")


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        *((("fetch", "--all", "--base-url", "http://127.0.0.1:9"), each) for each in (*_ALWAYS, "stamina")),
        *((("generate",), each) for each in _OFFLINE),
        *((("check",), each) for each in _OFFLINE),
        *((("diff",), each) for each in (*_ALWAYS, "datamodel_code_generator", "stamina")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_without_the_extra_every_command_says_which_one(
    command: tuple[str, ...], missing: str, recorded: Path
) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {list(command)!r}\n"
        "from oxen_codegen.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    told = f"oxen-codegen needs {missing}: pip install 'oxen-models[codegen]'\n"
    assert (done.returncode, done.stderr) == (1, told)
