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
from click.testing import Result
from helpers.codegen import read_files, run_codegen
from helpers.lean import python_path
from helpers.models import PROMPT_SCHEMA, make_model

COMMITTED = Path(__file__).parents[2] / "generated" / "oxen_models"


@pytest.mark.slow
def test_generate_is_deterministic(tmp_path: Path) -> None:
    """The committed package is the result, also with another hash seed, file order and key order."""
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    for number, file in enumerate(sorted((COMMITTED / "schemas").iterdir(), reverse=True)):
        data = json.loads(file.read_text(encoding="utf-8"))
        reordered = json.dumps(dict(reversed(data.items())))
        (shuffled / f"{number:03}.json").write_text(reordered, encoding="utf-8")
    command = ["-m", "oxen_codegen", "generate", "--schemas", str(shuffled), "--output", str(tmp_path)]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    subprocess.run([sys.executable, *command], env=environment, check=True, capture_output=True)
    assert read_files(tmp_path / "oxen_models") == read_files(COMMITTED), "run: nox -s generate"


@pytest.mark.slow
def test_generate_counts_models(write_models: Callable[..., None], invoke: Callable[[str], Result]) -> None:
    """The output counts models with and without typed calls, and warns of schemas that are not used."""
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
    assert "2 bound, 2 only listed (1 chat, 1 unknown)" in done.stdout
    assert "warning: d: listed without a typed call, though it has a schema (family: unknown)" in done.stderr


@pytest.mark.slow
def test_generate_without_typed_calls(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    """A catalogue of models without typed calls is a package."""
    write_models(make_model("talker", None, endpoint="/chat/completions"))
    done = invoke("generate")
    assert done.exit_code == 0, done.output
    assert "0 bound, 1 only listed" in done.stdout
    script = "from oxen_models import Oxen, catalog; Oxen('k'); print(catalog.get('talker').verb)"
    environment = {**os.environ, "PYTHONPATH": python_path(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "complete\n"


@pytest.mark.slow
def test_generate_name_from_configuration(
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name in the configuration resolves a collision."""
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
def test_generate_invalid_configuration(
    table: str, invoke: Callable[[str], Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invalid configuration is an error on one line with the name of the file."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.oxen-codegen]\n{table}\n")
    monkeypatch.chdir(tmp_path)
    done = invoke("generate")
    assert done.exit_code == 2
    assert done.stderr.count("pyproject.toml") == 1


def test_generate_unreadable_configuration(
    invoke: Callable[[str], Result], unprivileged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration that cannot be read is an error with the name of the file and the reason."""
    file = unprivileged / "pyproject.toml"
    file.touch(mode=0)
    monkeypatch.chdir(unprivileged)
    done = invoke("generate")
    assert done.exit_code == 2
    assert done.stderr == f"oxen-codegen: {Path.cwd() / file.name}: Permission denied\n"


@pytest.mark.slow
def test_generate_finds_configuration_above(
    write_models: Callable[..., None],
    invoke: Callable[[str], Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The configuration is read from the nearest folder above."""
    write_models(make_model("a.b"))
    (tmp_path / "pyproject.toml").write_text('[tool.oxen-codegen.names]\n"a.b" = "chosen"\n')
    (tmp_path / "deep" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "below")
    assert invoke("generate").exit_code == 0
    assert (tmp_path / "oxen_models" / "images" / "chosen.py").exists()


@pytest.mark.slow
def test_check_lists_differences(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    """`check` lists the files that differ, and changes nothing."""
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
    for line in ("changed: {}/images/a.py", "new: {}/images/b.py", "removed: {}/left_behind.py"):
        assert line.format(package) in done.stdout
    assert "run: oxen-codegen generate --schemas" in done.stdout
    assert invoke("generate").exit_code == 0
    assert invoke("check").exit_code == 0
    assert not (package / "left_behind.py").exists()


@pytest.mark.slow
def test_generate_up_to_date_writes_nothing(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    """A package that is up to date is not written."""
    write_models(make_model("a"))
    invoke("generate")
    module = tmp_path / "oxen_models" / "images" / "a.py"
    os.utime(module, (1, 1))
    done = invoke("generate")
    assert "0 files changed" in done.stdout
    assert module.stat().st_mtime == 1


@pytest.mark.slow
@pytest.mark.parametrize("command", ["generate", "check"])
def test_generate_without_schemas(command: str, invoke: Callable[[str], Result], schemas: Path) -> None:
    """Without recorded models, the message names the command that records them."""
    done = invoke(command)
    assert done.exit_code == 2
    assert "no model schemas; run `oxen-codegen fetch --all` first" in done.stderr
    schemas.rmdir()
    done = invoke(command)
    assert done.exit_code == 2
    assert "no model schemas; run `oxen-codegen fetch --all` first" in done.stderr


ENDPOINTS: list[tuple[dict[str, Any], str, str]] = [
    ({"endpoint": "/images/edit"}, "images", "generate"),
    ({"endpoint": "images/edit"}, "images", "generate"),
    ({"endpoint": "/audio/speech", "capabilities": {"output": ["video"]}}, "videos", "generate"),
    ({"endpoint": "/api/ai/images/generate"}, "images", "generate"),
    ({"endpoint": "https://hub.oxen.ai/api/ai/videos/generate"}, "videos", "generate"),
    ({"endpoint": "/audio/generate"}, "audio", "speak"),
    ({"endpoint": None, "capabilities": {"input": ["text"], "output": ["image"]}}, "images", "generate"),
    (
        {"endpoint": "", "capabilities": {"input": ["text", "image"], "output": ["image"]}},
        "images",
        "generate",
    ),
    ({"endpoint": "/new", "capabilities": {"input": ["image"], "output": ["video"]}}, "videos", "generate"),
    ({"endpoint": None, "capabilities": {"input": ["text"], "output": ["audio"]}}, "audio", "speak"),
]


@pytest.mark.slow
def test_generate_endpoint_of_model(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    """Capabilities decide the family; the endpoint does so for a model without them. It decides no verb."""
    write_models(*(make_model(f"m{number}", **fields) for number, (fields, _, _) in enumerate(ENDPOINTS)))
    assert invoke("generate").exit_code == 0
    for number, (fields, family, verb) in enumerate(ENDPOINTS):
        module = (tmp_path / "oxen_models" / family / f"m{number}.py").read_text()
        assert f"    def {verb}(" in module, fields


@pytest.mark.slow
def test_generate_required_image_means_edit(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    """A model that requires an image has `edit`; one that accepts an image has both verbs."""
    image = {"type": "array", "items": {"type": "string", "format": "uri", "renderType": "image-url"}}
    schema = {"type": "object", "properties": {"input_image": image}}
    write_models(make_model("needs", {**schema, "required": ["input_image"]}), make_model("takes", schema))
    assert invoke("generate").exit_code == 0
    images = tmp_path / "oxen_models" / "images"
    needs, takes = ((images / f"{name}.py").read_text() for name in ("needs", "takes"))
    assert ("def edit(" in needs, "generate" in needs) == (True, False)
    assert ("def generate(" in takes, "    edit = generate" in takes) == (True, True)


NAMES = {
    "oxen:ox-abc": "oxen_ox_abc",
    "FLUX.1-Kontext": "flux_1_kontext",
    "4x-upscale": "model_4x_upscale",
    "class": "class_",
    "modèle": "modele",
    "通义": "u901a_u4e49",
    "../../etc/passwd": "etc_passwd",
    "/abs/olute": "abs_olute",
    "con": "model_con",
    "__init__": "init",
    "'; import os #": "import_os",
    "none": "model_none",
    "literal": "model_literal",
    "image-result": "model_image_result",
    "async-diffusion": "model_async_diffusion",
    "cached-property": "model_cached_property",
    "aclose": "aclose",
}


@pytest.mark.slow
def test_generate_python_names_of_ids(
    write_models: Callable[..., None], invoke: Callable[[str], Result], tmp_path: Path
) -> None:
    """Every id has a valid Python name, and requests have the id itself."""
    write_models(*map(make_model, NAMES))
    before = set(tmp_path.parent.iterdir())
    assert invoke("generate").exit_code == 0
    for model_id, name in NAMES.items():
        module = (tmp_path / "oxen_models" / "images" / f"{name}.py").read_text(encoding="utf-8")
        namespace: dict[str, Any] = {}
        [line] = (line for line in module.splitlines() if "model_id: ClassVar" in line)
        exec(line.strip().replace(": ClassVar[str]", ""), namespace)
        assert namespace["model_id"] == model_id
    assert set(tmp_path.parent.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize("command", [("generate", "--schemas"), ("diff", "--to=live", "--from")])
def test_folder_of_schemas_can_be_in_home(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~` is the home folder also where no shell replaces it, as after an equals sign."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "a.json").write_text("broken")
    *others, option = command
    done = run_codegen(*others, f"{option}=~/schemas")
    assert done.exit_code != 0
    assert "a.json" in done.output
