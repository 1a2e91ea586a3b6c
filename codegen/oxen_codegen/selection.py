"""Select the models of the package by id, developer, family and medium."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from .operations import find_family
from .records import Record

KEYS = ("ids", "developers", "families", "capabilities")

Filters = Mapping[str, tuple[str, ...]]
"""Values by key. A model matches a key if it matches one of the values."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The models that match every key of `include`, and no key of `exclude`."""

    include: Filters = field(default_factory=dict[str, tuple[str, ...]])
    exclude: Filters = field(default_factory=dict[str, tuple[str, ...]])

    def matches(self, record: Record) -> bool:
        """Return whether a model is part of the package."""
        return all(_matches(record, key, values) for key, values in self.include.items()) and not any(
            _matches(record, key, values) for key, values in self.exclude.items()
        )

    def ids_to_fetch(self, listed: Iterable[str]) -> list[str]:
        """Return the ids of models to request, judged by their ids alone.

        An id without wildcards in `include` is requested even if the list does not have it.
        """
        exact = [value for value in self.include.get("ids", ()) if not set(value) & set("*?[")]
        return self.filter_ids((*listed, *exact))

    def filter_ids(self, ids: Iterable[str]) -> list[str]:
        """Return the ids that the filters for ids select."""
        by_id = Selection(
            *({"ids": filters["ids"]} if "ids" in filters else {} for filters in (self.include, self.exclude))
        )
        return [model_id for model_id in dict.fromkeys(ids) if by_id.matches(Record({"id": model_id}))]

    def unlisted(self, listed: Iterable[str], recorded: Iterable[str]) -> list[str]:
        """Return the recorded ids that the list of the server lacks; the models may exist nevertheless."""
        return self.filter_ids(sorted({*recorded} - {*listed}))

    def unmatched_filters(self, records: Iterable[Record]) -> Iterator[tuple[str, str]]:
        """Yield the values that no recorded model matches, each with its location in the configuration."""
        # A model that is excluded by its id is not requested, so it is not recorded.
        yield from self._unmatched(records, lambda location: location != "exclude.ids")

    def unmatched_ids(self, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield the filters for ids that no id matches, each with its location in the configuration."""
        records = [Record({"id": model_id}) for model_id in ids]
        yield from self._unmatched(records, lambda location: location.endswith(".ids"))

    def _unmatched(
        self, records: Iterable[Record], is_checked: Callable[[str], bool]
    ) -> Iterator[tuple[str, str]]:
        records = tuple(records)
        for name, filters in (("include", self.include), ("exclude", self.exclude)):
            for key, values in filters.items():
                for value in values if is_checked(f"{name}.{key}") else ():
                    if not any(_matches(record, key, (value,)) for record in records):
                        yield f"{name}.{key}", value


def _matches(record: Record, key: str, values: tuple[str, ...]) -> bool:
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
    """Return the family of a model without reading its schema, so that an invalid model can be excluded."""
    return find_family(record.media("output"), record.text("endpoint"), has_schema=record.schema is not None)
