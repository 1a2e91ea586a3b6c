"""Check what pyright's language server shows in an editor when the pointer is on a call or on a parameter.

Editors show the first line of a parameter's documentation, so meaning, default and options have to stand in
it. `nox -s types` runs this script.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

PROGRAM = """\
from oxen_models import AsyncOxen, Oxen
oxen = Oxen()
oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"], output_format="png", timeout=3)
oxen.images.qwen_image_edit_plus.submit(prompt="x", input_image=["a"], output_format="png")
AsyncOxen().images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"], output_format="png")
AsyncOxen().images.qwen_image_edit_plus.submit(prompt="x", input_image=["a"])
"""
TYPE = "Literal['webp', 'jpg', 'png']"
DOC = "File format of the output. Default: 'png'. Options: 'webp', 'jpg', 'png'."
CALL = ("prompt: str,", "output_format: ", TYPE, f"output_format: {DOC}", "**options: **RequestOptions")
SUBMIT = (*CALL, "Submit the request to the queue and return its job")
# A line, the text after the pointer, and what the hover contains. pyright shows the documentation of a
# parameter for functions only, and `submit` is another callable.
EXPECTED: list[tuple[int, str, tuple[str, ...]]] = [
    (3, "edit(", (*CALL, "-> ImageResult")),
    (3, "output_format=", (TYPE, DOC)),
    (4, "submit(", (*SUBMIT, "-> Job[ImageResult]")),
    (4, "output_format=", (TYPE,)),
    (5, "edit(", (*CALL, "-> Coroutine[Any, Any, AsyncImageResult]")),
    (5, "output_format=", (TYPE, DOC)),
    (6, "submit(", (*SUBMIT, "-> Coroutine[Any, Any, AsyncJob[AsyncImageResult]]")),
]


class LanguageServer:
    """A client of a language server that runs as a child process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._input = cast("IO[bytes]", process.stdin)
        self._output = cast("IO[bytes]", process.stdout)
        self._id = 0

    def request(self, method: str, **params: Any) -> Any:
        """Send a request and return its result."""
        self._id += 1
        self._send({"id": self._id, "method": method, "params": params})
        while (message := self._receive()).get("id") != self._id or "method" in message:
            if "id" in message and "method" in message:  # the server asks for its configuration
                self._send({"id": message["id"], "result": self._answer(message)})
        return message["result"]

    @staticmethod
    def _answer(message: dict[str, Any]) -> list[None]:
        params: Any = message.get("params") or {}
        return [None] * len(params.get("items", []))

    def notify(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._input.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._input.flush()

    def _receive(self) -> dict[str, Any]:
        length = 0
        while (line := self._output.readline()) != b"\r\n":
            if not line:
                sys.exit("the language server ended")
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return cast("dict[str, Any]", json.loads(self._output.read(length)))


@contextmanager
def start_server(folder: Path) -> Generator[LanguageServer]:
    """Start pyright's language server on a folder."""
    command = [sys.executable, "-m", "pyright.langserver", "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder) as process:
        server = LanguageServer(process)
        server.request(
            "initialize",
            processId=None,
            rootUri=folder.as_uri(),
            capabilities={"textDocument": {"hover": {"contentFormat": ["markdown"]}}},
            workspaceFolders=[{"uri": folder.as_uri(), "name": "program"}],
        )
        server.notify("initialized")
        try:
            yield server
        finally:
            process.terminate()


def main() -> int:
    """Print each hover that lacks something; return 1 if there is one."""
    lines = PROGRAM.splitlines()
    missing = 0
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        program = folder / "program.py"
        program.write_text(PROGRAM, encoding="utf-8")
        generated = Path(__file__).parents[2] / "generated"
        settings = {"extraPaths": [str(generated)], "pythonPlatform": "Linux"}
        (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
        with start_server(folder) as server:
            document = {"uri": program.as_uri(), "languageId": "python", "version": 1, "text": PROGRAM}
            server.notify("textDocument/didOpen", textDocument=document)
            for line, text, expected in EXPECTED:
                position = {"line": line - 1, "character": lines[line - 1].index(text) + 1}
                hover = server.request(
                    "textDocument/hover", textDocument={"uri": program.as_uri()}, position=position
                )
                markdown = hover["contents"]["value"] if hover else ""
                shown = markdown.replace("\\", "")
                absent = [part for part in expected if part not in shown]
                missing += len(absent)
                if absent:
                    print(f"line {line}, {text}: the hover lacks {absent}:\n{shown}\n")
    print(f"{len(EXPECTED)} hovers, {missing} parts missing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
