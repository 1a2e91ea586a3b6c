"""Tests of `qwen-image-edit-plus` against its page in the API's documentation."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from pathlib import Path
from typing import Any

import oxen_models
import pytest
from oxen_models import AsyncOxen, Oxen
from oxen_models.images import QwenImageEditPlus, QwenImageEditPlusRequest
from oxen_models.testing import Hub

PICTURE = "https://hub.oxen.ai/api/repos/ox/Oxen-Character-Simple-Vector-Graphic/file/main/images/reference/bloxy_white_bg.png"

# The page's parameter table: name, JSON type, whether required, default, options.
TABLE: list[tuple[str, str, bool, Any, list[str] | None]] = [
    ("prompt", "string", True, "Add a funny hat", None),
    ("input_image", "array", True, [PICTURE], None),
    ("aspect_ratio", "string", False, "16:9", ["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"]),
    ("negative_prompt", "string", False, " ", None),
    ("output_format", "string", False, "png", ["webp", "jpg", "png"]),
]

# The bodies of the page's examples, which are the same for its three transports.
MINIMAL = {"model": "qwen-image-edit-plus", "prompt": "Add a funny hat", "input_image": [PICTURE]}
ALL_PARAMETERS = {**MINIMAL, "aspect_ratio": "16:9", "negative_prompt": " ", "output_format": "png"}


def read_recorded_schema() -> dict[str, Any]:
    file = Path(oxen_models.__file__).parent / "schemas" / "qwen-image-edit-plus.json"
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["json_request_schema"]
    return schema


@pytest.mark.parametrize(
    ("name", "type_", "required", "default", "options"), TABLE, ids=lambda value: str(value)[:20]
)
def test_parameter_is_as_in_the_table(
    name: str, type_: str, required: bool, default: Any, options: list[str] | None
) -> None:
    """Type, options, default and whether it is required are those of the page's table."""
    schema = QwenImageEditPlusRequest.model_json_schema()
    assert schema["properties"][name]["type"] == type_
    assert schema["properties"][name].get("enum") == options
    assert (name in schema["required"]) == required
    assert QwenImageEditPlusRequest.model_fields[name].is_required() == required
    parameter = inspect.signature(QwenImageEditPlus.edit).parameters[name]
    assert (parameter.default is inspect.Parameter.empty) == required
    assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
    assert read_recorded_schema()["properties"][name]["default"] == default
    doc = " ".join(str(QwenImageEditPlus.edit.__doc__).split())
    assert re.search(rf"(Example:|Default:) {re.escape(repr(default))}", doc)


def test_parameters_are_those_of_the_table() -> None:
    """The signature has the parameters of the table and those that all calls have."""
    names = list(inspect.signature(QwenImageEditPlus.edit).parameters)
    common = ["response_format", "target_namespace", "options"]
    assert names == ["self", *(row[0] for row in TABLE), *common]


@pytest.mark.slow
@pytest.mark.parametrize("body", [MINIMAL, ALL_PARAMETERS], ids=["minimal", "all parameters"])
def test_request_is_as_on_the_page(body: dict[str, Any], hub: Hub) -> None:
    """Path, headers and body of the request are those of the page's examples."""
    parameters: dict[str, Any] = {name: value for name, value in body.items() if name != "model"}
    with Oxen("any", base_url=hub.url) as oxen:
        oxen.images.qwen_image_edit_plus.edit(**parameters)

    async def edit() -> None:
        async with AsyncOxen("any", base_url=hub.url) as oxen:
            await oxen.images.qwen_image_edit_plus.edit(**parameters)

    asyncio.run(edit())
    for request in hub.requests:
        assert (request.method, request.path) == ("POST", "/api/ai/images/edit")
        assert request.headers["content-type"] == "application/json"
        assert request.headers["authorization"] == "Bearer any"
        assert request.body == body
    assert len(hub.requests) == 2
    assert QwenImageEditPlusRequest.from_body(body).body() == body
