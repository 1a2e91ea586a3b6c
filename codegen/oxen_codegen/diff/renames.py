"""Removals that may be renames: proposed with the evidence, beside the changes and never instead of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import product

from ..bind import Model
from ..json_types import json_equal
from ..names import snake
from ..normalize import Node
from .nodes import Place, join

_snake = lru_cache(snake)
_ENOUGH = 3
_SIMILAR = 0.6
# Where more than that comes and goes at once, it is another catalogue, and pairs are only chance.
_MOST_PAIRS = 2500

Evidence = list[tuple[int, str]]
"""What speaks for a rename, with its weight."""


def parameters(path: str, old: Place, new: Place) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Properties of one object that may have another name: old path, new path and evidence."""
    was, now = old.node["properties"], new.node["properties"]

    def evidence(one: str, other: str) -> Evidence:
        return _of_parameters(one, old, other, new)

    for one, other, why in _pairs(was.keys() - now.keys(), now.keys() - was.keys(), evidence):
        yield join(path, one), join(path, other), why


def models(gone: Iterable[Model], come: Iterable[Model]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Models that may have another id: old id, new id and evidence."""
    olds = {model.record.id: model for model in gone}
    news = {model.record.id: model for model in come}
    yield from _pairs(olds, news, lambda one, other: _of_models(olds[one], news[other]))


def _pairs(
    gone: Iterable[str], come: Iterable[str], evidence: Callable[[str, str], Evidence]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The likeliest pairs, each name in one of them at most."""
    olds, news = sorted(gone), sorted(come)
    if len(olds) * len(news) > _MOST_PAIRS:
        return
    weighed = [(evidence(one, other), one, other) for one, other in product(olds, news)]
    weighed.sort(key=lambda each: (-_weight(each[0]), each[1:]))
    taken: set[str] = set()
    for found, one, other in weighed:
        if _weight(found) >= _ENOUGH and not taken & {f"-{one}", f"+{other}"}:
            taken |= {f"-{one}", f"+{other}"}
            yield one, other, tuple(text for _, text in found)


def _weight(evidence: Evidence) -> int:
    return sum(weight for weight, _ in evidence)


def _of_parameters(one: str, old: Place, other: str, new: Place) -> Evidence:
    was, now = old.property(one), new.property(other)
    said, says = old.node["said"].get(one, {}), new.node["said"].get(other, {})
    found = _of_names(one, other)
    if was.node == now.node and was.node:
        found.append((2, "the same values") if len(was.node) > 1 else (1, "the same type"))
    if said.get("description") and said["description"] == says.get("description"):
        found.append((2, "the same description"))
    if said.get("default") is not None and json_equal(said["default"], says.get("default")):
        found.append((1, "the same default"))
    if "x-order" in was.raw and was.raw["x-order"] == now.raw.get("x-order"):
        found.append((1, "the same place"))
    return found


def _of_models(old: Model, new: Model) -> Evidence:
    if old.endpoint != new.endpoint:
        return []
    found = _of_names(old.record.id, new.record.id)
    one, other = _parameters(old), _parameters(new)
    shared = len(one & other)
    if one and one == other:
        found.append((3 if len(one) > 2 else 2, "the same parameters"))
    elif shared >= 0.8 * len(one | other) > 0:
        found.append((2, f"{shared} of {len(one)} parameters are the same"))
    for weight, what, was, now in (
        (2, "name", old.record.text("display_name"), new.record.text("display_name")),
        (1, "developer", old.record.developer, new.record.developer),
    ):
        if was and was == now:
            found.append((weight, f"the same {what}"))
    return found


def _of_names(one: str, other: str) -> Evidence:
    old, new = _snake(one), _snake(other)
    if old == new:
        return [(3, "the same name but for its spelling")]
    words, others = set(old.split("_")), set(new.split("_"))
    return [(2, "a similar name")] if words <= others or others <= words or _is_similar(old, new) else []


def _is_similar(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, one, other)
    ratios = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)  # each at least the next
    return all(ratio() >= _SIMILAR for ratio in ratios)


def _parameters(model: Model) -> frozenset[tuple[str, str]]:
    properties: dict[str, Node] = model.node["properties"] if model.node else {}
    return frozenset((wire, json.dumps(node, sort_keys=True)) for wire, node in properties.items())
