"""Every file of the generated package names in its first line what it was made from."""

from __future__ import annotations

import re
from pathlib import Path

import oxen_models
import pytest

PACKAGE = Path(oxen_models.__file__).parent
CHECKOUT = PACKAGE.parents[1]
# py.typed must be empty, JSON has no comments, and media files are not text.
WITHOUT_HEADER = re.compile(r"py\.typed|schemas/[^/]+\.json|testing/media/(audio|video)\.\w+")
HEADER = re.compile(
    r"(?:#|<!--) (Generated|Copied|Derived) by oxen-codegen from (.+)\. Do not edit\.(?: -->)?"
)
FILES = sorted(
    file.relative_to(PACKAGE).as_posix()
    for file in PACKAGE.rglob("*")
    if file.is_file() and "__pycache__" not in file.parts
)


@pytest.mark.slow
def test_file_names_the_sources_it_was_made_from() -> None:
    """The first line names a template, and a record or a module, which all exist."""
    for name in (name for name in FILES if not WITHOUT_HEADER.fullmatch(name)):
        first = (PACKAGE / name).read_text(encoding="utf-8").split("\n", 1)[0]
        header = HEADER.fullmatch(first)
        assert header is not None, (name, first)
        for source in header[2].split(" and "):
            inside_package = header[1] == "Derived" or source.startswith("schemas/")
            assert ((PACKAGE if inside_package else CHECKOUT) / source).is_file(), (name, source)
        if header[1] == "Derived":
            assert name == header[2].replace("_async/", "_sync/")


@pytest.mark.slow
def test_modules_of_models_name_their_record() -> None:
    """A module that was rendered for a model names the record of this model."""
    modules = [name for name in FILES if re.fullmatch(r"(images|videos|audio)/[a-z]\w+\.py", name)]
    assert len(modules) > 100
    for name in modules:
        text = (PACKAGE / name).read_text(encoding="utf-8")
        [model_id] = re.findall(r'^    model_id: ClassVar\[str\] = "(.*)"$', text, re.MULTILINE)
        [record] = re.findall(r"from (schemas/\S+\.json) and templates/family/model\.py\.jinja\.", text)
        assert f'"id": "{model_id}"' in (PACKAGE / record).read_text(encoding="utf-8")
