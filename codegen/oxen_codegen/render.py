"""Jinja environment and filters that turn specifications into source text."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast
from unicodedata import ucd_3_2_0

from jinja2 import BaseLoader, Environment, StrictUndefined

from .describe import NO_BREAK
from .diagnostics import ModelError
from .spec import (
    ChatSpec,
    ClassType,
    EnumType,
    Limit,
    ListType,
    MappingType,
    ModelSpec,
    NamedType,
    ObjectSpec,
    Parameter,
    Type,
    UnionType,
    map_parts,
)

LINE_LENGTH = 110
# A string literal, as repr() writes it, or a name.
_STRING_OR_NAME = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?<![\w.])([A-Za-z_]\w*)""")
_UNUSUAL_CHARACTER = re.compile(r"[^\n -~]")
_CLOSING_QUOTES = re.compile(r'"{3,}|"+\Z')

# The modules of the names that an emitted module may use.
_IMPORTS = {
    "typing": ("Annotated", "ClassVar", "Literal", "TypeAlias", "Unpack"),
    "pydantic": ("Field",),
    "fields": (
        "OMIT", "EnumValues", "ExactLimits", "IntegerInput", "IntegralFloat", "Json", "JsonObject", "ListOf",
        "MapOf", "NumberInput", "Omit", "PreserveInt", "RejectBool",
    ),
    "media": ("AudioInput", "FileInput", "ImageInput", "VideoInput"),
}  # fmt: skip

# Names of the types that include numbers of other libraries.
_NUMBERS = {"int": "IntegerInput", "float": "NumberInput"}


def create_environment(loader: BaseLoader) -> Environment:
    """Return a Jinja environment with the filters that texts of the API have to pass."""
    environment = Environment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python, not HTML
    )
    filters: dict[str, Any] = {
        "annotation": format_annotation,
        "dict_hint": format_dict_hint,
        "docstring": format_docstring,
        "field": format_field,
        "hint": format_hint,
        "imports": find_imports,
        "literal": format_literal,
        "literals": format_literals,
    }
    environment.filters.update(filters)
    return environment


def format_literal(value: Any) -> str:
    """Return a value of the API as a Python literal."""
    text = repr(value)
    if text.isascii():  # and printable, because of repr
        return text
    return "".join(char if is_visible(char) else _escape(char) for char in text)


# The same texts occur in many models, and each of them in a request and in a call.
@lru_cache(maxsize=4096)
def format_docstring(text: str, indent: int = 0, hanging: int = 0) -> str:
    """Return a text of the API as it may stand between triple quotes.

    Args:
        text: Paragraphs, which are wrapped.
        indent: Columns of indentation of every line but the first.
        hanging: Additional columns of indentation, for the second and further lines of a paragraph.

    Raises:
        ModelError: The escaped text does not evaluate to the original.
    """
    visible = make_visible(text)
    width = LINE_LENGTH - indent - 2 * len('"""')
    paragraphs = [
        textwrap.fill(
            paragraph,
            width,
            subsequent_indent=" " * hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for paragraph in visible.split("\n\n")
    ]
    meant = "\n\n".join(paragraphs).replace(NO_BREAK, " ")
    meant = "\n".join(
        f"{' ' * indent}{line}" if line and number else line for number, line in enumerate(meant.split("\n"))
    )
    # Quotes that would close the docstring, inside it or just before its own quotes.
    escaped = _CLOSING_QUOTES.sub(lambda quotes: '\\"' * len(quotes[0]), meant.replace("\\", "\\\\"))
    if ast.literal_eval(f'"""{escaped}"""') != meant:
        raise ModelError("a text of the model cannot be written as a docstring")
    return escaped


def format_annotation(type_: Type) -> str:
    """Return a type as the annotation of a field, with everything that is validated."""
    match type_:
        case NamedType("int", limits):
            return _annotated("IntegerInput", limits, "IntegralFloat")
        case NamedType("float", limits, is_exact=True):
            return f"Annotated[NumberInput, ExactLimits({_arguments(limits)}), PreserveInt]"
        case NamedType("float", limits):
            return _annotated("NumberInput", limits, "PreserveInt")
        case NamedType(name, limits):
            return _annotated(name, limits)
        case EnumType(values, None, rejects_bool, alias):
            return _annotated(alias or format_literals(values), (), *(["RejectBool"] if rejects_bool else []))
        case EnumType(values, base):
            return _annotated(
                _NUMBERS.get(str(base), str(base)),
                (),
                f"EnumValues({', '.join(map(format_literal, values))})",
            )
        case ListType(item, limits):
            return _annotated(f"ListOf[{format_annotation(item)}]", limits)
        case MappingType(value):
            return f"MapOf[{format_annotation(value)}]"
        case ClassType(class_name):
            return class_name
        case UnionType(members):
            return " | ".join(map(format_annotation, _move_none(members)))


def _move_none(members: tuple[Type, ...]) -> tuple[Type, ...]:
    """Return the members of a union with None as a value of its enum, so that an error lists it."""
    none, enums = NamedType("None"), [member for member in members if isinstance(member, EnumType)]
    if none not in members or len(enums) != 1:
        return members
    [enum] = enums
    nullable = replace(
        enum,
        values=(*enum.values, None),
        base=enum.base and f"{_NUMBERS.get(enum.base, enum.base)} | None",
        alias=enum.alias and f"Literal[{enum.alias}, None]",
    )
    return tuple(nullable if member is enum else member for member in members if member != none)


def format_field(parameter: Parameter) -> str:
    """Return the annotation of a field, with its wire name and whether it may be omitted."""
    text = format_annotation(parameter.type)
    if not parameter.required:
        text = f"{text} | Omit"
    if parameter.alias is None:
        return text
    return f"Annotated[{text}, Field(alias={format_literal(parameter.alias)})]"


def format_hint(type_: Type) -> str:
    """Return a type as the annotation of a call's parameter, with what type checkers check."""
    match type_:
        case NamedType(name):
            return _NUMBERS.get(name, name)
        case EnumType(values, None, alias=alias):
            return alias or format_literals(values)
        case EnumType(_, base):
            return _NUMBERS.get(str(base), str(base))
        case ListType(item):
            return f"ListOf[{format_hint(item)}]"
        case MappingType(value):
            return f"MapOf[{format_hint(value)}]"
        case ClassType(class_name):
            return class_name
        case UnionType(members):
            return " | ".join(dict.fromkeys(map(format_hint, members)))


def format_dict_hint(type_: Type) -> str:
    """Return a type as `format_hint` does, with the `TypedDict` of each class beside it."""
    return format_hint(map_parts(type_, _add_dict))


def _add_dict(part: Any) -> Any:
    if isinstance(part, ClassType):
        return UnionType((part, ClassType(f"{part.class_name}Dict")))
    return part


def find_imports(spec: ModelSpec | ChatSpec) -> dict[str, list[str]]:
    """Return the names that the module of a model, or of chat, imports, by the module they come from."""
    used = {name for object_ in (*spec.nested, spec.request) for name in _find_names(object_)}
    if isinstance(spec, ChatSpec):
        used |= {"Literal", "Unpack"}
    else:
        used.add("ClassVar")
        used |= {"Literal", "TypeAlias"} if spec.aliases else set[str]()
    if isinstance(spec, ModelSpec) and spec.removal is None:
        used.add("Unpack")
    return {module: [name for name in names if name in used] for module, names in _IMPORTS.items()}


def _find_names(object_: ObjectSpec) -> Iterator[str]:
    for parameter in object_.parameters:
        yield from _split_names(format_field(parameter))
        if not parameter.required:
            yield "OMIT"
    if object_.validates_extra:
        yield "Field"
        yield from _split_names(format_annotation(cast(Type, object_.extra)))


def _split_names(annotation: str) -> Iterator[str]:
    """Yield the names in an annotation, but not the strings."""
    return (match[1] for match in _STRING_OR_NAME.finditer(annotation) if match[1])


def format_literals(values: Iterable[Any]) -> str:
    """Return the type of one of several values."""
    return f"Literal[{', '.join(map(format_literal, values))}]"


def _annotated(base: str, limits: tuple[Limit, ...], *validators: str) -> str:
    metadata = [*([f"Field({_arguments(limits)})"] if limits else []), *validators]
    return f"Annotated[{', '.join([base, *metadata])}]" if metadata else base


def _arguments(limits: tuple[Limit, ...]) -> str:
    return ", ".join(f"{limit.name}={format_literal(limit.value)}" for limit in limits)


def make_visible(text: str) -> str:
    """Return a text of the API with invisible characters escaped; line breaks stay."""
    return _UNUSUAL_CHARACTER.sub(lambda match: _make_char_visible(match[0]), text)


def _make_char_visible(char: str) -> str:
    """Return a space for any white space but a line break, and the escape of an invisible character."""
    if char in f"\n{NO_BREAK}" or is_visible(char):
        return char
    return " " if char.isspace() else _escape(char)


def is_visible(char: str) -> bool:
    """Return whether a character is visible or a space, by the oldest Unicode that every Python includes."""
    # That version classifies a soft hyphen as a dash.
    return char == " " or (char != "\u00ad" and ucd_3_2_0.category(char)[0] not in "CZ")


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
