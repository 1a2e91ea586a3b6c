"""A team's own templates."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.codegen import read_files
from helpers.models import make_model
from oxen_codegen.config import find_template_dir

from codegen.extension.team import configure, oxen_codegen, recording

MODEL = "family/model.py.jinja"


def overriding(folder: Path, name: str, change: Callable[[str], str]) -> Path:
    """A folder with one template, which is the built-in one changed."""
    builtin = find_template_dir() / name
    own = folder / "own" / name
    own.parent.mkdir(parents=True)
    own.write_text(change(builtin.read_text(encoding="utf-8")), encoding="utf-8")
    return own


def test_a_template_of_ones_own_takes_the_place_of_one_file(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert oxen_codegen("generate").exit_code == 0
    before = read_files(recorded / "acme_models")
    overriding(recorded, MODEL, lambda text: text.replace("# Generated", "# Ours.\n# Generated"))
    assert oxen_codegen("check").exit_code == 0
    done = oxen_codegen("check", "--templates", "own")
    assert done.exit_code == 1
    assert "run: oxen-codegen generate --templates own" in done.stdout
    assert oxen_codegen("generate", "--templates", "own").exit_code == 0
    after = read_files(recorded / "acme_models")
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
    runtime = "package/_runtime/_async/sender.py"
    own = overriding(recorded, runtime, lambda text: text.replace('"""Sending', '"""Our sending'))
    (recorded / "pyproject.toml").unlink()
    arguments = ("generate", "--templates", "own", "--schemas", "acme_models/schemas", "--output", "out")
    assert oxen_codegen(*arguments).exit_code == 0
    for kind in ("_async", "_sync"):
        assert (
            '"""Our sending'
            in (recorded / "out" / "oxen_models" / "_runtime" / kind / "sender.py").read_text()
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
        (MODEL, "request = partial(", "request = partial((", r":\d+: renders no Python: "),
        (MODEL, "{{ parameter.doc | docstring(4) }}", "{{ parameter.doc[40] }}", r":\d+: .*40"),
        ("family/__init__.py.jinja", "_MODULES = {", "_MODULES = (", r":\d+: renders no Python: "),
        (
            "extension/_client.py.jinja",
            "class {{ prefix }}",
            "clas {{ prefix }}",
            r":\d+: renders no Python: ",
        ),
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
    before = read_files(recorded)
    for command in ("generate", "check"):
        done = oxen_codegen(command, "--templates", "own")
        assert done.exit_code == 2, done.output
        assert re.match(rf"oxen-codegen: own/{name}{expected}", done.stderr), done.stderr
    assert read_files(recorded) == before


def test_what_the_hub_said_does_not_become_code_by_a_template_of_ones_own(recorded: Path) -> None:
    recording(recorded, make_model("a", display_name="x"), make_model("b", display_name="y"))
    overriding(recorded, MODEL, lambda text: f"{text}\n{{{{ binding.title[0] }}}} = 1\n")
    done = oxen_codegen("generate", "--templates", "own")
    assert done.exit_code == 2
    assert "images/a.py: API text was rendered as code; see its template; nothing was written" in done.stderr
    overriding(
        recorded / "second", MODEL, lambda text: text + "{{ 'ab'[0 if binding.title == 'X.' else 5] }}"
    )
    recording(recorded, make_model("a", display_name="X"), make_model("b", display_name="X"))
    done = oxen_codegen("generate", "--templates", "second/own")
    assert done.exit_code == 2
    assert "(with 'placeholder' in place of each API text)" in done.stderr


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
