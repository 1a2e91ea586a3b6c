"""The modules that are there: what a model that fails to build goes on with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .shape import Binding, Object

_REQUESTS = ("AudioRequest", "ImageRequest", "VideoRequest")


@dataclass(frozen=True, slots=True)
class Kept:
    """A module as it was generated before."""

    binding: Binding
    """As far as the modules that list it need to know."""
    text: str


def last_good(package: Path) -> dict[str, Kept]:
    """The models of a generated package, by id."""
    return {
        kept.binding.model_id: kept
        for file in sorted(package.glob("[a-z]*/[a-z]*.py"))
        for kept in _read(file)
    }


def _read(file: Path) -> Iterator[Kept]:
    try:
        text = file.read_text(encoding="utf-8")
        classes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    except (OSError, ValueError, SyntaxError):
        return
    requests = [name for name, node in classes.items() if _has_base(node, *_REQUESTS)]
    stubs = [node for node in classes.values() if _has_base(node, "Model")]
    if len(requests) != 1 or len(stubs) != 1:
        return
    facts = {
        statement.target.id: statement.value.value
        for statement in classes[requests[0]].body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(statement.value, ast.Constant)
    }
    methods = [node for node in stubs[0].body if isinstance(node, ast.FunctionDef)]
    if not {"model_id", "endpoint"} <= facts.keys() or not methods:
        return
    yield Kept(
        Binding(
            model_id=str(facts["model_id"]),
            module=file.stem,
            class_name=stubs[0].name,
            family=file.parent.name,
            verb=methods[0].name,
            path=str(facts["endpoint"]),
            result=ast.unparse(classes[requests[0]].bases[0]).replace("Request", "Result"),
            title=ast.get_docstring(stubs[0]) or "",
            doc="",
            source="",
            is_queued="submit" in text,
            removal=None,
            renamed=(),
            request=Object(requests[0], "", (), None),
            nested=tuple(
                Object(name, "", (), None) for name, node in classes.items() if _has_base(node, "Object")
            ),
        ),
        text,
    )


def _has_base(node: ast.ClassDef, *names: str) -> bool:
    bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
    return any(isinstance(base, ast.Name) and base.id in names for base in bases)
