"""Which of the hub's models are built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from .endpoints import find_endpoint
from .records import Record

KEYS = ("ids", "developers", "families", "capabilities")

Rules = Mapping[str, tuple[str, ...]]
"""Values by key; a model fits a key that it fits one value of."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The models that fit every key of `include`, and no key of `exclude`."""

    include: Rules = field(default_factory=dict[str, tuple[str, ...]])
    exclude: Rules = field(default_factory=dict[str, tuple[str, ...]])

    def takes(self, record: Record) -> bool:
        """Whether a model is built."""
        return all(_fits(record, key, values) for key, values in self.include.items()) and not any(
            _fits(record, key, values) for key, values in self.exclude.items()
        )

    def wanted(self, listed: Iterable[str]) -> list[str]:
        """The models to ask a hub for: what can be told by the ids that it lists.

        A whole id among the patterns is asked for even where the list does not have it.
        """
        named = [each for each in self.include.get("ids", ()) if not set(each) & set("*?[")]
        return self.by_id((*listed, *named))

    def by_id(self, ids: Iterable[str]) -> list[str]:
        """Of some models, those that may be built, as far as their ids tell."""
        rules = Selection(*({"ids": rules["ids"]} if "ids" in rules else {} for rules in self._both()))
        return [each for each in dict.fromkeys(ids) if rules.takes(Record({"id": each}))]

    def unlisted(self, listed: Iterable[str], known: Iterable[str]) -> list[str]:
        """The known models that the hub's list lacks; only asking for each tells whether it is gone."""
        return self.by_id(sorted({*known} - {*listed}))

    def idle(self, records: Iterable[Record]) -> Iterator[tuple[str, str]]:
        """The values that no recorded model fits, each after where it stands."""
        # What is excluded by its id was never asked for, so that there is no record of it.
        yield from self._idle(records, lambda place: place != "exclude.ids")

    def idle_ids(self, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The ids that no model of a hub fits, each after where it stands."""
        records = [Record({"id": each}) for each in ids]
        yield from self._idle(records, lambda place: place.endswith(".ids"))

    def _idle(self, records: Iterable[Record], is_known: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        records = tuple(records)
        for name, rules in zip(("include", "exclude"), self._both(), strict=True):
            for key, values in rules.items():
                for value in values if is_known(f"{name}.{key}") else ():
                    if not any(_fits(record, key, (value,)) for record in records):
                        yield f"{name}.{key}", value

    def _both(self) -> tuple[Rules, Rules]:
        return self.include, self.exclude


def _fits(record: Record, key: str, values: tuple[str, ...]) -> bool:
    match key:
        case "ids":
            return any(fnmatchcase(record.id, pattern) for pattern in values)
        case "developers":
            developer = (record.developer or "").casefold()
            return any(developer == value.casefold() for value in values)
        case "families":
            return _family(record) in values
        case _:
            return bool({*record.media("input"), *record.media("output")} & {*values})


def _family(record: Record) -> str | None:
    """Known without the schema, so that a model whose schema is broken can be left out by it."""
    endpoint = find_endpoint(
        record.text("endpoint"), record.media("input"), record.media("output"), requires_image=False
    )
    return endpoint.family if endpoint else None
