"""The layers of the generator: a module imports modules of its own layer and of the layers before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import oxen_codegen

PACKAGE = Path(oxen_codegen.__file__).parent
LAYERS = {
    "values": "diagnostics environment headers json_types login_file names public_names spec",
    "records": "config media_kinds normalize operations prices records selection",
    "models": "bind describe injection parse render templates unasync",
    "package": "acceptance build",
    "files": "changelog_file formatting guards lock output replace tree",
    "changes": "changelog diff hub",
    "commands": "fetch generate update",
    "command line": "__main__ cli",
}
NUMBERS = {module: number for number, modules in enumerate(LAYERS.values()) for module in modules.split()}


def find_imports(file: Path) -> Iterator[str]:
    """Yield the dotted names of the generator's modules that a file imports, relative to the package."""
    name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            parent = name.split(".")[: -node.level]
            if node.module:
                yield ".".join((*parent, node.module))
            else:
                yield from (".".join((*parent, alias.name)) for alias in node.names)


def read_imports() -> dict[str, set[str]]:
    """Return the imports of each module of the generator."""
    files = (file for file in PACKAGE.rglob("*.py") if file.name != "__init__.py")
    return {
        ".".join(file.relative_to(PACKAGE).with_suffix("").parts): set(find_imports(file)) for file in files
    }


def test_every_module_has_a_layer() -> None:
    """The layers name each module or package once."""
    modules = [module for names in LAYERS.values() for module in names.split()]
    assert sorted(modules) == sorted({name.split(".")[0] for name in read_imports()})


def test_no_module_imports_a_higher_layer() -> None:
    """A module imports nothing from the layers after its own."""
    upward = [
        f"{module} imports {imported}"
        for module, imports in read_imports().items()
        for imported in imports
        if NUMBERS[imported.split(".")[0]] > NUMBERS[module.split(".")[0]]
    ]
    assert upward == []


def test_imports_have_no_cycles() -> None:
    """The imports can be sorted; a cycle would be an error here."""
    TopologicalSorter(read_imports()).prepare()


def test_copied_modules_import_each_other_only() -> None:
    """The modules that are copied into the package import only others of their folder."""
    imports = read_imports()
    for copied in (
        {"diagnostics", "json_types", "media_kinds", "normalize", "operations"},
        {"environment", "login_file"},
    ):
        assert set().union(*(imports[name] for name in copied)) <= copied


def test_copied_modules_are_those_of_the_package() -> None:
    """The package contains exactly the known modules as copies of the generator's."""
    runtime = PACKAGE.parents[1] / "generated" / "oxen_models" / "_runtime"
    copied = {file.stem for file in runtime.rglob("*.py") if "from codegen/" in file.read_text("utf-8")[:200]}
    expected = "diagnostics environment json_types login_file media_kinds normalize operations"
    assert copied - {"__init__"} == set(expected.split())
