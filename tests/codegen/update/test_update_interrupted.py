"""`update` without permissions, concurrent with another one, or interrupted: it is atomic."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.hub_api import wait_until
from helpers.models import make_model
from oxen_codegen.changelog_file import add_entry
from oxen_codegen.cli import main
from oxen_codegen.json_types import is_object
from oxen_codegen.replace import recover_package, replace_package
from oxen_models.testing import Hub

from codegen.update.projects import NARROWED, is_up_to_date, read_changelog, take_snapshot

pytestmark = pytest.mark.slow


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def replace_by_link(folder: Path) -> None:
    elsewhere = folder.rename(folder.parent.parent / "other")
    folder.symlink_to(elsewhere)


UNWRITABLE: list[tuple[Callable[[Path], object], str]] = [
    (lambda project: replace_by_folder(project / "CHANGELOG.md"), "CHANGELOG.md: cannot be written"),
    (lambda project: (project / "CHANGELOG.md").write_bytes(b"\xff"), "CHANGELOG.md: invalid UTF-8"),
    (
        lambda project: (project / "generated" / ".ours.new").write_text("of another program"),
        ".ours.new exists and cannot be removed",
    ),
    (
        lambda project: (project / "generated" / ".ours.old").write_text("of another program"),
        "generated/ours: cannot be written: Not a directory",
    ),
    (lambda project: replace_by_link(project / "generated" / "ours"), "is a symbolic link"),
]


@pytest.mark.parametrize(("prepare", "message"), UNWRITABLE, ids=[message for _, message in UNWRITABLE])
def test_update_unwritable_file_changes_nothing(
    prepare: Callable[[Path], object],
    message: str,
    update: Callable[..., Result],
    hub: Hub,
    project: Path,
) -> None:
    """A file that cannot be written is an error on one line, and nothing changes."""
    hub.add_model(make_model("painter", NARROWED))
    prepare(project)
    before = {name: content for name, (_, content) in take_snapshot(project).items()}
    done = update()
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert {name: content for name, (_, content) in take_snapshot(project).items()} == before


@pytest.mark.parametrize("name", ["generated", ".", "CHANGELOG.md"])
def test_update_read_only_path(name: str, update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """A folder or a changelog that is read-only is an error."""
    hub.add_model(make_model("painter", NARROWED))
    (project / "CHANGELOG.md").touch()
    (project / name).chmod(0o555)
    if os.access(project / name, os.W_OK):
        pytest.skip("nothing is read-only to root")
    before = take_snapshot(project)
    try:
        done = update()
    finally:
        (project / name).chmod(0o755)
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
    assert take_snapshot(project).keys() == before.keys()


def test_update_keeps_the_mode_of_the_changelog(
    update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    """The changelog is replaced by a file with the same mode."""
    hub.add_model(make_model("painter", NARROWED))
    changelog = project / "CHANGELOG.md"
    changelog.touch()
    changelog.chmod(0o640)
    assert update().exit_code == 0
    assert "painter" in changelog.read_text()
    assert changelog.stat().st_mode & 0o777 == 0o640


def test_concurrent_update_reports_lock(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """The second of two concurrent updates reports the lock; a killed process releases it."""
    hub.add_model(make_model("painter", NARROWED))
    hub.inject_fault("slow", 3600, times=1)
    command = [sys.executable, "-m", "oxen_codegen", "update", "--base-url", hub.url]
    with subprocess.Popen(command, cwd=project) as process:
        try:
            wait_until(lambda: hub.requests or process.poll() is not None)
            before = take_snapshot(project)
            second = update()
        finally:
            process.kill()
    assert second.exit_code == 2, second.output
    assert "locked by another oxen-codegen process" in second.stderr
    assert take_snapshot(project) == before
    assert update().exit_code == 0
    assert is_up_to_date(project)


class Killed(BaseException):
    """Simulates SIGKILL: everything after it has no effect."""


class StepLimiter:
    """Runs functions that work on files, and interrupts or kills them before a file operation."""

    def __init__(self) -> None:
        self._until_interrupt: int | None = None
        self._until_kill: int | None = None
        sys.addaudithook(self._count_step)

    def __call__(self, function: Callable[[], None], kill: int, interrupt: int | None = None) -> str:
        """Run a function and return how it ended: "done", "interrupted" or "killed".

        Args:
            function: The function.
            kill: The number of file operations before it is killed, counted from an interrupt.
            interrupt: The number of file operations before Ctrl-C; None for no Ctrl-C.
        """
        self._until_interrupt, self._until_kill = interrupt, kill
        try:
            function()
        except Killed:
            return "killed"
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            self._until_kill = None
        return "done"

    def _count_step(self, event: str, _: object) -> None:
        if self._until_kill is None or not (event == "open" or event.startswith(("os.", "shutil."))):
            return
        if self._until_interrupt is not None:
            self._until_interrupt -= 1
            if self._until_interrupt < 0:
                self._until_interrupt = None
                raise KeyboardInterrupt
        elif self._until_kill == 0:
            raise Killed
        else:
            self._until_kill -= 1


@pytest.fixture(scope="module")
def run_limited() -> StepLimiter:
    """A function that runs another one up to a step."""
    return StepLimiter()  # one for all tests, because an audit hook cannot be removed


ENTRY = "### Models\n\n- New."
OLD_CHANGELOG = "# Changelog\n\n## 1.0.0\n"


class Replacement:
    """A package of three files with a changelog, and a tree that replaces it."""

    def __init__(self, folder: Path, *, is_first: bool) -> None:
        self.root = folder / "root"
        self.package = self.root / "generated" / "ours"
        self.changelog = self.root / "CHANGELOG.md"
        self._tree = folder / "tree"
        self._is_first = is_first
        self.prepare()
        self.old = self.read_state()
        self.replace()
        self.new = self.read_state()

    def prepare(self) -> None:
        """Restore the state before the replacement."""
        for folder in (self.root, self._tree):
            shutil.rmtree(folder, ignore_errors=True)
        self._write(self._tree, "new")
        self.package.parent.mkdir(parents=True)
        if not self._is_first:
            self._write(self.package, "old")
            self.changelog.write_text(OLD_CHANGELOG)

    def replace(self) -> None:
        replace_package(self._tree, self.package, self.changelog, ENTRY)

    def recover(self) -> None:
        recover_package(self.package, self.changelog)

    def read_state(self) -> dict[str, bytes | None]:
        return {name: content for name, (_, content) in take_snapshot(self.root).items()}

    def _write(self, package: Path, text: str) -> None:
        (package / "schemas").mkdir(parents=True)
        (package / "__init__.py").write_text(f"# Generated by oxen-codegen: {text}")
        (package / "schemas" / f"{text}.json").write_text(text)


@pytest.fixture(params=[False, True], ids=["again", "first"])
def replacement(request: pytest.FixtureRequest, tmp_path: Path) -> Replacement:
    """A replacement of an existing package, and one of no package."""
    return Replacement(tmp_path, is_first=request.param)


def test_replace_killed_then_recovery_killed(replacement: Replacement, run_limited: StepLimiter) -> None:
    """Killed at any step, and again at any step of the recovery: old or new state, never both."""
    ends: set[bool] = set()
    step = 0
    for step in itertools.count():
        replacement.prepare()
        if run_limited(replacement.replace, step) == "done":
            break
        for recovery_step in itertools.count():
            if recovery_step:
                replacement.prepare()
                run_limited(replacement.replace, step)
            ended = run_limited(replacement.recover, recovery_step)
            replacement.recover()
            assert replacement.read_state() in (replacement.old, replacement.new), (step, recovery_step)
            if ended == "done":
                break
        ends.add(replacement.read_state() == replacement.new)
    assert ends == {False, True}
    assert step > 5


def test_replace_interrupted_then_killed(replacement: Replacement, run_limited: StepLimiter) -> None:
    """Interrupted at any step, and killed at any step of the cleanup: old or new state, never both."""
    ended, interrupt = "interrupted", 0
    for interrupt in itertools.count():
        for step in itertools.count():
            replacement.prepare()
            ended = run_limited(replacement.replace, step, interrupt)
            if ended != "killed" and replacement.package.name in str(replacement.old):
                assert (replacement.package / "__init__.py").exists(), interrupt  # without a recovery
            replacement.recover()
            assert replacement.read_state() in (replacement.old, replacement.new), (interrupt, step)
            if ended != "killed":
                break
        if ended == "done":
            break
    assert interrupt > 5


def test_recovery_keeps_edited_changelog(replacement: Replacement, run_limited: StepLimiter) -> None:
    """An edit of the changelog after an interruption is kept."""
    for step in itertools.count():
        replacement.prepare()
        assert run_limited(replacement.replace, step) == "killed", (
            "never killed between the package and the changelog"
        )
        is_replaced = "new.json" in "".join(map(str, replacement.package.rglob("*")))
        if is_replaced and b"New" not in (replacement.read_state().get("CHANGELOG.md") or b""):
            break
    replacement.changelog.write_text("# Changelog\n\nMine.\n")
    replacement.recover()
    assert replacement.changelog.read_text() == add_entry("# Changelog\n\nMine.\n", ENTRY)


def interrupt_update(project: Path, note: object, *, is_swapped: bool) -> Path:
    """Leave what an interrupted update leaves, before or after the package is replaced; return the note."""
    package = project / "generated" / "ours"
    file = package.with_name(".ours.pending")
    file.write_text(json.dumps(note))
    shutil.copytree(package, package.with_name(".ours.old"))
    if not is_swapped:
        package.rename(package.with_name(".ours.new"))
    return file


def make_note(project: Path, **fields: object) -> dict[str, object]:
    return {"file": str(project / "CHANGELOG.md"), "entry": "- New.", "text": "?", **fields}


@pytest.mark.parametrize("is_swapped", [False, True], ids=["not swapped", "swapped"])
@pytest.mark.parametrize("command", ["generate", "fetch painter", "update"])
def test_next_command_recovers(command: str, is_swapped: bool, hub: Hub, project: Path) -> None:
    """A command that writes completes or undoes an interrupted replacement first."""
    before = take_snapshot(project / "generated" / "ours").keys()
    interrupt_update(project, make_note(project), is_swapped=is_swapped)
    address = ["--base-url", hub.url] if command != "generate" else []
    done = CliRunner().invoke(main, [*command.split(), *address])
    assert done.exit_code == 0, done.output
    assert take_snapshot(project / "generated" / "ours").keys() == before
    assert ("- New." in read_changelog(project)) is is_swapped
    assert is_up_to_date(project)


@pytest.mark.parametrize("is_swapped", [False, True], ids=["not swapped", "swapped"])
@pytest.mark.parametrize("command", ["check", "diff", "update --dry-run"])
def test_read_only_command_writes_nothing(command: str, is_swapped: bool, hub: Hub, project: Path) -> None:
    """A command that writes nothing reports an interrupted replacement, and leaves it as it is."""
    interrupt_update(project, make_note(project), is_swapped=is_swapped)
    before = take_snapshot(project)
    address = ["--base-url", hub.url] if command != "check" else []
    done = CliRunner().invoke(main, [*command.split(), *address])
    assert done.exit_code == 2
    assert "is left of an interrupted command: run `oxen-codegen generate`" in done.stderr
    assert take_snapshot(project) == before


MALFORMED_NOTES: list[object] = [
    [], "text", None, 5, {}, {"file": None}, {"entry": 5}, {"text": []}, {"entry": "\ud800"},
    {"file": "/etc/motd"}, {"file": "../../victim.md"}, {"file": "pyproject.toml"}, {"file": "\0"},
    b"", b"{", b"\xff", b"[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("command", ["check", "generate", "fetch painter"])
def test_malformed_note_is_an_error(command: str, hub: Hub, project: Path) -> None:
    """A note in a checkout that is not of this project is an error on one line, and nothing is changed."""
    file = project / "generated" / ".ours.pending"
    address = ["--base-url", hub.url] if command.startswith("fetch") else []
    for note in MALFORMED_NOTES:
        fields: object = {**make_note(project), **note} if is_object(note) and note else note
        file.write_bytes(fields if isinstance(fields, bytes) else json.dumps(fields).encode())
        before = take_snapshot(project)
        done = CliRunner().invoke(main, [*command.split(), *address])
        assert done.exit_code == 2, f"{note!r:.99}"
        assert str(file) in done.stderr, f"{note!r:.99}"
        assert len(done.stderr.splitlines()) == 1, f"{note!r:.99}"
        assert take_snapshot(project) == before, f"{note!r:.99}"


@pytest.mark.parametrize("name", [".ours.pending", ".CHANGELOG.md.part", "CHANGELOG.md"])
def test_update_writes_through_no_link(
    name: str, update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    """A link to a file outside the project is never written through."""
    victim = project.parent / "victim"
    victim.write_text("years of work")
    folder = project / "generated" if name == ".ours.pending" else project
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(victim)
    hub.add_model(make_model("painter", NARROWED))
    done = update()
    assert done.exit_code == (0 if name == ".CHANGELOG.md.part" else 2), done.output
    assert victim.read_text() == "years of work"


def test_update_does_not_change_a_linked_folder(update: Callable[..., Result], project: Path) -> None:
    """The folder that a link in place of the old package refers to keeps its mode."""
    victim = project.parent / "victim"
    victim.mkdir(mode=0o500)
    (project / "generated" / ".ours.old").symlink_to(victim)
    update()
    assert stat.S_IMODE(victim.stat().st_mode) == 0o500


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_note_that_is_no_file_is_an_error(kind: str, project: Path) -> None:
    """A link, a pipe or a folder in place of the note is an error."""
    file = project / "generated" / ".ours.pending"
    match kind:
        case "link":
            note = project.parent / "note"
            note.write_text(json.dumps(make_note(project)))
            file.symlink_to(note)
        case "pipe":
            os.mkfifo(file)
        case _:
            file.mkdir()
    done = CliRunner().invoke(main, ["generate"])
    assert done.exit_code == 2
    assert f"{file} is not a changelog entry of this project" in done.stderr
    assert "[Errno" not in done.stderr
