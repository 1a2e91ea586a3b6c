"""The package as a whole: what it imports and lists, and its names."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import oxen_models
import pytest
from oxen_codegen.names import EMITTED_NAMES, parameter_names
from oxen_models import AsyncOxen, Oxen, Request, audio, catalog, images, videos
from pydantic import BaseModel

FAMILIES = {"audio": audio, "images": images, "videos": videos}
BOUND = catalog.models(typed=True)


def find_loaded_modules(*statements: str) -> list[set[str]]:
    """Return the modules that a new Python process has loaded after each of some statements."""
    report = "print(json.dumps(sorted(sys.modules)))"
    script = "\n".join(["import sys, json", *(f"{statement}\n{report}" for statement in statements)])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return [set(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_catalogue_loads_no_dependency() -> None:
    """Neither `import oxen_models` nor the catalogue nor a recorded schema loads a dependency."""
    imported, _, schema = find_loaded_modules(
        "import oxen_models", "oxen_models.catalog.models()", "oxen_models.schema('qwen-image')"
    )
    assert not {"typing_extensions", "asyncio"} & imported
    assert {name for name in imported if name.startswith("oxen_models")} == {"oxen_models"}
    assert not {"httpx", "pydantic", "jsonschema"} & schema


@pytest.mark.slow
def test_client_loads_what_is_used() -> None:
    """The first request loads pydantic, `chat` its modules, and the first untyped request jsonschema."""
    created, untyped, chat = find_loaded_modules(
        "import oxen_models; oxen = oxen_models.Oxen('key')", "oxen.model('any')", "oxen.chat"
    )
    assert "httpx" in created
    assert "pydantic" not in created
    assert not {name for name in untyped if "chat" in name}
    assert {"oxen_models.chat", "oxen_models._runtime._sync.chat"} <= chat
    assert not {"jsonschema", "oxen_models._runtime.json_schema.normalize", "openai"} & chat


@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "unused"), [("Oxen", ("asyncio", "anyio", "_async")), ("AsyncOxen", ("_sync",))]
)
def test_request_loads_what_its_client_needs(client: str, unused: tuple[str, ...]) -> None:
    """Building a request loads its model only, no module of the other client, and none for schemas."""
    imported, built = find_loaded_modules(
        "from oxen_models.images import QwenImageEditPlusRequest",
        f"from oxen_models import {client}; {client}('key').images.qwen_image_edit_plus\n"
        "QwenImageEditPlusRequest(prompt='any', input_image=['https://example.com/dog.png'])",
    )
    generated = {name for name in imported if name.startswith(("oxen_models.images.", "oxen_models.videos"))}
    assert generated == {"oxen_models.images.qwen_image_edit_plus"}
    assert "oxen_models._runtime.request" in built
    words = {word for name in built for word in name.split(".")}
    assert not {*unused, "accepted_values", "estimates", "normalize", "prices", "pricing"} & words


@pytest.mark.slow
def test_typed_models_are_in_catalogued_modules() -> None:
    """The catalogue names family, verb and module of every model with a typed call."""
    clients = (Oxen("any"), AsyncOxen("any"))
    for model in BOUND:
        assert model.family is not None
        assert model.verb is not None
        package, _, name = str(model.module).rpartition(".")
        assert package == f"oxen_models.{model.family}"
        for client in clients:
            family = getattr(client, model.family)
            stub = getattr(family, name)
            assert callable(getattr(stub, model.verb)), model.id
            assert name in dir(family)
            request = getattr(FAMILIES[model.family], f"{type(stub).__name__}Request")
            assert issubclass(request, Request)
            assert request.model_id == model.id


def test_catalogue_lists_every_recorded_model() -> None:
    """Every record is in the catalogue, with a typed call or without."""
    folder = Path(oxen_models.__file__).parent / "schemas"
    recorded = {json.loads(file.read_text(encoding="utf-8"))["id"] for file in folder.glob("*.json")}
    assert {model.id for model in catalog.models()} == recorded
    assert len(catalog.models(typed=True)) + len(catalog.models(typed=False)) == len(recorded)


def test_catalogue_filters_models() -> None:
    """Filters by verb, developer, family, input and output; `get` returns one model."""
    assert all("edit" in model.verbs and "image" in model.inputs for model in catalog.models(verb="edit"))
    assert {model.developer for model in catalog.models(developer="qwen")} == {"Qwen"}
    assert [model.id for model in catalog.models(family="audio", output="audio")] == [
        "bytedance-seed-audio-1-0"
    ]
    assert catalog.models(family="images", output="video") == []
    seed = catalog.get("qwen-image-edit-plus")
    assert (seed.display_name, seed.family, seed.verb, seed.inputs, seed.outputs) == (
        "Qwen Image Edit - 2509", "images", "edit", ("text", "image"), ("image",),
    )  # fmt: skip
    assert seed.schema_digest is not None
    assert len(seed.schema_digest) == 64
    chat = catalog.get("gpt-4o")
    assert (chat.family, chat.verb, chat.module, chat.schema_digest) == ("chat", "complete", None, None)
    with pytest.raises(KeyError):
        catalog.get("no-such-model")


@pytest.mark.slow
def test_dir_lists_importable_names() -> None:
    """Every name that `dir` lists can be imported; another name raises AttributeError."""
    for module in (oxen_models, *FAMILIES.values()):
        for name in module.__all__:
            assert name in dir(module)
            assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="QwenImageEditPlusRequst"):
        images.QwenImageEditPlusRequst  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore


def test_parameter_names_do_not_hide_attributes() -> None:
    """No parameter gets the name of a public attribute of a request."""
    attributes = {*dir(BaseModel), *dir(type(BaseModel)), *dir(Request), *dir(type(Request))}
    public = [name for name in attributes if not name.startswith("_")]
    assert not set(parameter_names(public).values()) & set(public)


def test_parameter_names_keep_words() -> None:
    """A word that begins with a capital is a word of the Python name, and an acronym is one word."""
    names = {
        "CFGScale": "cfg_scale", "enable3DModel": "enable_3d_model", "LoRAs": "loras",
        "URLImage": "url_image",
        "model_type": "model_type", "model_name": "model_name", "imageURLs": "image_urls", "topP": "top_p",
        "maxLoRAsPerImage": "max_loras_per_image", "use4KVideo": "use_4k_video", "h264Codec": "h264_codec",
        "MAX_STEPS": "max_steps", "input_image2": "input_image2", "IDs": "ids", "register": "register_",
        "mro": "mro_", "model_dump": "model_dump_",
    }  # fmt: skip
    assert dict(parameter_names(names)) == names


def test_parameter_names_ignore_the_order() -> None:
    """Python names depend on the set of wire names, not on their order."""
    wires = ["top-k", "Top K", "top_k", "from", "a.b", "", "2d", "模式"]
    names = parameter_names(wires)
    assert names == parameter_names(reversed(wires))
    assert len(set(names.values())) == len(wires)
    assert all(name.isidentifier() for name in names.values())
    assert (names["top_k"], names["Top K"], names["top-k"]) == ("top_k", "top_k_2", "top_k_3")


@pytest.mark.slow
def test_class_names_do_not_hide_imports() -> None:
    """Every class name that generated modules import is reserved."""
    golden = Path(__file__).parents[1] / "codegen" / "golden"
    package = Path(oxen_models.__file__).parent
    clients = [package / name for name in ("_async_client.py", "_client.py", "_families.py")]
    imported = {
        alias.name
        for file in (*golden.glob("*/module.py"), *clients)
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    classes = {name for name in imported if name[0].isupper() and not name.startswith("Async")}
    assert "Literal" in classes
    assert classes - {"TYPE_CHECKING"} <= EMITTED_NAMES


SHOWN = {
    "Job": "cancel cost generation id model refresh result status wait",
    "ImageResult": "created error image images media model response save_all",
    "VideoResult": "created error media model response save_all video videos",
    "AudioResult": "audio audios created error media model response save_all",
    "Image": "b64_json generation_id mime read revised_prompt save suffix url",
    "Video": "b64_json draft_expires_at draft_task_id generation_id mime read save suffix url",
    "Outcome": "cost error index job_id request result",
    "AnyModel": "edit generate id load request schema speak submit",
    "Generations": "pages",
}


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("prefix", ["", "Async"])
def test_dir_shows_public_attributes_only(prefix: str, name: str) -> None:
    """Completion of an object offers its documented attributes only."""
    public = getattr(oxen_models, prefix + name)
    assert {attribute for attribute in dir(public) if not attribute.startswith("_")} == set(
        SHOWN[name].split()
    )
