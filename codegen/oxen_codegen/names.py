"""Convert model ids and parameter names to Python identifiers.

Names are ASCII, so that no two names look alike. The wire name is stored beside the Python name, never
derived from it.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from unicodedata import ucd_3_2_0

# Public attributes of pydantic's BaseModel and of its metaclass: a field of that name would hide a method,
# get it as its default, or be rejected. It is a constant, so that a pydantic release does not rename a
# parameter; a test compares it with the installed pydantic.
_PYDANTIC = frozenset(
    "construct copy dict from_orm json model_computed_fields model_config model_construct model_copy "
    "model_dump model_dump_json model_extra model_fields model_fields_set model_json_schema "
    "model_parametrized_name model_post_init model_rebuild model_validate model_validate_json "
    "model_validate_strings mro parse_file parse_obj parse_raw register schema schema_json "
    "update_forward_refs validate".split()
)
# Names that the emitted classes and calls use.
_OWN = frozenset(
    "billed_parameters body deprecated endpoint estimate extra_body extra_headers from_body image_parameters "
    "model model_id num_generations options partial renamed request self timeout".split()
)
# Names in the annotations of the emitted classes and calls.
_TYPES = frozenset("bool bytes cls dict float int list object str type".split())
_RESERVED = _PYDANTIC | _OWN | _TYPES

# Names that an emitted module imports, and that its classes must not have.
EMITTED_NAMES = frozenset(
    "Annotated Any Audio AudioInput AudioRequest AudioResult Callable Chat ChatStream ClassVar Client "
    "Completion Coroutine EnumValues ExactLimits Extension False Family Field FileInput ImageInput "
    "ImageRequest ImageResult Images IntegerInput IntegralFloat Iterable Job JobT Json JsonObject "
    "LazyModule ListOf Literal MapOf Model ModelRemovedError None NumberInput OMIT Object Omit Oxen "
    "PathLike PreserveInt RejectBool RequestOptions ResultT Sequence Submit True TypeAlias Unpack "
    "VideoInput VideoRequest VideoResult Videos".split()
)

_MODULE = re.compile(r"[a-z][a-z0-9_]*")
# Files of these names are devices on Windows, with any extension.
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
MAX_NAME_LENGTH = 100
"""The maximal length of a name that is made from API text; it appears about twenty times in a module."""
MAX_LISTED_IDS = 5
_WORD = re.compile(r"[a-z0-9]+")
# Words that are written with capitals inside.
_MIXED_WORD = re.compile(r"(?:Q?[Ll]o|[Dd]o)RA|LyCORIS|PuLID")
# A number with a letter, such as 3D and 4K.
_SIZE = r"[0-9]+[A-Z](?=[A-Z][a-z]|[^A-Za-z]|$)"
_HUMP = re.compile(
    r"(?<=[a-z])(?=[A-Z])"  # guidance|Scale
    r"|(?<=[0-9])(?=[A-Z])(?![A-Z](?=[A-Z][a-z]|[^A-Za-z]|$))"  # h264|Codec, but 3D
    r"|(?<=[A-Z])(?=[A-Z][a-z])(?![A-Z]s(?![a-z]))"  # CFG|Scale, but URLs
    rf"|(?<=[a-z])(?={_SIZE})"  # enable|3D
)


def snake(text: str) -> str:
    """Return `text` in snake case: lower-case ASCII words joined by underscores; "" if it has none."""
    return "_".join(_WORD.findall(_to_ascii(text)))


def split_words(text: str) -> str:
    """Return `text` with an underscore at each word that begins with a capital: CFGScale is CFG_Scale."""
    if text.islower():
        return text
    return _HUMP.sub("_", _MIXED_WORD.sub(lambda word: word[0].capitalize(), text))


def pascal(name: str) -> str:
    """Return a snake-case name in Pascal case."""
    return "".join(word.capitalize() for word in name.split("_"))


def module_name(model_id: str, client: str = "") -> str:
    """Return the Python name of a model: its id in snake case.

    Args:
        model_id: The id.
        client: A class name of the package that the model's class must not have.
    """
    name = snake(model_id)
    if keyword.iskeyword(name):
        name = f"{name}_"
    return name if is_module_name(name, client) else f"model_{name}".rstrip("_")


def is_snake_case(name: str) -> bool:
    """Return whether a name is in snake case."""
    return bool(_MODULE.fullmatch(name))


def is_module_name(name: str, client: str = "") -> bool:
    """Return whether a model can have a Python name."""
    if keyword.iskeyword(name) or name == "cached_property" or DEVICE.match(name) or not is_snake_case(name):
        return False
    class_name = pascal(name)
    reserved = EMITTED_NAMES | {client}
    return not ({class_name, f"{class_name}Request"} & reserved or class_name.startswith("Async"))


def reserved_names(family: str, module: str) -> list[tuple[str, str]]:
    """Return the names that a model uses, each with the family in whose namespace it is."""
    class_name = pascal(module)
    names = (module, class_name, f"{class_name}Request")
    # The client has the classes of all families in its namespace.
    return [*((family, name) for name in names), ("", class_name)]


def find_collisions(names: Mapping[str, Iterable[tuple[str, str]]]) -> dict[str, tuple[str, list[str]]]:
    """Return the models with a name that other models use as well: the name, and some of the other ids.

    Args:
        names: The reserved names of each model, by id.
    """
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for model_id, reserved in names.items():
        for family_and_name in dict.fromkeys(reserved):
            owners[family_and_name].append(model_id)
    collisions: dict[str, tuple[str, list[str]]] = {}
    for (_, name), ids in owners.items():
        for model_id in ids if len(ids) > 1 else ():
            # Not all of the other ids, because thousands of models may collide.
            others = list(islice((other for other in ids if other != model_id), MAX_LISTED_IDS))
            collisions.setdefault(model_id, (name, others))
    return dict(sorted(collisions.items()))


def rename_nested_classes(
    models: Mapping[str, tuple[str, str, Sequence[str]]],
) -> dict[str, dict[str, str]]:
    """Return new names of nested classes whose name another class of the family has, by model id.

    Nested classes have names that the generator chose, so that they never make a model fail: the classes of
    models keep their names, and of nested classes that of the first id.

    Args:
        models: The family, the Python name and the names of the nested classes of each model, by id.
    """
    used = {name for family, module, _ in models.values() for name in reserved_names(family, module)}
    chosen = {(family, name) for family, _, nested in models.values() for name in nested}
    renamed: dict[str, dict[str, str]] = {}
    for model_id, (family, _, nested) in sorted(models.items()):
        for plain in nested:
            name, number = plain, 1
            while (family, name) in used or (number > 1 and (family, name) in chosen):
                number += 1
                name = f"{plain}{number}"
            used.add((family, name))
            if name != plain:
                renamed.setdefault(model_id, {})[plain] = name
    return renamed


def is_parameter_name(name: str) -> bool:
    """Return whether a parameter can have a Python name."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def parameter_names(wire_names: Iterable[str]) -> Mapping[str, str]:
    """Return a unique Python name for each wire name.

    Of several wire names with the same Python name, one gets it and the others get it with a number. The
    order depends on the wire names only, so that a reordered schema renames nothing: first the wire name that
    equals the Python name, then one that is reserved, then the alphabet.
    """
    wire_names = set(wire_names)
    plain_names = {wire: _parameter_name(wire) for wire in wire_names}
    names: dict[str, str] = {}
    used: set[str] = set()
    numbers: Counter[str] = Counter()
    for wire_name in sorted(
        wire_names, key=lambda wire: (wire != plain_names[wire], wire != snake(wire), wire)
    ):
        plain = name = plain_names[wire_name]
        while name in used or (name in wire_names and name != wire_name):
            numbers[plain] += 1
            name = f"{plain}_{numbers[plain] + 1}"
        used.add(name)
        names[wire_name] = name
    return names


def _parameter_name(wire_name: str) -> str:
    name = snake(split_words(wire_name))[:MAX_NAME_LENGTH].rstrip("_")
    if not name or name[0].isdigit():
        name = f"param_{name}".rstrip("_")
    is_reserved = name in _RESERVED or keyword.iskeyword(name)
    return f"{name}_" if is_reserved else name


def _to_ascii(text: str) -> str:
    """Remove accents, and replace any other letter by its code point, so that ids stay distinct.

    Every Python has Unicode 3.2; with its own Unicode, another Python could make other names.
    """
    if text.isascii():
        return text.lower()
    folded = ucd_3_2_0.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(
        char.lower() if char.isascii() else f" u{ord(char):04x} "
        for char in folded
        if not ucd_3_2_0.combining(char)
    )
