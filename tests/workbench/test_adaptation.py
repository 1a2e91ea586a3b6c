"""The parameters that the workbench carries over to another model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from helpers.models import object_schema
from oxen_codegen.normalize import normalize
from oxen_codegen.workbench.schemas import build_schema
from oxen_models import ConfigurationError, compare
from oxen_models._runtime.adaptation import Adaptation, adapt_parameters
from oxen_models._runtime.aliases import ALIASES

from .conftest import Workbench
from .samples import choose_value, choose_values

CARRY = """(target, values) => {
    const model = typeof target === "string" ? engine.find(target) : target;
    try {
        const carried = adaptation.carry(data, model, values);
        const changes = [...carried.omitted, ...carried.converted];
        const sentences = changes.map((change) => adaptation.describe(model.id, change));
        return { ...carried, sentences };
    } catch (error) {
        return error.message;
    }
}"""
SAMPLE = ("qwen-image-edit-plus", "z-image-turbo", "flux-3-image", "kling-video-o1-image-to-video")
IMAGE = {"type": "string", "format": "uri"}
IMAGES = {"type": "array", "items": IMAGE}
SCHEMAS = [
    object_schema(width={"type": "integer", "maximum": 40}, height={"type": "integer", "minimum": 0}),
    object_schema(
        resolution={"type": "string", "enum": ["16:9", "720p", "1080", "1080p", "1k"]},
        size={"type": "string", "enum": ["1080p", "2k"]},
        seed={"type": "integer", "enum": [1, 41]},
        num_images={"type": "integer", "enum": [1, 4]},
    ),
    object_schema(
        aspect_ratio={"type": "string", "enum": ["auto", "16:9", "1:1"]},
        image_size={"type": "object"},
        width={"type": "integer", "maximum": 1200},
        height={"type": "integer", "maximum": 1200},
        resolution={"type": "string", "enum": ["1K", "4k"]},
        duration={"type": ["integer", "string"], "maximum": 9},
    ),
    object_schema(
        "reference_images",
        reference_images={**IMAGES, "maxItems": 2},
        image_url=IMAGE,
        prompt={"type": ["string", "integer"]},
    ),
    object_schema(
        "image_url",
        image_url=IMAGE,
        input_image=IMAGE,
        input_images={**IMAGES, "maxItems": 2},
        reference_images=IMAGES,
    ),
]
"""Combinations of parameters that no recorded model has."""
SYNTHETIC = 400
PAIRS = 800
COMMON = 800
URL = "https://example.com/a.png"
COMMON_VALUES: Mapping[str, tuple[Any, ...]] = {
    "exact": ("An ox", 42, True, False, -1, None, {"a": [1]}, 0.5),
    "number": (1, 3.5, 1000, 0, "4"),
    "seconds": (5, "5s", "7.5 s", 1.5, "auto", -1, 0.00001, "long", None, 600),
    "format": ("jpg", "JPEG", "png", "webp", "tiff", "mp4"),
    "frame": (
        "16:9", "1:1", "21:9", "9:21.5", "0:1", "square", "portrait_4_3", "auto", "adaptive", "constructor",
        "match_input_image", "2K", "4k", "720p", "1080", "1080p", "768sq", "1 MP", "0.25mp", "0p", "3k",
        "99:1", "tiny", None, 512, 1024, 1000, 99999, 100000, 1.5, -3, {"width": 1024, "height": 512},
        {"width": 5}, {"width": 800, "height": 1.5}, {"width": 512, "height": 512, "depth": 3},
    ),
    "image": (URL, [URL], [URL, f"{URL}?2"], [f"{URL}?{number}" for number in range(20)], []),
    "video": (URL, [URL], [URL, f"{URL}?2"], []),
    "audio": (URL, [URL, f"{URL}?2"]),
}  # fmt: skip
"""Values of a parameter by the kind of its alias."""


def describe(found: Adaptation) -> dict[str, Any]:
    """Return what Python does in the form of the workbench."""
    return {
        "values": found.parameters,
        "omitted": [
            {"name": omission.parameter, "value": omission.value, "reason": omission.reason}
            for omission in found.omissions
        ],
        "converted": [
            {"given": conversion.given, "sent": conversion.sent} for conversion in found.conversions
        ],
        "sentences": list(map(str, (*found.omissions, *found.conversions))),
    }


def adapt(model: str, values: Mapping[str, Any]) -> Any:
    try:
        return describe(compare.adapt(model, values))
    except ConfigurationError as error:
        return str(error)


def compare_adaptations(workbench: Workbench, pairs: list[tuple[str, dict[str, Any]]]) -> None:
    for (id, values), found in zip(pairs, workbench.call_each(CARRY, pairs), strict=True):
        expected = adapt(id, values)
        assert found == expected, (id, values)
        assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True), (id, values)


def choose_common(random: Random) -> dict[str, Any]:
    """Return parameters under any of their names."""
    chosen = random.sample(ALIASES, random.randint(1, 6))
    names = {
        alias: [alias.name, *alias.parameters, *alias.synonyms, *([alias.inverse] if alias.inverse else [])]
        for alias in chosen
    }
    return {random.choice(names[alias]): random.choice(COMMON_VALUES[alias.kind]) for alias in chosen}


@pytest.mark.slow
def test_examples_are_carried_as_in_python(workbench: Workbench) -> None:
    """The values of an example are adapted as `compare.adapt` does, with the same report."""
    examples = [workbench.models[id]["example"] for id in SAMPLE]
    compare_adaptations(workbench, [(id, values) for id in SAMPLE for values in examples])


@pytest.mark.slow
def test_values_are_carried_as_in_python(workbench: Workbench) -> None:
    """Generated values of any model are adapted to any other as `compare.adapt` does."""
    random = Random(4)
    models = list(workbench.models.values())
    pairs: list[tuple[str, dict[str, Any]]] = []
    for _ in range(PAIRS):
        source, target = random.choice(models), random.choice(models)
        pairs.append((target["id"], choose_values(source["schema"], random)))
    compare_adaptations(workbench, pairs)


@pytest.mark.slow
def test_common_names_are_carried_as_in_python(workbench: Workbench) -> None:
    """Unusual values under the common names are adapted as in Python, also if two names are the same."""
    random = Random(5)
    pairs: list[tuple[str, dict[str, Any]]] = []
    for _ in range(COMMON):
        model = random.choice([*workbench.models.values()])
        values = choose_common(random)
        name, node = random.choice([*model["schema"]["properties"].items()])
        pairs.append((model["id"], {"response_format": "url", **values, name: choose_value(node, random)}))
    compare_adaptations(workbench, pairs)


@pytest.mark.slow
def test_other_schemas_are_carried_as_in_python(workbench: Workbench) -> None:
    """Parameters are adapted as in Python to schemas that no recorded model has."""
    random = Random(6)
    for raw in SCHEMAS:
        model = {"id": "new", "family": "videos", "schema": build_schema(normalize(raw), raw)}
        values = [choose_common(random) for _ in range(SYNTHETIC // len(SCHEMAS))]
        for item, found in zip(values, workbench.call_each(CARRY, [(model, v) for v in values]), strict=True):
            assert found == describe(adapt_parameters("new", raw, item, is_video=True)), (raw, item)
