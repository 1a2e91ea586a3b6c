"""Every command a developer needs; `nox -l` lists them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "check", "tests", "build"]
nox.options.reuse_existing_virtualenvs = True
# Not every machine has every Python, a build server's neither: what is missing is skipped, aloud.
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
HERE = Path(__file__).parent
RECORDED = "tests/client/test_cassettes.py"
WITHOUT_EXTRAS = """
import subprocess, sys
from oxen_models import ConfigurationError, Oxen
Oxen("any").images.qwen_image_edit_plus
try:
    Oxen("any").model("any").load()
except ConfigurationError as error:
    assert "oxen-models[dynamic]" in str(error), error
for command in ([], ["fetch", "--all"], ["generate"], ["check"], ["diff"], ["update"]):
    done = subprocess.run([sys.executable, "-m", "oxen_codegen", *command], capture_output=True, text=True)
    assert (done.returncode, "oxen-models[codegen]" in done.stderr) == (1, True), done.stderr
done = subprocess.run([sys.executable, "-m", "oxen_models.testing"], capture_output=True, text=True)
assert (done.returncode != 0, "oxen-models[testing]" in done.stderr) == (True, True), done.stderr
"""


def install(session: nox.Session, *groups: str, extras: str = "codegen,dynamic,progress,testing") -> None:
    """The project where it lies, and what a session needs beside it, at the pinned versions."""
    packages = nox.project.dependency_groups(PROJECT, *groups) if groups else ()
    session.install("--quiet", "--constraint", "constraints.txt", "--editable", f".[{extras}]", *packages)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job, on the embedded stand-in hub: no key, no network."""
    install(session)
    session.run("python", "docs/demo.py", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests; what follows `--` goes to pytest."""
    install(session, "tests", "types")
    session.run("pytest", "--numprocesses=auto", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Lost events, killed processes, closed clients, forks: two minutes; `-- killed --seed 7` repeats."""
    install(session, "tests")
    session.run("python", "tests/soak/run.py", *session.posargs)
    session.run("python", "tests/fuzz/run.py", "--examples", "500", "--seconds", "40")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Random answers of a hub, each built and used; `-- --examples N --seconds S --seed X`."""
    install(session, "tests")
    session.run("python", "tests/fuzz/run.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: rules and layout; zizmor: what a workflow gives away."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", "--quiet", ".")
    session.run("zizmor", "--offline", "--quiet", ".github/workflows")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict and pyright strict, on everything, and on wrong calls that they have to find."""
    install(session, "tests", "types")
    session.run("mypy", "codegen", "generated", "tests", "noxfile.py", "docs")
    session.run("mypy", "templates/package/_runtime")
    session.run("pyright", "--warnings")
    session.run("python", "tests/typing/verify.py")


@nox.session
def released(session: nox.Session) -> None:
    """Whether the calls of the last release are still right; what is not has to be in the diff."""
    install(session, "tests", "types")
    session.run("python", "tests/typing/compat.py")


@nox.session
def generate(session: nox.Session) -> None:
    """Make the package what the recorded schemas say."""
    install(session)
    session.run("oxen-codegen", "generate", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Whether the package is what the recorded schemas say."""
    install(session)
    session.run("oxen-codegen", "check")


@nox.session
def record(session: nox.Session) -> None:
    """Record the cassettes anew, from the stand-in hub; `-- --live` from the live one."""
    install(session, "tests")
    shutil.rmtree(f"cassettes/{Path(RECORDED).stem}", ignore_errors=True)
    session.run("pytest", RECORDED, "--record-mode=rewrite", "-p", "no:randomly", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """The figures, side by side with peers in one run."""
    install(session, "bench")
    session.run("python", "tests/bench/run.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Wheel and sdist, each installed into an empty environment and used."""
    session.install("--quiet", "--constraint", "constraints.txt", "build")
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--outdir", folder, silent=True)
        for package in sorted(Path(folder).iterdir()):
            environment = Path(folder, f"{package.stem}-environment")
            session.run("python", "-m", "venv", str(environment))
            python = str(environment / "bin" / "python")
            pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            pinned = ("--constraint", str(Path("constraints.txt").resolve()))
            with session.chdir(folder):  # so that the checkout is not what is imported
                session.run(python, *pip, *pinned, str(package), external=True)
                session.run(python, "-c", WITHOUT_EXTRAS, external=True)
                session.run(python, *pip, *pinned, f"{package}[codegen,testing]", external=True)
                session.run(python, str(HERE / "tests" / "smoke_test_install.py"), external=True)
            session.log(f"{package.name} works")
