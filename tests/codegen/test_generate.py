"""`oxen-codegen generate` and `check`, from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.codegen import read_files
from helpers.models import PROMPT_SCHEMA, make_model
from oxen_codegen.cli import main


def repository() -> Path:
    return Path(__file__).parents[2]


def test_the_committed_package_is_what_the_committed_schemas_say(tmp_path: Path) -> None:
    committed = repository() / "generated" / "oxen_models"
    done = CliRunner().invoke(
        main, ["generate", "--schemas", str(committed / "schemas"), "--output", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    assert read_files(tmp_path / "oxen_models") == read_files(committed), "to repair: nox -s generate"


def test_same_bytes_under_another_hash_seed_and_file_order(tmp_path: Path) -> None:
    committed = repository() / "generated" / "oxen_models" / "schemas"
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    for number, file in enumerate(sorted(committed.iterdir(), reverse=True)):
        facts = json.loads(file.read_text(encoding="utf-8"))
        backwards = json.dumps(dict(reversed(facts.items())))
        (shuffled / f"{number:03}.json").write_text(backwards, encoding="utf-8")
    for seed, source in (("1", committed), ("2", shuffled)):
        subprocess.run(
            [
                sys.executable,
                "-m",
                "oxen_codegen",
                "generate",
                "--schemas",
                source,
                "--output",
                tmp_path / seed,
            ],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
    assert read_files(tmp_path / "1" / "oxen_models") == read_files(tmp_path / "2" / "oxen_models")


def test_says_how_many_models_are_bound_and_how_many_only_listed(
    write_models: Callable[..., None], invoke: Callable[[str], Result]
) -> None:
    write_models(
        make_model("a"),
        make_model("b"),
        make_model("c", None, endpoint="/chat/completions"),
        make_model(
            "d",
            PROMPT_SCHEMA,
            endpoint="/holograms/project",
            capabilities={"input": [], "output": ["hologram"]},
        ),
    )
    done = invoke("generate")
    assert done.exit_code == 0
    assert "2 bound, 2 only listed (1 at /chat/completions, 1 at no known endpoint)" in done.stdout
    assert (
        "warning: d: only listed, though it has a schema: no typed call for /holograms/project" in done.stderr
    )


def test_a_catalogue_of_listed_models_alone_is_a_package(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("talker", None, endpoint="/chat/completions"))
    done = invoke("generate")
    assert done.exit_code == 0, done.output
    assert "0 bound, 1 only listed" in done.stdout
    script = "from oxen_models import Oxen, catalog; Oxen('k'); print(catalog.get('talker').verb)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "complete\n"


def test_a_name_chosen_by_hand_settles_it(
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_models(make_model("a-b"), make_model("a.b"))
    (tmp_path / "pyproject.toml").write_text('[tool.oxen-codegen.names]\n"a.b" = "a_dot_b"\n')
    monkeypatch.chdir(tmp_path)
    assert invoke("generate").exit_code == 0
    module = (tmp_path / "oxen_models" / "images" / "a_dot_b.py").read_text()
    assert "class ADotBRequest(ImageRequest):" in module
    assert 'model_id: ClassVar[str] = "a.b"' in module


@pytest.mark.parametrize(
    "table",
    [
        'names = {"a.b" = "class"}',
        'names = {"a.b" = "A"}',
        'names = {"a.b" = "__init__"}',
        "names = 5",
        "naems = {}",
        "output = 3",
        "= broken",
    ],
)
def test_a_wrong_configuration_is_told_in_a_sentence(
    table: str, invoke: Callable[[str], Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.oxen-codegen]\n{table}\n")
    monkeypatch.chdir(tmp_path)
    done = invoke("generate")
    assert done.exit_code == 2
    assert "pyproject.toml: " in done.stderr


def test_the_configuration_is_that_of_the_project_around(
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_models(make_model("a.b"))
    (tmp_path / "pyproject.toml").write_text('[tool.oxen-codegen.names]\n"a.b" = "chosen"\n')
    (tmp_path / "deep" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "below")
    assert invoke("generate").exit_code == 0
    assert (tmp_path / "oxen_models" / "images" / "chosen.py").exists()


def test_check_writes_nothing_and_names_what_differs(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("a"), make_model("b"))
    assert invoke("generate").exit_code == 0
    package = tmp_path / "oxen_models"
    assert invoke("check").exit_code == 0
    (package / "images" / "a.py").write_text("edited")
    (package / "images" / "b.py").unlink()
    (package / "left_behind.py").write_text("")
    before = read_files(package)

    done = invoke("check")

    assert done.exit_code == 1
    assert read_files(package) == before
    for line in ("changed: {}/images/a.py", "new: {}/images/b.py", "gone: {}/left_behind.py"):
        assert line.format(package) in done.stdout
    assert "run: oxen-codegen generate --schemas" in done.stdout
    assert invoke("generate").exit_code == 0
    assert invoke("check").exit_code == 0
    assert not (package / "left_behind.py").exists()


def test_generating_what_is_there_touches_nothing(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    write_models(make_model("a"))
    invoke("generate")
    module = tmp_path / "oxen_models" / "images" / "a.py"
    os.utime(module, (1, 1))
    done = invoke("generate")
    assert "0 files changed" in done.stdout
    assert module.stat().st_mtime == 1


@pytest.mark.parametrize("command", ["generate", "check"])
def test_without_schemas_it_says_what_to_run(
    command: str, invoke: Callable[[str], Result], schemas: Path
) -> None:
    done = invoke(command)
    assert done.exit_code == 2
    assert "no model schemas: run `oxen-codegen fetch --all` first" in done.stderr
    schemas.rmdir()
    done = invoke(command)
    assert done.exit_code == 2
    assert "no model schemas: run `oxen-codegen fetch --all` first" in done.stderr


@pytest.mark.parametrize(
    ("facts", "family", "verb"),
    [
        ({"endpoint": "/images/edit"}, "images", "edit"),
        ({"endpoint": "images/edit"}, "images", "edit"),
        ({"endpoint": "/api/ai/images/generate"}, "images", "generate"),
        ({"endpoint": "https://hub.oxen.ai/api/ai/videos/generate"}, "videos", "generate"),
        ({"endpoint": "/audio/generate"}, "audio", "speak"),
        ({"endpoint": None, "capabilities": {"input": ["text"], "output": ["image"]}}, "images", "generate"),
        (
            {"endpoint": "", "capabilities": {"input": ["text", "image"], "output": ["image"]}},
            "images",
            "edit",
        ),
        (
            {"endpoint": "/new", "capabilities": {"input": ["image"], "output": ["video"]}},
            "videos",
            "generate",
        ),
        ({"endpoint": None, "capabilities": {"input": ["text"], "output": ["audio"]}}, "audio", "speak"),
    ],
)
def test_endpoint_and_verb_come_from_the_path_or_else_from_the_capabilities(
    facts: dict[str, Any],
    family: str,
    verb: str,
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
    tmp_path: Path,
) -> None:
    write_models(make_model("a", **facts))
    assert invoke("generate").exit_code == 0
    module = (tmp_path / "oxen_models" / family / "a.py").read_text()
    assert f"    def {verb}(" in module


def test_a_model_that_needs_an_image_edits_though_its_path_says_generate(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    image = {"type": "array", "items": {"type": "string", "format": "uri", "renderType": "image-url"}}
    schema = {"type": "object", "properties": {"input_image": image}}
    write_models(make_model("needs", {**schema, "required": ["input_image"]}), make_model("takes", schema))
    assert invoke("generate").exit_code == 0
    images = tmp_path / "oxen_models" / "images"
    assert 'endpoint: ClassVar[str] = "/images/edit"' in (images / "needs.py").read_text()
    assert 'endpoint: ClassVar[str] = "/images/generate"' in (images / "takes.py").read_text()


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        ("oxen:ox-abc", "oxen_ox_abc"),
        ("FLUX.1-Kontext", "flux_1_kontext"),
        ("4x-upscale", "model_4x_upscale"),
        ("class", "class_"),
        ("modèle", "modele"),
        ("通义", "u901a_u4e49"),
        ("../../etc/passwd", "etc_passwd"),
        ("/abs/olute", "abs_olute"),
        ("con", "model_con"),
        ("__init__", "init"),
        ("'; import os #", "import_os"),
        ("none", "model_none"),
        ("literal", "model_literal"),
        ("image-result", "model_image_result"),
        ("async-diffusion", "model_async_diffusion"),
        ("cached-property", "model_cached_property"),
        ("aclose", "model_aclose"),
    ],
)
def test_any_id_gets_a_legal_name_and_stays_what_it_is_on_the_wire(
    model_id: str,
    name: str,
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
    tmp_path: Path,
) -> None:
    write_models(make_model(model_id))
    before = set(tmp_path.parent.iterdir())
    assert invoke("generate").exit_code == 0
    module = (tmp_path / "oxen_models" / "images" / f"{name}.py").read_text(encoding="utf-8")
    namespace: dict[str, Any] = {}
    (line,) = (line for line in module.splitlines() if "model_id: ClassVar" in line)
    exec(line.strip().replace(": ClassVar[str]", ""), namespace)
    assert namespace["model_id"] == model_id
    assert set(tmp_path.parent.iterdir()) == before
