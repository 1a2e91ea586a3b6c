"""Parsing of JSON with long strings: as `json.loads` does, but in short steps."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest
from helpers.client_runner import ClientRunner
from helpers.hub_api import DOG_URL, EDIT
from helpers.raw_server import RawServer, Response
from helpers.scenario import Steps, scenario
from oxen_models._runtime.long_json import MIN_LONG_SIZE, parse_json

LARGE = base64.b64encode(os.urandom(MIN_LONG_SIZE)).decode()
LONG = LARGE[:400_000]
"""A string that is copied in several pieces; three of them make a long response."""
VALUES: dict[str, Any] = {
    "one": {"images": [{"b64_json": LARGE}]},
    "several": [LONG, LONG[:-4], {"x": LONG[4:], "y": "short"}, LONG[:5000]],
    "data URI": {"url": f"data:image/png;base64,{LONG}", "other": f"data:,{LONG}", "third": f"x,{LONG}"},
    "key": {LONG: {LONG[:-8]: LONG[4:]}},
    "escapes": ["\\" + LONG, '"' + LONG, LONG + '"', LONG + "\\", f'"{LONG}"', f'\\"{LONG}\\"', f"{LONG}\n"],
    "other characters": [LONG + "ö", "🐂" + LONG, LONG.replace("A", "é"), " " + LONG, LONG + " "],
    "numbers": [list(range(150_000)), {"x": int("1" * 4200)}, True, None, 1.5],
    "many strings": [{"id": str(number), "b": "x" * 20} for number in range(30_000)],
    "quotes": [character * (MIN_LONG_SIZE // 4) for character in ('"', "\\", '\\"')],
}
QUICK = ("one", "several", "key")
"""The values whose tests take less than a twentieth of a second."""


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param(
            {"ensure_ascii": False, "indent": 1, "separators": (" ,", " : ")}, marks=pytest.mark.slow
        ),
    ],
)
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in VALUES]
)
def test_parse_json_returns_the_value_of_json(name: str, options: dict[str, Any]) -> None:
    """The value is that of `json.loads`, whatever the strings contain."""
    content = json.dumps(VALUES[name], **options).encode()
    assert parse_json(content) == VALUES[name]


@pytest.mark.slow
def test_parse_json_accepts_an_escaped_slash() -> None:
    """A slash may be escaped."""
    content = json.dumps(VALUES["several"]).replace("/", "\\/").encode()
    assert parse_json(content) == VALUES["several"]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32-le", "utf-8-sig"])
def test_parse_json_decodes_as_json_does(encoding: str) -> None:
    """Other encodings are accepted or rejected as `json.loads` does."""
    content = json.dumps(VALUES["one"]).encode(encoding)
    assert parse_json(content) == json.loads(content)


@pytest.mark.parametrize("end", ["", '"', '"]', '"}', '"}]}}', '"}]} x', '" "}]}', '\\"}]}'])
def test_parse_json_rejects_invalid_json(end: str) -> None:
    """What is not JSON raises ValueError."""
    with pytest.raises(ValueError, match=r"."):
        parse_json(f'{{"images": [{{"b64_json": "{LARGE}{end}'.encode())


@pytest.mark.slow
@pytest.mark.parametrize("form", ["b64_json", "url"])
def test_result_with_a_long_string_is_read(run: ClientRunner, server: RawServer, form: str) -> None:
    """A blocking call returns a large file that the response contains."""
    value = LARGE if form == "b64_json" else f"data:image/png;base64,{LARGE}"
    server.responses[EDIT] = [Response(body={"images": [{form: value}], "text": ClientRunner.KEY})]

    @scenario
    def steps(oxen: Any) -> Steps:
        result = yield oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL])
        return result, (yield result.images[0].read())

    result, content = run(steps, base_url=server.url)
    assert getattr(result.images[0], form) == value
    assert content == base64.b64decode(LARGE)
    assert result.response.json["text"] == "[key]"


@pytest.mark.slow
def test_key_across_searched_pieces_is_redacted(run: ClientRunner, server: RawServer) -> None:
    """The API key is replaced wherever it stands in a large response."""
    key = ClientRunner.KEY
    escaped = "".join(f"%{ord(char):x}" for char in key)
    offsets = (1 - len(key), -len(key) // 2, -1)
    for repeated, offset in (*((key, offset) for offset in offsets), (escaped, -len(escaped) // 2)):
        text = "x" * (2**20 + offset - len('{"text": "')) + repeated + "x"
        server.responses[EDIT] = [Response(body={"text": text, "images": [{"url": DOG_URL}]})]
        result = run(
            lambda oxen: oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=[DOG_URL]),
            base_url=server.url,
        )
        assert result.response.json["text"] == text.replace(repeated, "[key]")
