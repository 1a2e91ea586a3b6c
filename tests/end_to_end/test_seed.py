"""The first model that everything has to work for: what its page says, against what was generated."""

from __future__ import annotations

import asyncio
import inspect
import json
from pathlib import Path
from typing import Any

import oxen_models
import pytest
from oxen_models import AsyncOxen, Oxen
from oxen_models.images import QwenImageEditPlus, QwenImageEditPlusRequest
from oxen_models.testing import Hub

PICTURE = "https://hub.oxen.ai/api/repos/ox/Oxen-Character-Simple-Vector-Graphic/file/main/images/reference/bloxy_white_bg.png"

# The page's parameter table: name, JSON type, whether required, default, choices.
TABLE: list[tuple[str, str, bool, Any, list[str] | None]] = [
    ("prompt", "string", True, "Add a funny hat", None),
    ("input_image", "array", True, [PICTURE], None),
    ("aspect_ratio", "string", False, "16:9", ["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"]),
    ("negative_prompt", "string", False, " ", None),
    ("output_format", "string", False, "png", ["webp", "jpg", "png"]),
]

# The bodies that the page's examples send, for all three of its transports.
MINIMAL = {"model": "qwen-image-edit-plus", "prompt": "Add a funny hat", "input_image": [PICTURE]}
EVERYTHING = {**MINIMAL, "aspect_ratio": "16:9", "negative_prompt": " ", "output_format": "png"}


def recorded() -> dict[str, Any]:
    file = Path(oxen_models.__file__).parent / "schemas" / "qwen-image-edit-plus.json"
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["json_request_schema"]
    return schema


@pytest.mark.parametrize(
    ("name", "type_", "required", "default", "choices"), TABLE, ids=lambda value: str(value)[:20]
)
def test_a_parameter_is_what_the_table_says(
    name: str, type_: str, required: bool, default: Any, choices: list[str] | None
) -> None:
    schema = QwenImageEditPlusRequest.model_json_schema()
    assert schema["properties"][name]["type"] == type_
    assert schema["properties"][name].get("enum") == choices
    assert (name in schema["required"]) == required
    assert QwenImageEditPlusRequest.model_fields[name].is_required() == required
    parameter = inspect.signature(QwenImageEditPlus.edit).parameters[name]
    assert (parameter.default is inspect.Parameter.empty) == required
    assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
    assert recorded()["properties"][name]["default"] == default
    documentation = " ".join(str(QwenImageEditPlus.edit.__doc__).split())
    assert f"For example {default!r}" in documentation or f"the hub takes {default!r}" in documentation


def test_there_is_no_parameter_beyond_the_table_and_the_common_ones() -> None:
    names = list(inspect.signature(QwenImageEditPlus.edit).parameters)
    common = ["response_format", "target_namespace", "extra_body", "extra_headers", "timeout"]
    assert names == ["self", *(row[0] for row in TABLE), *common]


@pytest.mark.parametrize("body", [MINIMAL, EVERYTHING], ids=["minimal", "all parameters"])
def test_the_call_sends_what_the_page_sends(body: dict[str, Any], hub: Hub) -> None:
    parameters = {name: value for name, value in body.items() if name != "model"}
    with Oxen("any", base_url=hub.url) as oxen:
        oxen.images.qwen_image_edit_plus.edit(**parameters)

    async def awaited() -> None:
        async with AsyncOxen("any", base_url=hub.url) as oxen:
            await oxen.images.qwen_image_edit_plus.edit(**parameters)

    asyncio.run(awaited())
    for received in hub.requests:
        assert (received.method, received.path) == ("POST", "/api/ai/images/edit")
        assert received.headers["content-type"] == "application/json"
        assert received.headers["authorization"] == "Bearer any"
        assert received.body == body
    assert len(hub.requests) == 2
    assert QwenImageEditPlusRequest.from_body(body).body() == body
