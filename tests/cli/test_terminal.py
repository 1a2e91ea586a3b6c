"""Commands in a terminal: questions, Ctrl-C, and images."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from helpers.hub_api import AUTH_HEADERS, wait_until
from helpers.program_server import COMMAND_LINE, Program, ProgramServer
from oxen_models._cli import terminal_images
from oxen_models.testing import Hub

pty = pytest.importorskip("pty", reason="the system has no pseudo-terminals")
TIMEOUT = 60
ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Terminal:
    """A command whose input and output are a terminal."""

    def __init__(self, process: Program, terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self.text = ""

    def expect(self, pattern: str) -> str:
        """Read until the output matches a pattern, and return the match."""
        while (match := re.search(pattern, self.text)) is None:
            ready, _, _ = select.select([self._terminal], [], [], TIMEOUT)
            assert ready, f"{pattern!r} did not appear in {self.text!r}"
            content = b""
            with suppress(OSError):  # the process has ended
                content = os.read(self._terminal, 4096)
            assert content, f"{pattern!r} did not appear in {self.text!r}"
            self.text += content.decode()
        self.text = self.text[match.end() :]
        return match[0]

    def type(self, text: str) -> None:
        """Write to the terminal."""
        os.write(self._terminal, text.encode())


OpenTerminal = Callable[..., AbstractContextManager[Terminal]]


@pytest.fixture
def open_terminal(programs: ProgramServer, hub: Hub, folder: Path) -> OpenTerminal:
    """A function that runs a command in a terminal."""
    settings = {"OXEN_API_KEY": "any", "OXEN_BASE_URL": hub.url, "TERM": "xterm", "COLUMNS": "200"}

    @contextmanager
    def run_command(*arguments: str) -> Generator[Terminal]:
        terminal, end = pty.openpty()
        with programs.start(
            COMMAND_LINE, *arguments, environment=os.environ | settings, folder=folder, terminal=end
        ) as process:
            os.close(end)
            yield Terminal(process, terminal)
        os.close(terminal)

    return run_command


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["y", "n"])
def test_interrupt_asks_once_whether_to_cancel(hub: Hub, open_terminal: OpenTerminal, answer: str) -> None:
    """Ctrl-C prints the job, and cancels it or prints the command that resumes it."""
    hub.inject_fault("job-stuck", times=1)
    with open_terminal("run", "z-image-turbo", "--prompt", "x") as terminal:
        terminal.expect(r"estimate: \$0\.01")
        _, id = terminal.expect(f"(queued|processing) {ID}").split()
        terminal.process.send_signal(signal.SIGINT)
        terminal.expect(f"interrupted; jobs: {id}")
        terminal.expect(r"Cancel it\? \[y/N\]: ")
        terminal.type(f"{answer}\n")
        terminal.expect(f"{id} cancelled" if answer == "y" else f"resume with: oxen-models result {id}")
        assert terminal.process.wait() == 130
    job = httpx.get(f"{hub.url}/api/ai/queue/{id}", headers=AUTH_HEADERS).json()
    assert (job["status"] == "cancelled") == (answer == "y")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "submit", "compare"])
def test_interrupt_of_a_submission_is_unknown(hub: Hub, open_terminal: OpenTerminal, command: str) -> None:
    """Ctrl-C while a request is sent prints where to look for its job, because it may be billed."""
    hub.inject_fault("slow", 5, method="POST", path="/api/ai/queue")
    with open_terminal(command, "z-image-turbo", "--prompt", "x") as terminal:
        wait_until(lambda: hub.count("POST", "/api/ai/queue"))
        terminal.process.send_signal(signal.SIGINT)
        terminal.expect("interrupted; the request may have been accepted and billed")
        terminal.expect("look for the job with: oxen-models history")
        assert terminal.process.wait() == 5


@pytest.mark.slow
def test_end_of_input_ends_a_conversation(open_terminal: OpenTerminal) -> None:
    """Ctrl-D ends a conversation with the exit code 0."""
    with open_terminal("chat", "gpt-4o") as terminal:
        terminal.expect("you: ")
        terminal.type("\x04")
        assert terminal.process.wait() == 0


@pytest.mark.slow
def test_interruption_is_json_in_that_format(hub: Hub, open_terminal: OpenTerminal) -> None:
    """Ctrl-C is an error in the form of others."""
    hub.inject_fault("slow", 5)
    with open_terminal("history", "--output", "json") as terminal:
        wait_until(lambda: hub.requests)
        terminal.process.send_signal(signal.SIGINT)
        terminal.expect('{"error": {"type": "Abort", "message": "interrupted", "exit_code": 130}}')
        assert terminal.process.wait() == 130


@pytest.mark.slow
def test_status_of_the_server_is_escaped(hub: Hub, open_terminal: OpenTerminal) -> None:
    """The progress shows the status that the server returns without its control characters."""
    body = {"generation_id": "a", "status": "\x1b]0;x\x07", "media_type": "image"}
    hub.respond_next(200, body=body, path="/api/ai/queue/a", times=None)
    with open_terminal("wait", "a", "--timeout", "1") as terminal:
        terminal.expect(r"\\x1b\]0;x\\x07 a")
        assert terminal.process.wait() == 6


@pytest.mark.slow
def test_cost_above_the_limit_is_asked_for(hub: Hub, open_terminal: OpenTerminal, folder: Path) -> None:
    """In a terminal, a request above the limit is sent only if the user agrees."""
    command = ("run", "z-image-turbo", "--prompt", "x", "--confirm-above", "0", "-o", "hat.webp")
    for answer, code in (("n", 7), ("y", 0)):
        with open_terminal(*command) as terminal:
            terminal.expect(r"Send it for up to \$0\.01\? \[y/N\]: ")
            terminal.type(f"{answer}\n")
            terminal.expect(r"the cost was not confirmed; nothing was sent" if code else r"cost: \$0\.01")
            assert terminal.process.wait() == code
        assert hub.count("POST", "/") == (0 if code else 1)
    assert (folder / "hat.webp").stat().st_size


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"), ({"TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm"}, None), ({"TERM": "xterm-kitty", "TMUX": "x"}, None),
    ],
)  # fmt: skip
def test_protocol_of_images_follows_the_terminal(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str | None
) -> None:
    """Images are shown only in a terminal that can show them."""
    for name in ("TERM", "TERM_PROGRAM", "LC_TERMINAL", "KITTY_WINDOW_ID", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert terminal_images.find_protocol() == expected
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert terminal_images.find_protocol() is None


def test_image_is_sent_in_pieces_to_kitty() -> None:
    """The sequences together have the whole image, and only the last one ends it."""
    text = terminal_images.write_kitty(bytes(9000))
    pieces = re.findall(r"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", text)
    assert [control.rpartition("m=")[2] for control, _ in pieces] == ["1", "1", "0"]
    assert pieces[0][0].startswith("a=T,f=100,")
    assert len("".join(data for _, data in pieces)) == 12_000
    assert terminal_images.write_iterm(b"abc") == "\x1b]1337;File=inline=1;width=40;size=3:YWJj\x07\n"
