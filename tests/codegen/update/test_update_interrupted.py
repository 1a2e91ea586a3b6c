"""`update` where it cannot write, is not alone, or is interrupted: it did all of it, or nothing."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.hub_api import wait_until
from helpers.models import make_model
from oxen_codegen.changelog import add_entry
from oxen_codegen.cli import main
from oxen_codegen.replace import recover_package, replace_package
from oxen_models.testing import Hub

from codegen.update.projects import NARROWED, changelog, everything, is_clean


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def as_link(folder: Path) -> None:
    elsewhere = folder.rename(folder.parent.parent / "mine")
    folder.symlink_to(elsewhere)


UNWRITABLE: list[tuple[Callable[[Path], object], str]] = [
    (lambda project: as_folder(project / "CHANGELOG.md"), "CHANGELOG.md: cannot be written"),
    (lambda project: (project / "CHANGELOG.md").write_bytes(b"\xff"), "CHANGELOG.md: invalid UTF-8"),
    (
        lambda project: (project / "generated" / ".ours.new").write_text("somebody's"),
        ".ours.new exists and cannot be removed",
    ),
    (
        lambda project: (project / "generated" / ".ours.old").write_text("somebody's"),
        "generated/ours: cannot be written: Not a directory",
    ),
    (lambda project: as_link(project / "generated" / "ours"), "is a symbolic link"),
]


@pytest.mark.parametrize(("trouble", "complaint"), UNWRITABLE)
def test_what_cannot_be_written_is_told_in_a_sentence_and_nothing_changes(
    trouble: Callable[[Path], object],
    complaint: str,
    update: Callable[..., Result],
    hub: Hub,
    project: Path,
) -> None:
    hub.add_model(make_model("painter", NARROWED))
    trouble(project)
    before = {name: content for name, (_, content) in everything(project).items()}
    done = update()
    assert done.exit_code == 2, done.output
    assert complaint in done.stderr
    assert {name: content for name, (_, content) in everything(project).items()} == before


@pytest.mark.parametrize("folder", ["generated", "."])
def test_a_folder_that_is_read_only_is_told(
    folder: str, update: Callable[..., Result], hub: Hub, project: Path
) -> None:
    hub.add_model(make_model("painter", NARROWED))
    (project / folder).chmod(0o555)
    if os.access(project / folder, os.W_OK):
        pytest.skip("nothing is read-only to root")
    before = everything(project)
    try:
        done = update()
    finally:
        (project / folder).chmod(0o755)
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
    assert everything(project).keys() == before.keys()


def test_of_two_at_once_the_second_says_so(update: Callable[..., Result], hub: Hub, project: Path) -> None:
    """The first one waits for the hub until it is killed, and then is in nobody's way."""
    hub.add_model(make_model("painter", NARROWED))
    hub.inject_fault("slow", 3600, times=1)
    command = [sys.executable, "-m", "oxen_codegen", "update", "--base-url", hub.url]
    with subprocess.Popen(command, cwd=project) as process:
        try:
            wait_until(lambda: hub.requests or process.poll() is not None)
            before = everything(project)
            second = update()
        finally:
            process.kill()
    assert second.exit_code == 2, second.output
    assert "locked by another oxen-codegen process" in second.stderr
    assert everything(project) == before
    assert update().exit_code == 0
    assert is_clean(project)


class Killed(BaseException):
    """As SIGKILL: nothing that comes after it has an effect."""


class Strike:
    """Cuts what works on files: before a step of it, and before all that would follow."""

    def __init__(self) -> None:
        self._until_interrupt: int | None = None
        self._until_kill: int | None = None
        sys.addaudithook(self._hear)

    def __call__(self, work: Callable[[], None], kill: int, interrupt: int | None = None) -> str:
        """How `work` ended: "done", "interrupted" or "killed".

        It is killed so many steps after it began, or after Ctrl-C, which comes at a step.
        """
        self._until_interrupt, self._until_kill = interrupt, kill
        try:
            work()
        except Killed:
            return "killed"
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            self._until_kill = None
        return "done"

    def _hear(self, event: str, _: object) -> None:
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
def strike() -> Strike:
    return Strike()  # there is no way to take an audit hook away


ENTRY = "### Models\n\n- New."
BEFORE = "# Changelog\n\n## 1.0.0\n"


class Site:
    """A package of three files and a changelog, and a tree that is to take their place."""

    def __init__(self, folder: Path, *, is_first: bool) -> None:
        self.root = folder / "root"
        self.package = self.root / "generated" / "ours"
        self.changelog = self.root / "CHANGELOG.md"
        self._tree = folder / "tree"
        self._is_first = is_first
        self.begin()
        self.old = self.state()
        self.install()
        self.new = self.state()

    def begin(self) -> None:
        for each in (self.root, self._tree):
            shutil.rmtree(each, ignore_errors=True)
        self._write(self._tree, "new")
        self.package.parent.mkdir(parents=True)
        if not self._is_first:
            self._write(self.package, "old")
            self.changelog.write_text(BEFORE)

    def install(self) -> None:
        replace_package(self._tree, self.package, self.changelog, ENTRY)

    def recover(self) -> None:
        recover_package(self.package)

    def state(self) -> dict[str, bytes | None]:
        return {name: content for name, (_, content) in everything(self.root).items()}

    def _write(self, package: Path, text: str) -> None:
        (package / "schemas").mkdir(parents=True)
        (package / "__init__.py").write_text(f"# Generated by oxen-codegen: {text}")
        (package / "schemas" / f"{text}.json").write_text(text)


@pytest.fixture(params=[False, True], ids=["again", "first"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return Site(tmp_path, is_first=request.param)


def test_killed_at_any_step_and_again_at_any_step_of_the_repair(site: Site, strike: Strike) -> None:
    ends: set[bool] = set()
    step = 0
    for step in itertools.count():
        site.begin()
        if strike(site.install, step) == "done":
            break
        for repair in itertools.count():
            if repair:
                site.begin()
                strike(site.install, step)
            ended = strike(site.recover, repair)
            site.recover()
            assert site.state() in (site.old, site.new), (step, repair)
            if ended == "done":
                break
        ends.add(site.state() == site.new)
    assert ends == {False, True}
    assert step > 5


def test_interrupted_at_any_step_and_killed_at_any_step_of_the_tidying(site: Site, strike: Strike) -> None:
    ended, interrupt = "interrupted", 0
    for interrupt in itertools.count():
        for step in itertools.count():
            site.begin()
            ended = strike(site.install, step, interrupt)
            if ended != "killed" and site.package.name in str(site.old):
                assert (site.package / "__init__.py").exists(), interrupt  # without any repair
            site.recover()
            assert site.state() in (site.old, site.new), (interrupt, step)
            if ended != "killed":
                break
        if ended == "done":
            break
    assert interrupt > 5


def test_what_somebody_wrote_in_the_changelog_meanwhile_stays(site: Site, strike: Strike) -> None:
    for step in itertools.count():
        site.begin()
        assert strike(site.install, step) == "killed", "never between the package and the changelog"
        after = "new.json" in "".join(map(str, site.package.rglob("*")))
        if after and b"New" not in (site.state().get("CHANGELOG.md") or b""):
            break
    site.changelog.write_text("# Changelog\n\nMine.\n")
    site.recover()
    assert site.changelog.read_text() == add_entry("# Changelog\n\nMine.\n", ENTRY)


@pytest.mark.parametrize("command", ["check", "generate", "diff", "fetch painter", "update --dry-run"])
def test_the_next_command_completes_or_undoes_what_was_begun(command: str, hub: Hub, project: Path) -> None:
    package = project / "generated" / "ours"
    before = everything(package).keys()
    note = {"file": str(project / "CHANGELOG.md"), "entry": "- New.", "text": "?"}
    address = ["--base-url", hub.url] if command not in ("check", "generate") else []
    for is_swapped in (False, True):
        package.with_name(".ours.pending").write_text(json.dumps(note))
        shutil.copytree(package, package.with_name(".ours.old"))
        if not is_swapped:
            package.rename(package.with_name(".ours.new"))
        done = CliRunner().invoke(main, [*command.split(), *address])
        assert done.exit_code == 0, done.output
        assert everything(package).keys() == before
        assert ("- New." in changelog(project)) is is_swapped
        assert is_clean(project)
