"""The templates of a package: the built-in ones, and a team's own in place of some.

`shared` goes into every package, `family` is for its models, and what its own folder has goes first:
`package` for the one with the runtime, `extension` for one of models only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jinja2 import FunctionLoader, TemplateError, TemplateNotFound, TemplateSyntaxError

from .diagnostics import CodegenError, ModelError
from .render import environment

_BINARY_SUFFIXES = {".mov", ".mp3", ".mp4", ".ogg", ".pcm", ".wav", ".webm"}
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")


class Templates:
    """The templates of one package.

    Args:
        builtin: The folder of the generator's own.
        overrides: A folder whose files take the place of those with the same relative path.
        extends: Whether the package is one of models only.
        names: What every template may use.

    Raises:
        CodegenError: `overrides` is not a folder, or has a file that replaces no template.
    """

    def __init__(
        self,
        builtin: Path,
        overrides: Path | None,
        extends: bool,
        names: Mapping[str, Any],
    ) -> None:
        self._own = "extension" if extends else "package"
        folders = ("shared", "family", self._own)
        self._files = {name: file for name, file in _files(builtin).items() if name.split("/")[0] in folders}
        self._overrides = {} if overrides is None else _files(overrides)
        if overrides is not None and not overrides.is_dir():
            raise CodegenError(f"{overrides}: a folder of templates is expected")
        for name, file in self._overrides.items():
            if name not in self._files:
                [nearest] = get_close_matches(name, self._files, n=1, cutoff=0)
                raise CodegenError(
                    f"{file}: replaces no template: there is no {name}; the nearest is {nearest}"
                )
        self._files |= self._overrides
        self._env = environment(FunctionLoader(self._load))
        self._env.globals.update(names)

    def emitted(self) -> dict[str, str]:
        """The templates of files that are not a model's or a family's, by path in the package."""
        return {
            name.removeprefix(f"{folder}/"): name
            for folder in ("shared", self._own)
            for name in self._files
            if name.startswith(f"{folder}/")
        }

    def copied(self, name: str) -> str:
        """The text of a file that is copied, not rendered.

        Raises:
            CodegenError: It takes a template's place and is not usable.
        """
        text = self._read(name)
        if name in self._overrides and name.endswith(".py"):
            try:
                ast.parse(text)
            except SyntaxError as error:
                raise CodegenError(f"{self._files[name]}:{error.lineno}: {error.msg}") from None
        return text

    def is_binary(self, name: str) -> bool:
        """Return whether a file is copied byte for byte, because it is not text."""
        return self._files[name].suffix in _BINARY_SUFFIXES

    def read_bytes(self, name: str) -> bytes:
        """Return the content of a binary file."""
        return self._files[name].read_bytes()

    def rendered(self, name: str, **context: Any) -> str:
        """What a Jinja template makes of a context.

        Raises:
            CodegenError: The template is not usable.
        """
        try:
            text = self._env.get_template(name).render(**context)
            if self._overrides and name.removesuffix(".jinja").endswith(".py"):
                ast.parse(text)
        except (CodegenError, ModelError):
            raise
        except SyntaxError as error:
            if not self._overrides:
                raise
            line = (error.text or "").strip()
            raise CodegenError(
                f"{self._origin(line, name)}: renders no Python: {error.msg}: {line}"
            ) from None
        except Exception as error:
            file, number = self._place(error)
            if isinstance(error, TemplateNotFound):
                raise CodegenError(f"{file or name}:{number}: there is no template {error}") from error
            if isinstance(error, TemplateError):
                raise CodegenError(f"{file or name}:{number}: {error}") from error
            # In a built-in template, it is the model that is odd.
            if file not in {str(each) for each in self._overrides.values()}:
                raise
            raise CodegenError(f"{file}:{number}: {type(error).__name__}: {error}") from error
        return text

    def _load(self, name: str) -> tuple[str, str, None] | None:
        return (self._read(name), str(self._files[name]), None) if name in self._files else None

    def _read(self, name: str) -> str:
        try:
            text = self._files[name].read_text(encoding="utf-8")
        except ValueError:
            text = "\0"
        if "\0" in text:
            raise CodegenError(f"{self._files[name]}: is not UTF-8 text")
        return text

    def _place(self, error: Exception) -> tuple[str | None, int]:
        """File and line of the template that failed; one that was put in another's place goes first."""
        if isinstance(error, TemplateSyntaxError):
            return error.filename, error.lineno
        lines: dict[str, int] = {}
        traceback = error.__traceback__
        while traceback is not None:
            lines[traceback.tb_frame.f_code.co_filename] = traceback.tb_lineno
            traceback = traceback.tb_next
        for files in (self._overrides, self._files):
            for file in reversed(lines):
                if file in map(str, files.values()):
                    return file, lines[file]
        return None, 0

    def _origin(self, rendered: str, name: str) -> str:
        """Where a line may come from: the most alike of all lines that were put in another's place."""
        place, most = str(self._overrides.get(name) or next(iter(self._overrides.values()))), 0
        for override, file in self._overrides.items():
            for number, line in enumerate(self._read(override).splitlines(), 1):
                literal = _JINJA.split(line.strip())
                alike = sum(map(len, literal))
                if alike > most and re.fullmatch(".*".join(map(re.escape, literal)), rendered):
                    place, most = f"{file}:{number}", alike
        return place


def _files(folder: Path) -> dict[str, Path]:
    """The files of a folder by relative path; hidden ones are not meant."""
    files = {file.relative_to(folder): file for file in sorted(folder.rglob("*")) if file.is_file()}
    return {
        path.as_posix(): file
        for path, file in files.items()
        if not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    }
