"""Python names for what the hub calls by any string at all.

Names are plain ASCII, so that no two of them look alike; the wire name is kept beside them, never
derived back from them.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import islice
from unicodedata import ucd_3_2_0

from .derive import REPLACED

# Public attributes of pydantic's BaseModel: a field of that name would hide the method or be
# refused. Written out, so that a pydantic release does not rename a parameter; a test compares.
_PYDANTIC = frozenset(
    "construct copy dict from_orm json parse_file parse_obj parse_raw schema schema_json "
    "update_forward_refs validate".split()
)
# What the emitted class and call use themselves, or are to have.
_OWN = frozenset(
    "body deprecated endpoint extra_body extra_headers from_body local model model_id num_generations "
    "options partial renamed request self timeout".split()
)
# Names that annotations in the same class or signature refer to.
_TYPES = frozenset("bool bytes cls dict float int list object str type".split())

# Names that an emitted module imports, and that no class of it may have.
EMITTED_NAMES = frozenset(
    "Annotated Any Audio AudioInput AudioRequest AudioResult ClassVar Client Coroutine Exact Extension "
    "False Family Field FileInput ImageInput ImageRequest ImageResult Images Job JobT Json JsonObject "
    "ListOf Literal MapOf Model ModelRemovedError None NotBool OMIT Object Omit OneOf Oxen RequestOptions "
    "ResultT Submit True Unpack VideoInput VideoRequest VideoResult Videos Whole".split()
)
# Names that the derivation of synchronous code replaces, or that the clients use themselves.
_DERIVED = frozenset({*REPLACED, "cached_property"})

_MODULE = re.compile(r"[a-z][a-z0-9_]*")
# Files of these names are devices on Windows, whatever their ending.
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
LONGEST = 100
"""Characters of a name that a word of the hub becomes; it is written some twenty times."""
_MOST_NAMED = 5
_WORD = re.compile(r"[a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(text: str) -> str:
    """`text` as lower-case ASCII words joined by underscores; "" when nothing of it is left."""
    return "_".join(_WORD.findall(_ascii(text)))


def pascal(name: str) -> str:
    """A snake-case name as a class name."""
    return "".join(word.capitalize() for word in name.split("_"))


def module_name(model_id: str, client: str = "") -> str:
    """The Python name of a model: its id in snake case.

    Args:
        model_id: The id.
        client: A class of the package that no model's may be called like.
    """
    name = snake(model_id)
    if keyword.iskeyword(name):
        name = f"{name}_"
    return name if is_module_name(name, client) else f"model_{name}".rstrip("_")


def is_snake_case(name: str) -> bool:
    """Whether a name is lower-case words, joined by underscores."""
    return bool(_MODULE.fullmatch(name))


def is_module_name(name: str, client: str = "") -> bool:
    """Whether a model may have that Python name."""
    if keyword.iskeyword(name) or name in _DERIVED or DEVICE.match(name) or not is_snake_case(name):
        return False
    class_name = pascal(name)
    taken = EMITTED_NAMES | {client}
    return not ({class_name, f"{class_name}Request"} & taken or class_name.startswith("Async"))


def taken(family: str, module: str) -> list[tuple[str, str]]:
    """The names that a model takes, each after the family whose namespace it is."""
    class_name = pascal(module)
    names = (module, class_name, f"{class_name}Request")
    # The client imports the stubs of all families.
    return [*((family, name) for name in names), ("", class_name)]


def sharing(names: Mapping[str, Iterable[tuple[str, str]]]) -> dict[str, tuple[str, list[str]]]:
    """The models that would have a name that others have, too: the name, and some of the others.

    Args:
        names: What each model takes, by id.
    """
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for model_id, each in names.items():
        for family_and_name in dict.fromkeys(each):
            owners[family_and_name].append(model_id)
    found: dict[str, tuple[str, list[str]]] = {}
    for (_, name), ids in owners.items():
        for model_id in ids if len(ids) > 1 else ():
            # Of thousands that are alike, each does not have to name all.
            others = list(islice((other for other in ids if other != model_id), _MOST_NAMED))
            found.setdefault(model_id, (name, others))
    return dict(sorted(found.items()))


def is_parameter_name(name: str) -> bool:
    """Whether a parameter may have that Python name."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def parameter_names(wires: Iterable[str]) -> Mapping[str, str]:
    """A Python name for each wire name, no two alike.

    A name that is not free gets a number. Who keeps the plain one is decided by the wire names
    alone, so that a reordered schema renames nothing: first the wire name that is it, then one that
    is reserved, then the alphabet.
    """
    wires = set(wires)
    names: dict[str, str] = {}
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    for wire in sorted(wires, key=lambda wire: (wire != _parameter(wire), wire != snake(wire), wire)):
        plain = name = _parameter(wire)
        while name in taken or (name in wires and name != wire):
            numbers[plain] += 1
            name = f"{plain}_{numbers[plain] + 1}"
        taken.add(name)
        names[wire] = name
    return names


def _parameter(wire: str) -> str:
    name = snake(_HUMP.sub("_", wire))[:LONGEST].rstrip("_")
    if not name or name[0].isdigit():
        name = f"param_{name}".rstrip("_")
    reserved = name in _PYDANTIC | _OWN | _TYPES | _DERIVED or name.startswith("model_")
    return f"{name}_" if reserved or keyword.iskeyword(name) else name


def _ascii(text: str) -> str:
    """Accents dropped, and any other letter as its code point, so that no two ids become one by it.

    By the Unicode of long ago, which every Python has: newer ones would name newer letters otherwise.
    """
    folded = ucd_3_2_0.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(
        char.lower() if char.isascii() else f" u{ord(char):04x} "
        for char in folded
        if not ucd_3_2_0.combining(char)
    )
