"""The catalogue: the models that were recorded when the package was generated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, SupportsIndex, TypeAlias, get_args, overload

from .lazy import LazyModule

if TYPE_CHECKING:
    from rich.table import Table

    from . import arguments, request as requests
    from .options import RequestOptions
    from .request import RequestT
else:
    arguments = LazyModule(f"{__package__}.arguments")
    requests = LazyModule(f"{__package__}.request")

Family: TypeAlias = Literal["images", "videos", "audio", "chat"]
Verb: TypeAlias = Literal["edit", "generate", "speak", "complete"]
MediaKind: TypeAlias = Literal["text", "image", "video", "audio"]
Task: TypeAlias = Literal[
    "text-to-image",
    "image-edit",
    "text-to-video",
    "image-to-video",
    "video-to-video",
    "audio-to-video",
    "text-to-audio",
    "chat",
]
_CLOSED_SETS = {"task": Task, "family": Family, "verb": Verb, "input": MediaKind, "output": MediaKind}
_COLUMNS = ("model", "developer", "tasks", "default cost", "summary")
_MIN_SUMMARY_WIDTH = 20
MAX_LISTED_NAMES = 10


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as it was when the package was generated."""

    id: str
    """The id of the model in the API."""
    display_name: str
    """The name of the model for readers."""
    summary: str | None
    """What the model does, in a sentence."""
    developer: str | None
    """The developer of the model."""
    family: str | None
    """The attribute of the client that has the model's call; None if it is unknown."""
    verb: str | None
    """The name of the call."""
    verbs: tuple[str, ...]
    """The names of the call: `generate` and `edit` for an image model with an optional input image."""
    inputs: tuple[str, ...]
    """The kinds of input: text, image, video, audio."""
    outputs: tuple[str, ...]
    """The kinds of output."""
    tasks: tuple[str, ...]
    """What the model can be used for, each a `Task`."""
    parameters: tuple[str, ...]
    """The names of the parameters of the call; empty for a model without a typed call."""
    price: str | None
    """The price in words; None if the API stated none."""
    default_cost: tuple[Decimal, Decimal] | None
    """The lowest and the highest cost in dollars of a request with default values, as `Request.estimate`
    returns them; None if there is no estimate.
    """
    module: str | None
    """The module with the request and the call; None for a model without a typed call."""
    schema_digest: str | None
    """The hexadecimal SHA-256 of the parameter schema; None for a model without one."""
    changed: str | None
    """The day on which the record last changed, as YYYY-MM-DD."""

    def request(self, **parameters: Any) -> requests.Request:
        """Return a validated request of the class of the model. Sends nothing.

        Args:
            parameters: The parameters of the call. They are checked at run time only; a string for a medium
                is a URL or a path, as in the call.

        Raises:
            ConfigurationError: The package has no typed call of the model.
            InvalidRequestError: A value does not match the schema.
            TypeError: A parameter is missing or does not exist.
        """
        from .errors import ConfigurationError
        from .model import Model

        if self.module is None or self.verb is None:
            hint = ": call oxen.chat.complete(), or make a ChatRequest" if self.family == "chat" else ""
            raise ConfigurationError(f"the package has no typed call of {self.id!r}{hint}")
        call = getattr(_find_class(self.module, Model)(_RequestBuilder()), self.verb)
        request: requests.Request = call(**parameters)
        return request

    def find_request_class(self) -> type[requests.Request] | None:
        """Return the class of the model's requests; None for a model without a typed call."""
        if self.module is None:
            return None
        found: type[requests.Request] = _find_class(self.module, requests.Request)
        return found


class ModelTable(list[ModelInfo]):
    """A list of models that a terminal and a notebook show as a table."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> ModelInfo: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: SupportsIndex | slice) -> ModelInfo | Self:
        found = super().__getitem__(index)
        return type(self)(found) if isinstance(found, list) else found

    def __repr__(self) -> str:
        from shutil import get_terminal_size

        rows = [_COLUMNS, *self._rows()]
        *widths, last = (max(map(len, column)) for column in zip(*rows, strict=True))
        used = sum(widths) + 2 * len(widths)
        last = min(last, max(_MIN_SUMMARY_WIDTH, get_terminal_size().columns - used))
        rows.insert(1, tuple("-" * width for width in (*widths, last)))
        return "\n".join(
            "  ".join([*map(str.ljust, row, widths), _truncate(row[-1], last)]).rstrip() for row in rows
        )

    __str__ = __repr__

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(*_COLUMNS)
        for row in self._rows():
            table.add_row(*map(Text, row))  # a plain string would be markup
        return table

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        rows = (
            "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row)
            for row in self._rows()
        )
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _rows(self) -> Iterator[tuple[str, ...]]:
        from oxen_models._runtime.json_schema.prices import format_range

        from .printable import escape_line

        for model in self:
            cost = format_range(*model.default_cost) if model.default_cost else ""
            cells = (model.id, model.developer or "", ", ".join(model.tasks), cost, model.summary or "")
            yield tuple(map(escape_line, cells))


class Catalog:
    """Recorded models, which can be filtered."""

    def __init__(self, models: tuple[ModelInfo, ...]) -> None:
        self._models = models

    def models(
        self,
        *,
        task: Task | None = None,
        accepts: Iterable[str] = (),
        max_price: Decimal | int | None = None,
        developer: str | None = None,
        search: str | None = None,
        family: Family | None = None,
        verb: Verb | None = None,
        input: MediaKind | None = None,
        output: MediaKind | None = None,
        typed: bool | None = None,
    ) -> ModelTable:
        """Return the models that match every filter, ordered by id. Sends nothing.

        Args:
            task: A use of the model.
            accepts: The names of parameters that the call has.
            max_price: The highest cost of a request with default values, in dollars. Models without an
                estimate do not match.
            developer: The developer, compared without regard to case.
            search: Words that are all in the id, the name, the developer or the summary.
            family: images, videos, audio or chat.
            verb: edit, generate, speak or complete, as any of the names of the call.
            input: A kind of input: text, image, video or audio.
            output: A kind of output.
            typed: Whether the package has a typed call for the model.

        Raises:
            ConfigurationError: A task, a family, a verb, a kind, a developer or a parameter does not exist,
                `max_price` is neither a `Decimal` nor an int, or a value has another type than the filter.
        """
        for name, value in (
            ("task", task), ("family", family), ("verb", verb), ("input", input), ("output", output)
        ):  # fmt: skip
            if value is not None:
                _check(name, value, get_args(_CLOSED_SETS[name]))
        if max_price is not None:
            from .pricing import validate_dollars

            validate_dollars("max_price", max_price)
        names = (accepts,) if isinstance(accepts, str) else tuple(arguments.check_items("accepts", accepts))
        for parameter in names:
            _check("accepts", parameter, {name for model in self._models for name in model.parameters})
        if developer is not None:
            developers = {model.developer for model in self._models if model.developer}
            _check("developer", developer, sorted(developers), ignore_case=True)
        if search is not None:
            arguments.check_string("search", search)
        if typed is not None:
            arguments.check_flag("typed", typed)
        words = (search or "").lower().split()
        return ModelTable(
            model
            for model in self._models
            if (task is None or task in model.tasks)
            and all(parameter in model.parameters for parameter in names)
            and (max_price is None or (model.default_cost is not None and model.default_cost[1] <= max_price))
            and (developer is None or (model.developer or "").lower() == developer.lower())
            and (family is None or model.family == family)
            and (verb is None or verb in model.verbs)
            and (input is None or input in model.inputs)
            and (output is None or output in model.outputs)
            and (typed is None or (model.module is not None) == typed)
            and (not words or _matches(model, words))
        )

    def get(self, id: str) -> ModelInfo:
        """Return the model with an id.

        Raises:
            KeyError: No model has this id.
        """
        for model in self._models:
            if model.id == id:
                return model
        from oxen_models._runtime.suggestions import suggest_similar

        similar = suggest_similar(str(id), (model.id for model in self._models))
        raise KeyError(f"no model {id!r:.80}{similar}")


class _RequestBuilder:
    """Builds the requests of a call, and sends nothing."""

    base_url = ""

    def send(self, build: partial[RequestT], options: RequestOptions) -> RequestT:
        from .request import build_request

        for name in options:
            raise TypeError(f"request() got an unexpected keyword argument {name!r}")
        return build_request(build)

    def to_queue(self) -> Self:
        return self


def _find_class(module: str, base: type) -> Any:
    """Return the only class of a module with a base class."""
    from importlib import import_module

    values: list[Any] = list(vars(import_module(module)).values())
    [found] = [
        value
        for value in values
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module
    ]
    return found


def _matches(model: ModelInfo, words: list[str]) -> bool:
    text = " ".join(filter(None, (model.id, model.display_name, model.developer, model.summary))).lower()
    return all(word in text for word in words)


def _check(name: str, value: str, known: Collection[str], *, ignore_case: bool = False) -> None:
    """Raise if a value of a filter does not exist, because no model could match it."""
    arguments.check_string(name, value)
    if value in known or (ignore_case and value.lower() in map(str.lower, known)):
        return
    from oxen_models._runtime.suggestions import suggest_similar

    from .errors import ConfigurationError

    expected = "" if len(known) > MAX_LISTED_NAMES else f"; expected one of {', '.join(known)}"
    raise ConfigurationError(f"{name}: there is no {value!r:.80}{suggest_similar(value, known) or expected}")


def _truncate(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
