"""Propose renames for removals and additions, with the evidence. The changes themselves stay as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import product

from ..accepted_values import Node
from ..json_types import json_equal
from ..names import snake
from ..resolve import ResolvedModel
from .nodes import Schema, join_path

_snake = lru_cache(snake)
_MIN_WEIGHT = 3
_MIN_SIMILARITY = 0.6
_MAX_PAIRS = 2500  # with more, the catalogues have little in common, and matches are coincidence

Evidence = list[tuple[int, str]]
"""Reasons to assume a rename, each with its weight."""


def find_parameter_renames(path: str, old: Schema, new: Schema) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the old path, new path and evidence of each property of an object that may be renamed."""
    removed = old.node["properties"].keys() - new.node["properties"].keys()
    added = new.node["properties"].keys() - old.node["properties"].keys()

    def evidence(old_name: str, new_name: str) -> Evidence:
        return _parameter_evidence(old_name, old, new_name, new)

    for old_name, new_name, reasons in _match(removed, added, evidence):
        yield join_path(path, old_name), join_path(path, new_name), reasons


def find_model_renames(
    removed: Iterable[ResolvedModel], added: Iterable[ResolvedModel]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the old id, new id and evidence of each model that may be renamed."""
    old = {model.record.id: model for model in removed}
    new = {model.record.id: model for model in added}
    yield from _match(old, new, lambda old_id, new_id: _model_evidence(old[old_id], new[new_id]))


def _match(
    removed: Iterable[str], added: Iterable[str], evidence: Callable[[str, str], Evidence]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the pairs with the strongest evidence; each name is in at most one pair."""
    old_names, new_names = sorted(removed), sorted(added)
    if len(old_names) * len(new_names) > _MAX_PAIRS:
        return
    candidates = [(evidence(old, new), old, new) for old, new in product(old_names, new_names)]
    candidates.sort(key=lambda candidate: (-_weight(candidate[0]), candidate[1:]))
    matched_old: set[str] = set()
    matched_new: set[str] = set()
    for found, old, new in candidates:
        if _weight(found) >= _MIN_WEIGHT and old not in matched_old and new not in matched_new:
            matched_old.add(old)
            matched_new.add(new)
            yield old, new, tuple(reason for _, reason in found)


def _weight(evidence: Evidence) -> int:
    return sum(weight for weight, _ in evidence)


def _parameter_evidence(old_name: str, old: Schema, new_name: str, new: Schema) -> Evidence:
    a, b = old.property(old_name), new.property(new_name)
    a_said, b_said = old.node["annotations"].get(old_name, {}), new.node["annotations"].get(new_name, {})
    found = _name_evidence(old_name, new_name)
    if a.node == b.node and a.node:
        found.append((2, "same values") if len(a.node) > 1 else (1, "same type"))
    if a_said.get("description") and a_said["description"] == b_said.get("description"):
        found.append((2, "same description"))
    if a_said.get("default") is not None and json_equal(a_said["default"], b_said.get("default")):
        found.append((1, "same default"))
    if "x-order" in a.raw and a.raw["x-order"] == b.raw.get("x-order"):
        found.append((1, "same position"))
    return found


def _model_evidence(old: ResolvedModel, new: ResolvedModel) -> Evidence:
    if old.operation != new.operation:
        return []
    found = _name_evidence(old.record.id, new.record.id)
    a, b = _parameters(old), _parameters(new)
    common = len(a & b)
    if a and a == b:
        found.append((3 if len(a) > 2 else 2, "same parameters"))
    elif common >= 0.8 * len(a | b) > 0:
        found.append((2, f"{common} of {len(a)} parameters are the same"))
    if old.record.text("display_name") and old.record.text("display_name") == new.record.text("display_name"):
        found.append((2, "same display name"))
    return found


def _name_evidence(old_name: str, new_name: str) -> Evidence:
    a, b = _snake(old_name), _snake(new_name)
    if a == b:
        return [(3, "same name in another spelling")]
    a_words, b_words = set(a.split("_")), set(b.split("_"))
    is_similar = a_words <= b_words or b_words <= a_words or _is_similar(a, b)
    return [(2, "similar name")] if is_similar else []


def _is_similar(a: str, b: str) -> bool:
    matcher = SequenceMatcher(None, a, b)
    # Each ratio is an upper bound of the next, which costs more.
    ratios = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)
    return all(ratio() >= _MIN_SIMILARITY for ratio in ratios)


def _parameters(model: ResolvedModel) -> frozenset[tuple[str, str]]:
    properties: dict[str, Node] = model.node["properties"] if model.node else {}
    return frozenset((name, json.dumps(node, sort_keys=True)) for name, node in properties.items())
