"""Python names for what the hub calls by any string at all.

Names are plain ASCII, so that no two of them look alike; the wire name is kept beside them, never
derived back from them.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping

# Public attributes of pydantic's BaseModel: a field of that name would hide the method or be
# refused. Written out, so that a pydantic release does not rename a parameter; a test compares.
_PYDANTIC = frozenset(
    "construct copy dict from_orm json parse_file parse_obj parse_raw schema schema_json "
    "update_forward_refs validate".split()
)
# What the emitted class and call use themselves.
_OWN = frozenset(
    "body checked endpoint extra_body extra_headers from_body local model model_id request self "
    "timeout".split()
)
# Names that annotations in the same class or signature refer to.
_TYPES = frozenset("bool bytes cls dict float int list object str type".split())

_WORD = re.compile(r"[a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(text: str) -> str:
    """`text` as lower-case ASCII words joined by underscores; "" when nothing of it is left."""
    return "_".join(_WORD.findall(_ascii(text)))


def pascal(name: str) -> str:
    """A snake-case name as a class name."""
    return "".join(word.capitalize() for word in name.split("_"))


def module_name(model_id: str) -> str:
    """The Python name of a model: its id in snake case."""
    name = snake(model_id)
    if not name or name[0].isdigit():
        name = f"model_{name}".rstrip("_")
    return f"{name}_" if keyword.iskeyword(name) else name


def parameter_names(wires: Iterable[str]) -> Mapping[str, str]:
    """A Python name for each wire name, no two alike.

    A name that is not free gets a number. Who keeps the plain one is decided by the wire names
    alone, so that a reordered schema renames nothing: first the wire name that is it, then one that
    is reserved, then the alphabet.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for wire in sorted(wires, key=lambda wire: (wire != _parameter(wire), wire != snake(wire), wire)):
        plain = name = _parameter(wire)
        number = 2
        while name in taken:
            name = f"{plain}_{number}"
            number += 1
        taken.add(name)
        names[wire] = name
    return names


def _parameter(wire: str) -> str:
    name = snake(_HUMP.sub("_", wire))
    if not name or name[0].isdigit():
        name = f"param_{name}".rstrip("_")
    reserved = name in _PYDANTIC or name in _OWN or name in _TYPES or name.startswith("model_")
    return f"{name}_" if reserved or keyword.iskeyword(name) else name


def _ascii(text: str) -> str:
    """Accents dropped; any other letter as its code point, so that no two ids become one by it."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(
        char if char.isascii() else f" u{ord(char):04x} "
        for char in folded
        if not unicodedata.combining(char)
    )
