"""Selection of models by the settings of a team, for fetch, diff, update and generate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.codegen import read_files, run_codegen
from helpers.models import make_model
from oxen_models.testing import Hub

from codegen.extension.team import configure, make_custom_model, write_recorded

pytestmark = pytest.mark.slow


def test_fetch_concerns_included_models_only(team: Hub, empty: Path) -> None:
    """Only included models are fetched and removed; other records are not touched."""
    configure(empty)
    fetch = ("fetch", "--all", "--base-url", team.url)
    for model_id in ("oxen:ox-boots", "qwen-image", "oxen:ox-left"):
        team.add_model(make_custom_model(model_id))
        assert run_codegen("fetch", model_id, "--base-url", team.url).exit_code == 0
    team.remove_model("oxen:ox-left")
    configure(empty, "[tool.oxen-codegen.include]", 'ids = ["oxen:*", "absent:*"]')
    team.clear()

    done = run_codegen(*fetch)

    assert done.exit_code == 0, done.output
    fetched = sorted(request.path.rpartition("/")[2] for request in team.requests)
    assert fetched == ["models", "oxen:ox-boots", "oxen:ox-hats", "oxen:ox-left"]
    assert "1 written, 1 unchanged, 1 removed" in done.stdout
    assert "removed: oxen:ox-left" in done.stdout
    assert "1 recorded models are excluded by the configuration and were not changed" in done.stdout
    assert "warning: pyproject.toml include.ids: no model matches 'absent:*'" in done.stderr


def test_fetch_of_a_whole_id_ignores_the_list(team: Hub, empty: Path) -> None:
    """An id without a pattern is fetched even if the list of models lacks it, and its record is kept."""
    configure(empty, "[tool.oxen-codegen.include]", 'ids = ["oxen:ox-boots", "oxen:ox-gone"]')
    write_recorded(empty)
    done = run_codegen("fetch", "--all", "--base-url", team.url)
    assert done.exit_code == 1
    assert "1 written, 0 unchanged, 0 removed, 1 failed" in done.stdout
    assert "error: oxen:ox-gone: the server returned HTTP 404" in done.stderr
    team.remove_model("oxen:ox-boots")
    done = run_codegen("fetch", "--all", "--base-url", team.url)
    assert "0 written, 0 unchanged, 0 removed, 2 failed" in done.stdout


def test_update_keeps_an_unlisted_model(team: Hub, empty: Path) -> None:
    """A model that is included by its whole id is updated though the list lacks it."""
    configure(empty, "include = {ids = ['oxen:ox-boots']}")
    team.respond_next(200, body={"data": [{"id": "other"}]}, path="/api/ai/models", times=None)
    for command in ("fetch --all", "generate", "diff", "update"):
        at = ("--base-url", team.url) if command != "generate" else ()
        done = run_codegen(*command.split(), *at)
        assert done.exit_code == 0, done.output
    assert (empty / "acme_models" / "images" / "oxen_ox_boots.py").exists()


def test_fetch_without_a_match_changes_nothing(team: Hub, recorded: Path) -> None:
    """Patterns that match no model are an error, and nothing is changed."""
    configure(recorded, "[tool.oxen-codegen.include]", 'ids = ["absent:*"]')
    before = read_files(recorded)
    done = run_codegen("fetch", "--all", "--base-url", team.url)
    assert done.exit_code == 2
    assert "no model matches [tool.oxen-codegen.include] (202 models available)" in done.stderr
    assert read_files(recorded) == before


def test_diff_compares_selected_models_only(team: Hub, empty: Path) -> None:
    """The diff concerns the models that the package is built from."""
    configure(empty, "include = {ids = ['oxen:*']}")
    assert run_codegen("fetch", "--all", "--base-url", team.url).exit_code == 0
    assert run_codegen("fetch", "qwen-image", "--base-url", team.url).exit_code == 0
    same = run_codegen("diff", "--base-url", team.url)
    assert same.exit_code == 0, same.output
    team.remove_model("oxen:ox-hats")
    done = run_codegen("diff", "--base-url", team.url)
    assert done.exit_code == 4
    assert "oxen:ox-hats" in done.stdout
    assert "qwen" not in done.stdout


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
def test_generate_selects_by_each_filter(rules: str, built: str, empty: Path) -> None:
    """Models are selected by id, developer, family and capability."""
    configure(empty, rules)
    write_recorded(
        empty,
        make_model("abc", developer="Acme", capabilities={"input": ["text"], "output": ["image"]}),
        make_model(
            "b", endpoint="/videos/generate", developer={"name": "acme"}, capabilities={"input": ["video"]}
        ),
        make_model("c", developer="Other", capabilities={"input": ["image"]}),
        make_model("d", endpoint="/chat/completions", json_request_schema=None, developer="Other"),
    )
    before = read_files(empty / "acme_models" / "schemas")
    done = run_codegen("generate")
    assert done.exit_code == 0, done.output
    assert f"{4 - len(built.split())} excluded" in done.stdout
    catalogue = (empty / "acme_models" / "catalog.py").read_text()
    assert re.findall(r'\bid="(.*?)"', catalogue) == built.split()
    assert read_files(empty / "acme_models" / "schemas") == before
    assert run_codegen("check").exit_code == 0


def test_generate_excludes_an_invalid_model(empty: Path) -> None:
    """A model with an invalid schema can be excluded."""
    write_recorded(empty, make_model("good"), make_model("bad", []))
    for rule in ("ids = ['bad']", "families = ['audio']"):
        configure(empty, f"exclude = {{{rule}}}")
        assert run_codegen("generate").exit_code == (2 if "audio" in rule else 0)


def test_filter_without_a_match_warns(recorded: Path) -> None:
    """A filter or a name for a model that does not exist is a warning, with the most similar id."""
    configure(
        recorded,
        "include = {ids = ['oxen:*', 'xoen:*', 'oxen:ox-bots']}",
        "exclude = {developers = ['Absent Labs']}",
        "names = {'oxen:ox-boot' = 'boots'}",
    )
    done = run_codegen("generate")
    assert done.exit_code == 0
    assert "include.ids: no model matches 'oxen:ox-bots'; did you mean 'oxen:ox-boots'?" in done.stderr
    assert "names: there is no model 'oxen:ox-boot'; did you mean 'oxen:ox-boots'?" in done.stderr
    assert "warning: pyproject.toml include.ids: no model matches 'xoen:*'" in done.stderr
    assert "warning: pyproject.toml exclude.developers: no model matches 'Absent Labs'" in done.stderr


def test_generate_without_a_match_fails(recorded: Path) -> None:
    """Filters that match no model are an error."""
    configure(recorded, "exclude = {ids = ['*']}")
    for command in ("generate", "check"):
        done = run_codegen(command)
        assert done.exit_code == 2
        assert "include and exclude of [tool.oxen-codegen] match none of 2 recorded models" in done.stderr


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('package = "Acme"', "package: must be a name in snake case such as 'acme_models', got 'Acme'"),
        ('package = "images"', "package: 'images' is reserved; choose another name"),
        ('package = "secrets"', "package: 'secrets' is reserved"),
        ('package = "typing_extensions"', "package: 'typing_extensions' is reserved"),
        (
            'pakage = "acme"',
            "unknown setting 'pakage'; expected one of exclude, include, names, output, ",
        ),
        ('package = "../up"', "package: must be a name in snake case such as 'acme_models', got '../up'"),
        ("package = 3", "package: must be a name in snake case such as 'acme_models', got 3"),
        ("include = 3", "include: must be a table of ids, developers, families, capabilities"),
        ("include = {id = ['a']}", "include: unknown key 'id'; expected one of ids, "),
        ("exclude = {ids = 'a'}", "exclude.ids: must be a non-empty list of strings, got "),
        ("exclude = {ids = []}", "exclude.ids: must be a non-empty list of strings, got "),
        (
            "exclude = {capabilities = [1]}",
            "exclude.capabilities: must be a non-empty list of strings, got",
        ),
        (
            "include = {families = ['image']}",
            "include.families: unknown family 'image'; expected one of ",
        ),
        ("templates = 3", "templates: must be a path, got 3"),
        (
            "names = {a = 'acme_models'}",
            "names: 'a': must be an unused name in snake case, got 'acme",
        ),
    ],
)
def test_invalid_setting_names_file_and_key(line: str, complaint: str, empty: Path) -> None:
    """An invalid setting is reported with the file and the key."""
    package = "" if line.startswith(("package", "pakage")) else 'package = "acme_models"\n'
    (empty / "pyproject.toml").write_text(f"[tool.oxen-codegen]\n{package}{line}\n")
    for command in (("generate",), ("check",), ("fetch", "--all")):
        done = run_codegen(*command)
        assert done.exit_code == 2
        assert f"{empty / 'pyproject.toml'}: [tool.oxen-codegen] {complaint}" in done.stderr


def test_misspelt_table_is_reported(empty: Path) -> None:
    """A table with an underscore in its name is an error, not ignored."""
    (empty / "pyproject.toml").write_text("[tool.oxen_codegen]\npackage = 'acme_models'\n")
    done = run_codegen("generate")
    assert done.exit_code == 2
    assert "[tool.oxen_codegen] must be named [tool.oxen-codegen]" in done.stderr
