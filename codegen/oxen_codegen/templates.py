"""The templates of a package: the built-in ones, some of them overridden by a team's own.

The folder `shared` contributes to every package and `family` is rendered for its models. The rest comes from
`package` and `workbench` for the package with the runtime, and from `extension` for a package of models only.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, TemplateError, TemplateNotFound, TemplateSyntaxError

from .diagnostics import CodegenError, ModelError
from .headers import copied_header, generated_header, html_header
from .render import create_environment
from .tree import list_files

_BINARY_SUFFIXES = {".mov", ".mp3", ".mp4", ".ogg", ".pcm", ".wav", ".webm"}


class TemplateSet:
    """The templates of one package.

    Args:
        builtin: The folder of the built-in templates.
        overrides: A folder whose files replace the built-in ones of the same relative path.
        is_extension: Whether the package consists of models only.
        names: Variables of every template.

    Raises:
        CodegenError: `overrides` is not a folder, or one of its files replaces no template, is not UTF-8 text
            or not valid Python.
    """

    def __init__(
        self, builtin: Path, overrides: Path | None, is_extension: bool, names: Mapping[str, Any]
    ) -> None:
        self._folders = ("shared", "extension" if is_extension else "package")
        folders = (*self._folders, "family", *(() if is_extension else ("workbench",)))
        self._files = {
            f"{folder}/{name}": file
            for folder in folders
            for name, file in _list_files(builtin / folder).items()
        }
        self._overrides = {} if overrides is None else _list_files(overrides)
        self._override_folder = overrides
        if overrides is not None and not overrides.is_dir():
            raise CodegenError(f"templates must be a folder, got {overrides}")
        for name, file in self._overrides.items():
            if name not in self._files:
                [nearest] = get_close_matches(name, self._files, n=1, cutoff=0)
                raise CodegenError(f"{file} replaces no template; the most similar name is {nearest}")
            _check_override(file)
        self._files |= self._overrides
        search_path = [folder for folder in (overrides, builtin) if folder is not None]
        self._environment = create_environment(
            ChoiceLoader([FileSystemLoader(folder) for folder in search_path])
        )
        self._environment.globals.update(names)

    def package_files(self) -> dict[str, str]:
        """Return the templates of files that belong to no family, by path in the package."""
        return {
            name.removeprefix(f"{folder}/"): name
            for folder in self._folders
            for name in self._files
            if name.startswith(f"{folder}/")
        }

    def list_names(self, prefix: str, suffix: str) -> list[str]:
        """Return the sorted names of the templates that begin and end with these texts."""
        return sorted(name for name in self._files if name.startswith(prefix) and name.endswith(suffix))

    def read(self, name: str) -> str:
        """Return the text of a file that is copied, derived or inlined."""
        return self._files[name].read_text(encoding="utf-8")

    def copy(self, name: str) -> str:
        """Return the text of a file that is copied, with a header that names its source."""
        text = self.read(name)
        return f"{copied_header(self._source(name))}{text}" if name.endswith((".py", ".sh")) else text

    def is_override(self, name: str) -> bool:
        """Return whether a file replaces a built-in one."""
        return name in self._overrides

    def is_binary(self, name: str) -> bool:
        """Return whether a file is copied byte for byte, because it is not text."""
        return self._files[name].suffix in _BINARY_SUFFIXES

    def read_bytes(self, name: str) -> bytes:
        """Return the content of a binary file."""
        return self._files[name].read_bytes()

    def render(self, name: str, record: str | None = None, **context: Any) -> str:
        """Render a Jinja template, with a header that names its sources.

        Args:
            name: The template.
            record: The file of the model that it is rendered for, if it is rendered for one.
            context: Variables of the template.

        Raises:
            CodegenError: The template is not usable.
            ModelError: A text of the model cannot be rendered.
        """
        try:
            text = self._environment.get_template(name).render(**context)
        except (CodegenError, ModelError):
            raise
        except Exception as error:
            where, is_override = self._locate(error, name)
            if isinstance(error, TemplateNotFound):
                raise CodegenError(f"{where}: template not found: {error}") from error
            if isinstance(error, TemplateError):
                raise CodegenError(f"{where}: {error.message}") from error
            if not is_override:
                raise  # caused by the model, because built-in templates work
            raise CodegenError(f"{where}: {type(error).__name__}: {error}") from error
        if self._overrides and name.removesuffix(".jinja").endswith(".py"):
            self._check_rendered(name, text)
        records = () if record is None else (f"schemas/{record}",)
        header = generated_header(*records, self._source(name))
        return (html_header(header) if name.endswith(".html.jinja") else header) + text

    def _source(self, name: str) -> str:
        folder = self._override_folder if self.is_override(name) else None
        return f"{'templates' if folder is None else folder.name}/{name}"

    def _locate(self, error: Exception, name: str) -> tuple[str, bool]:
        """Return file and line of a template that failed, and whether it is an override."""
        file, line = str(self._files[name]), 0
        if isinstance(error, TemplateSyntaxError):
            file, line = error.filename or file, error.lineno
        else:
            files = set(map(str, self._files.values()))
            for frame in extract_tb(error.__traceback__):
                if frame.filename in files:
                    file, line = frame.filename, frame.lineno or 0
        return f"{file}:{line}", file in map(str, self._overrides.values())

    def _check_rendered(self, name: str, text: str) -> None:
        try:
            ast.parse(text)
        except SyntaxError as error:
            line = (error.text or "").strip()
            raise CodegenError(f"{self._files[name]}: rendered invalid Python: {error.msg}: {line}") from None


def _check_override(file: Path) -> None:
    if file.suffix in _BINARY_SUFFIXES:
        return
    try:
        text = file.read_text(encoding="utf-8")
    except ValueError:
        text = "\0"
    if "\0" in text:
        raise CodegenError(f"{file} is not UTF-8 text")
    if file.suffix == ".py":
        try:
            ast.parse(text)
        except SyntaxError as error:
            raise CodegenError(f"{file}:{error.lineno}: {error.msg}") from None


def _list_files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by relative path, without hidden files."""
    names = sorted(name for name in list_files(folder) if "/." not in f"/{name}")
    return {name: folder / name for name in names}
