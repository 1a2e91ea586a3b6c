"""Options of models: the texts of a shell become the values of parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.hub_api import read_bodies
from oxen_models.testing import Hub

from .conftest import NEW, Run

EDITOR = "qwen-image-edit-plus"
URL = "https://example.com/dog.png"


def submit(run: Run, hub: Hub, *options: str, input: str | bytes | None = None) -> dict[str, Any]:
    """Submit a request to the model of the tests, and return the parameters that were sent."""
    run("submit", NEW["id"], "--yes", *options, input=input)
    [body] = read_bodies(hub)
    return {name: value for name, value in body.items() if name != "model"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("cfg-scale", "0.5", 0.5), ("cfg-scale", "1", 1), ("seed", "7", 7), ("seed", "null", None),
        ("seconds", "auto", "auto"), ("seconds", "5", 5),
        ("size", '{"x": 1}', {"x": 1}), ("tags", "a", ["a"]), ("tags", '["a", "b"]', ["a", "b"]),
        ("tags", "[a", ["[a"]), ("parts", '{"x": 1}', [{"x": 1}]),
        ("parts", '[{"x": 1}, {}]', [{"x": 1}, {}]),
        ("prompt", "@Image1 with a hat", "@Image1 with a hat"), ("prompt", "@@x", "@x"), ("prompt", "5", "5"),
        ("prompt", "true", "true"), ("prompt", "", ""),
    ],
)  # fmt: skip
def test_text_is_converted_by_the_schema(run: Run, hub: Hub, option: str, text: str, value: object) -> None:
    """The type of a value is that of the parameter, not that of its text."""
    prompt = () if option == "prompt" else ("--prompt", "x")
    sent = submit(run, hub, *prompt, f"--{option}", text)
    assert sent[option] == value
    assert type(sent[option]) is type(value)


@pytest.mark.slow
def test_repeated_options_are_a_list(run: Run, hub: Hub) -> None:
    """Each occurrence adds an item, or the items of a JSON list."""
    sent = submit(
        run, hub, "--prompt", "x", "--tags", "a", "--tags", '["b","c"]', "--parts", "{}", "--parts", "{}"
    )
    assert (sent["tags"], sent["parts"]) == (["a", "b", "c"], [{}, {}])


@pytest.mark.slow
def test_flags_are_sent_only_if_given(run: Run, hub: Hub) -> None:
    """A boolean is a pair of flags without a value."""
    assert submit(run, hub, "--prompt", "x", "--no-sharp") == {"prompt": "x", "sharp": False}
    hub.clear()
    assert submit(run, hub, "--prompt", "x", "--sharp")["sharp"] is True


def test_text_is_read_from_files_and_input(run: Run, hub: Hub, folder: Path) -> None:
    """`@name` is the content of a file, and `-` the standard input."""
    (folder / "prompt text").write_text("From a file", encoding="utf-8")
    (folder / "size.json").write_text('{"x": 2}', encoding="utf-8")
    sent = submit(
        run, hub, "--prompt", "@prompt text", "--size", "@size.json", "--tags", "-", input="From input"
    )
    assert sent == {"prompt": "From a file", "size": {"x": 2}, "tags": ["From input"]}


def test_input_that_is_no_text_is_not_sent(run: Run, hub: Hub) -> None:
    """Bytes in place of a text or of a key are an error, also in a terminal that is strict about them."""
    result = run("run", NEW["id"], "--prompt", "-", input=b"\xff", code=3)
    assert "prompt: the standard input cannot be read: it is not text" in result.stderr
    assert "is not text" in run("login", input=b"\xff", code=2).stderr
    assert read_bodies(hub) == []


def test_media_are_paths_urls_and_input(run: Run, hub: Hub, folder: Path) -> None:
    """A medium is a path, a URL, or `-` for the bytes of the standard input."""
    png = b"\x89PNG\r\n\x1a\n"
    (folder / "dog.png").write_bytes(png)
    inputs = [part for value in ("dog.png", URL, "-") for part in ("--input-image", value)]
    run("submit", EDITOR, "--prompt", "x", *inputs, input=png)
    [body] = read_bodies(hub)
    encoded = "data:image/png;base64,iVBORw0KGgo="
    assert body["input_image"] == [encoded, URL, encoded]


@pytest.mark.slow
def test_parameter_with_the_name_of_an_option(run: Run, hub: Hub) -> None:
    """The option of a parameter whose name the command has itself begins with `--param-`."""
    assert submit(run, hub, "--prompt", "x", "--param-output", "red", "--output", "quiet")["output"] == "red"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--size", "{"), "size: must be JSON, or @ and the name of a file with JSON"),
        (("--prompt", "@missing"), "prompt: 'missing' cannot be read: No such file or directory; write @@"),
        (("--prompt", "x", "--cfg-scale", "2"), "cfg-scale=2: must be less than or equal to 1"),
        (("--prompt", "x", "--cfg-scale", "much"), "cfg-scale='much': must be a valid number"),
        (("--prompt", "x", "--param-output", "bleu"), "did you mean 'blue'?"),
        ((), "prompt: is required"),
    ],
)  # fmt: skip
def test_invalid_value_is_not_sent(
    read_error: Any, hub: Hub, options: tuple[str, ...], expected: str
) -> None:
    """The exit code is 3, the message has the nearest value, and nothing is sent."""
    assert expected in read_error("run", NEW["id"], *options, code=3)["message"]
    assert read_bodies(hub) == []


def test_name_of_the_server_is_escaped(run: Run, own_hub: Hub) -> None:
    """The error of an option has the name of the parameter without its control characters."""
    node = {"type": "string"}
    own_hub.add_model({**NEW, "json_request_schema": {"type": "object", "properties": {"a\x07b": node}}})
    options = ("--a-b", "@missing.txt", "--base-url", own_hub.url, "--output", "human")
    error = run("run", NEW["id"], *options, code=3).stderr
    assert "a\\x07b: " in error
    assert "\x07" not in error
