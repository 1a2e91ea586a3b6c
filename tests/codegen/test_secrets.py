"""A key that the server repeats, and its terminal sequences, are neither printed nor written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.codegen import read_files, run_codegen
from helpers.raw_server import RawServer, Response

KEY = "sk+live/AB_c-d9"
# As JSON that escapes characters which need no escape sequence.
ESCAPED = KEY.replace("/", "\\/").replace("+", "\\u002b").replace("l", "\\u006C")
MODEL = {
    "id": "painter",
    "display_name": "Painter of KEY",
    "endpoint": "/images/generate",
    "json_request_schema": {
        "type": "object",
        "properties": {"prompt": {"type": "string", "description": "With KEY."}},
        "required": ["prompt"],
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("repeated", [KEY, ESCAPED], ids=["plain", "escaped"])
def test_repeated_key_is_not_recorded(
    server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repeated: str
) -> None:
    """A key in a model of the server is in no recorded file, however the server encodes it."""
    monkeypatch.setenv("OXEN_API_KEY", KEY)
    content = json.dumps(MODEL).replace("KEY", repeated).encode()
    server.responses["/api/ai/models/painter"] = [Response(body=content)]
    result = run_codegen("fetch", "painter", "--base-url", server.url, "--schemas", tmp_path)
    assert result.exit_code == 0, result.output
    [(_, _, headers)] = server.requests
    assert headers["authorization"] == f"Bearer {KEY}"
    [recorded] = read_files(tmp_path).values()
    assert json.loads(recorded)["display_name"] == "Painter of [key]"
    assert KEY not in recorded.decode()


@pytest.mark.parametrize("repeated", [KEY, ESCAPED], ids=["plain", "escaped"])
def test_repeated_key_is_not_printed(
    server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repeated: str
) -> None:
    """The error of a server is printed without the key and without terminal sequences."""
    monkeypatch.setenv("OXEN_API_KEY", KEY)
    content = b'{"error": {"detail": "no, %s \\u001b[2J\\u202e"}}' % repeated.encode()
    server.responses["/api/ai/models/painter"] = [Response(403, content)]
    result = run_codegen("fetch", "painter", "--base-url", server.url, "--schemas", tmp_path)
    assert "no, [key] \\x1b[2J\\u202e" in result.output
    assert KEY not in result.output
    assert "\x1b" not in result.output
