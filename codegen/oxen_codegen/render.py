"""From the plain structure to source text, through the templates."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, cast
from unicodedata import ucd_3_2_0

from jinja2 import BaseLoader, Environment, StrictUndefined

from .diagnostics import ModelError
from .shape import Binding, Bound, Choice, ListOf, MapOf, Nested, Object, Parameter, Plain, Type, Union

LINE_LENGTH = 110
_ENDING = re.compile(r'"{3,}|"+\Z')

# Where the names that an annotation may use come from.
_VOCABULARY = {
    "typing": ("Annotated", "ClassVar", "Literal", "Unpack"),
    "pydantic": ("Field",),
    "fields": ("OMIT", "Exact", "Json", "JsonObject", "ListOf", "MapOf", "NotBool", "Omit", "OneOf", "Whole"),
    "media": ("AudioInput", "FileInput", "ImageInput", "VideoInput", "local"),
}


def environment(loader: BaseLoader) -> Environment:
    """A Jinja environment with the filters that text of the hub goes through."""
    env = Environment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python, not HTML
    )
    filters: dict[str, Any] = {
        "annotation": annotation,
        "docstring": docstring,
        "field": field,
        "hint": hint,
        "literal": literal,
        "vocabulary": vocabulary,
    }
    env.filters.update(filters)
    return env


def literal(value: Any) -> str:
    """A value of the hub as a Python literal."""
    text = repr(value)
    if text.isascii():  # and then printable, as repr has it
        return text
    return "".join(char if _is_visible(char) else _escape(char) for char in text)


# The same texts stand in many models, and every one of them in a request and in a call.
@lru_cache(maxsize=4096)
def docstring(text: str, indent: int = 0, hanging: int = 0) -> str:
    """Text of the hub as it may stand between triple quotes.

    Args:
        text: What to say; paragraphs are kept apart, the rest is wrapped.
        indent: Columns that every line but the first begins with.
        hanging: Columns more, for the lines of a list entry but its first.

    Raises:
        ModelError: What was escaped does not read back as it was meant.
    """
    shown = text if text.isascii() and text.isprintable() else "".join(map(_visible, text))
    width = LINE_LENGTH - indent - 2 * len('"""')
    # Non-breaking spaces hold literals together while the lines are filled.
    paragraphs = [
        textwrap.fill(
            paragraph,
            width,
            subsequent_indent=" " * hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for paragraph in shown.split("\n\n")
    ]
    meant = "\n\n".join(paragraphs).replace("\u00a0", " ")
    meant = "\n".join(
        f"{' ' * indent}{line}" if line and number else line for number, line in enumerate(meant.split("\n"))
    )
    # What would end the docstring, inside it or right before its own quotes.
    written = _ENDING.sub(lambda quotes: '\\"' * len(quotes[0]), meant.replace("\\", "\\\\"))
    if ast.literal_eval(f'"""{written}"""') != meant:
        raise ModelError("a text of it does not read back from a docstring as it was written")
    return written


def annotation(type_: Type) -> str:
    """A type as a field of a request class has it, with all that is checked."""
    match type_:
        case Plain("int", bounds):
            return _annotated("int", bounds, "Whole")
        case Plain("float", bounds):
            return _annotated("float", bounds, "Exact")
        case Plain(name, bounds):
            return _annotated(name, bounds)
        case Choice(values, None, refuses_bool):
            return _annotated(_literals(values), (), *(["NotBool"] if refuses_bool else []))
        case Choice(values, base):
            return _annotated(str(base), (), f"OneOf({', '.join(map(literal, values))})")
        case ListOf(item, bounds):
            return _annotated(f"ListOf[{annotation(item)}]", bounds)
        case MapOf(value):
            return f"MapOf[{annotation(value)}]"
        case Nested(class_name):
            return class_name
        case Union(members):
            return " | ".join(map(annotation, members))


def field(parameter: Parameter) -> str:
    """The annotation of a field, its wire name and whether it may be left out included."""
    text = annotation(parameter.type)
    if not parameter.required:
        text = f"{text} | Omit"
    return text if parameter.alias is None else f"Annotated[{text}, Field(alias={literal(parameter.alias)})]"


def hint(type_: Type) -> str:
    """A type as a signature has it: what a type checker checks, and no more."""
    match type_:
        case Plain(name):
            return name
        case Choice(values, None):
            return _literals(values)
        case Choice(_, base):
            return str(base)
        case ListOf(item):
            return f"ListOf[{hint(item)}]"
        case MapOf(value):
            return f"MapOf[{hint(value)}]"
        case Nested(class_name):
            return class_name
        case Union(members):
            return " | ".join(dict.fromkeys(map(hint, members)))


def vocabulary(binding: Binding) -> dict[str, list[str]]:
    """The names that the annotations of a module use, by the module that they come from."""
    used = {"ClassVar", *(name for each in _objects(binding) for name in _used(each))}
    if binding.removal is None:
        used.add("Unpack")
    if binding.removal is None and any(parameter.takes_media for parameter in binding.request.parameters):
        used.add("local")
    return {module: [name for name in names if name in used] for module, names in _VOCABULARY.items()}


def _objects(binding: Binding) -> tuple[Object, ...]:
    return (*binding.nested, binding.request)


def _used(shown: Object) -> Iterator[str]:
    for parameter in shown.parameters:
        yield from _words(field(parameter))
        if not parameter.required:
            yield "OMIT"
    if shown.checks_extra:
        yield "Field"
        yield from _words(annotation(cast(Type, shown.extra)))


def _words(text: str) -> Iterator[str]:
    """The names in an annotation; strings in it are not names."""
    for node in ast.walk(ast.parse(text, mode="eval")):
        if isinstance(node, ast.Name):
            yield node.id


def _literals(values: Iterable[Any]) -> str:
    return f"Literal[{', '.join(map(literal, values))}]"


def _annotated(base: str, bounds: tuple[Bound, ...], *checks: str) -> str:
    arguments = ", ".join(f"{bound.name}={literal(bound.value)}" for bound in bounds)
    metadata = [*([f"Field({arguments})"] if bounds else []), *checks]
    return f"Annotated[{', '.join([base, *metadata])}]" if metadata else base


def _visible(char: str) -> str:
    """Blank for any white space but a line's end; what cannot be seen as its escape."""
    if char in "\n\u00a0" or _is_visible(char):
        return char
    return " " if char.isspace() else _escape(char)


def _is_visible(char: str) -> bool:
    """Whether a character is one to see, to every Python: what they know of Unicode differs."""
    # That Unicode took a soft hyphen for a dash.
    return char == " " or (char != "\u00ad" and ucd_3_2_0.category(char)[0] not in "CZ")


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
