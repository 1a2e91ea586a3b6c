"""The commands of the project; `nox -l` lists them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "check_generated", "tests", "build"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
# Skip Python versions that are not installed, with a warning, and never download one.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
TESTS = Path(__file__).parent / "tests"
CASSETTE_TESTS = "tests/client/test_cassettes.py"
SITE = "build/docs/site"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
EXTRAS = "cli,codegen,compare,dynamic,mcp,progress,tables,testing,workbench"
# Installed in this order, each in addition to the ones before.
SMOKE_IMPORTS = {
    "cli": "oxen_models._cli.main, jsonschema",
    "workbench": "oxen_models._workbench.serve, oxen_models.testing",
    "mcp": "oxen_models._mcp.serve, oxen_models._mcp.previews",
    "tables": "fsspec, pyarrow.parquet",
}
CONSTRAINTS = ("--constraint", str(Path("constraints.txt").resolve()))


def install(session: nox.Session, *groups: str, extras: str = EXTRAS) -> None:
    """Install the project, editable and with extras, and dependency groups, at the pinned versions."""
    packages = nox.project.dependency_groups(PROJECT, *groups) if groups else ()
    # A module is compiled at its first import, and kept; pip would compile all, which takes half of its time.
    session.env.update({"PIP_COMPILE": "0", "PYTHONDONTWRITEBYTECODE": None})
    session.install("--quiet", *CONSTRAINTS, "--editable", f".[{extras}]", *packages)


@nox.session
def demo(session: nox.Session) -> None:
    """Show the main features on the stand-in server; needs no key and no network."""
    install(session, extras="codegen,progress,testing")
    session.run("python", "docs/demo.py", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests and print their CPU time; arguments after `--` go to pytest."""
    install(session, "tests")
    before = os.times()
    session.run("pytest", "--numprocesses=auto", "--dist=worksteal", *session.posargs)
    after = os.times()
    user, system = after.children_user - before.children_user, after.children_system - before.children_system
    session.log(f"the tests took {user:.0f} s of user time and {system:.0f} s of system time")


@nox.session
def soak(session: nox.Session) -> None:
    """Run jobs for minutes with lost events, killed processes and Ray workers, closed clients and forks."""
    install(session, "tests", "soak")
    session.run("python", "tests/soak/run.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Build and call models of the JSON-Schema-Test-Suite and random ones; `-- --examples N --seconds S`.

    Then compare the forms of the workbench with the request classes.
    """
    install(session, "tests")
    suite = download_suite(session)
    session.run("python", "tests/fuzz/run.py", *(f"--suite={file}" for file in suite), *session.posargs)
    session.run("python", "tests/workbench/compare_forms.py")


def download_suite(session: nox.Session) -> list[Path]:
    """Return the source distribution of jsonschema, which contains the suite; none without a registry."""
    folder = session.cache_dir.resolve() / "json-schema-test-suite"
    if not list(folder.glob("jsonschema-*.tar.gz")):
        session.install("--quiet", *CONSTRAINTS, "pip")
        options = ("--quiet", "--no-deps", "--no-binary", "jsonschema", *CONSTRAINTS, "--dest", str(folder))
        try:
            session.run("python", "-m", "pip", "download", *options, "jsonschema", silent=True)
        except CommandFailed:
            session.log("the JSON-Schema-Test-Suite is skipped, because jsonschema cannot be downloaded")
    return sorted(folder.glob("jsonschema-*.tar.gz"))


@nox.session
def lint(session: nox.Session) -> None:
    """Run ruff, and zizmor on the workflows."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", "--quiet", ".")
    session.run("zizmor", "--offline", "--quiet", ".github")


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy and pyright in strict mode; check what four checkers reject and what editors show."""
    install(session, "tests", "types", "browser")
    session.run("mypy", "codegen", "generated", "tests", "noxfile.py", "docs")
    session.run("mypy", "templates/package/_runtime")
    session.run("pyright", "--warnings")
    session.run("python", "tests/typing/verify.py")
    session.run("python", "tests/typing/hover.py")
    session.run("python", "tests/typing/generated_packages.py")
    session.run("python", "tests/typing/check_docs.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site in build/docs/site and check its links; `-- --serve` serves it."""
    install(session, "docs")
    session.run("python", "docs/build.py", *session.posargs)
    if "--serve" not in session.posargs:
        session.run("python", "docs/check_links.py", SITE)


@nox.session
def browser(session: nox.Session) -> None:
    """Check the workbench and pages of the site that `docs` built in Chromium; write build/screenshots."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        session.skip(f"no browser is installed; expected one of {', '.join(CHROMIUM)}")
    install(session, "docs", "tests", "browser")
    if not Path(SITE).is_dir():
        session.run("python", "docs/build.py")
    options = (f"--chromium={chromium}", f"--site={SITE}", "--screenshots=build/screenshots")
    files = sorted(str(path) for path in (TESTS / "browser").glob("*.py"))
    session.run("pytest", *files, *options, *session.posargs)


@nox.session
def compat(session: nox.Session) -> None:
    """Type-check calls of every model of the last release; errors must be breaking in the diff."""
    install(session, "tests", "types")
    session.run("python", "tests/typing/compat.py")


@nox.session
def generate(session: nox.Session) -> None:
    """Generate the package from the recorded schemas."""
    install(session, extras="codegen")
    session.run("oxen-codegen", "generate", *session.posargs)


@nox.session
def check_generated(session: nox.Session) -> None:
    """Check that the committed package is what the recorded schemas and templates generate."""
    install(session, extras="codegen")
    session.run("oxen-codegen", "check")


@nox.session
def record_cassettes(session: nox.Session) -> None:
    """Record the cassettes from the stand-in server; `-- --live` records from the live API."""
    install(session, "tests")
    shutil.rmtree(f"cassettes/{Path(CASSETTE_TESTS).stem}", ignore_errors=True)
    session.run("pytest", CASSETTE_TESTS, "--record-mode=rewrite", "-p", "no:randomly", *session.posargs)


@nox.session
def pin(session: nox.Session) -> None:
    """Write constraints.txt with a version of each dependency; `-- --upgrade` selects the newest ones."""
    session.install("--quiet", *CONSTRAINTS, *nox.project.dependency_groups(PROJECT, "pin"))
    groups = [f"--group={group}" for group in PROJECT["dependency-groups"]]
    options = ("--quiet", "--universal", "--no-annotate", "--no-header", "--all-extras", *groups)
    output = "--output-file=constraints.txt"
    session.run("uv", "pip", "compile", *options, output, *session.posargs, "pyproject.toml")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed and memory beside other packages; `-- --full` and names of benchmarks."""
    install(session, "bench")
    session.run("python", "tests/bench/run.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist, inspect both, and use each in an empty environment; `-- FOLDER` keeps them.

    The folder then holds `packages/` and `sbom.cdx.json`, the CycloneDX list of what the wheel installs.
    """
    session.install("--quiet", *CONSTRAINTS, *nox.project.dependency_groups(PROJECT, "build"))
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(session.posargs[0] if session.posargs else temporary).resolve()
        session.run("python", "-m", "build", "--outdir", str(output / "packages"), silent=True)
        session.run("check-wheel-contents", str(output / "packages"))
        for package in sorted((output / "packages").iterdir()):
            environment = Path(temporary, f"{package.stem}-environment")
            session.run("python", "-m", "venv", "--without-pip", str(environment))
            python = str(environment / "bin" / "python")
            pip = ("python", "-m", "pip", "--disable-pip-version-check", "--python", python)
            session.run(*pip, "install", "--quiet", *CONSTRAINTS, str(package))
            if package.suffix == ".whl":
                session.run("cyclonedx-py", "environment", "-o", str(output / "sbom.cdx.json"), python)
            with session.chdir(temporary):  # so that the installed package is imported, not the checkout
                session.run(python, str(TESTS / "smoke_no_extras.py"), external=True)
                for extra, module in SMOKE_IMPORTS.items():
                    session.run(*pip, "install", "--quiet", *CONSTRAINTS, f"{package}[{extra}]")
                    session.run(python, "-c", f"import {module}", external=True)
                session.run(*pip, "install", "--quiet", *CONSTRAINTS, f"{package}[codegen,testing]")
                session.run(python, str(TESTS / "smoke_test_install.py"), external=True)
            session.log(f"{package.name} works")
