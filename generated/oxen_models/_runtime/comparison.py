# Copied by oxen-codegen from templates/package/_runtime/comparison.py. Do not edit.
"""Requests with the same parameters to several models, prepared without sending anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate
from oxen_models._runtime.json_schema.prices import format_amount
from oxen_models._runtime.suggestions import suggest_similar

from .adaptation import Adaptation, Conversion, Omission, adapt_parameters, check_names
from .aliases import ALIAS_BY_NAME, ALIASES
from .arguments import check_items
from .catalog import ModelInfo
from .errors import BudgetExceededError, ConfigurationError
from .fields import OMIT, is_sequence, map_wire_names
from .printable import escape_line
from .request import Request
from .schemas import read_model

ComparisonTask: TypeAlias = Literal["text-to-image", "image-edit", "text-to-video", "image-to-video"]
"""What the models of a comparison do."""
_TASKS: Mapping[tuple[str, bool], ComparisonTask] = {
    ("image", False): "text-to-image",
    ("image", True): "image-edit",
    ("video", False): "text-to-video",
    ("video", True): "image-to-video",
}
"""The task by the kind of the results, and whether there is an image."""
_CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """The request to one model of a comparison."""

    model: ModelInfo
    """The model."""
    request: Request
    """The request."""
    estimate: Estimate | NoEstimate
    """The estimated cost."""
    conversions: tuple[Conversion, ...]
    """The parameters that are sent under other names or with other values."""
    omissions: tuple[Omission, ...]
    """The parameters that are not sent."""


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """The requests of a comparison, in the order of the models. It is printed as a report."""

    task: ComparisonTask
    """What the models do."""
    parameters: Mapping[str, Any]
    """The parameters as they were given."""
    items: tuple[PlannedRequest, ...]
    """The request to each model."""

    @property
    def requests(self) -> list[Request]:
        """The requests, for `run_many`."""
        return [item.request for item in self.items]

    @property
    def conversions(self) -> list[Conversion]:
        """The parameters that are sent under other names or with other values."""
        return [conversion for item in self.items for conversion in item.conversions]

    @property
    def omissions(self) -> list[Omission]:
        """The parameters that are not sent to a model."""
        return [omission for item in self.items for omission in item.omissions]

    @property
    def estimate(self) -> Estimate | NoEstimate:
        """The estimated cost of all requests; a reason if that of one is unknown."""
        unknown = [item.model.id for item in self.items if not item.estimate]
        if unknown:
            return NoEstimate(f"the cost of {', '.join(unknown)} is unknown")
        low, high = self._sum_estimates()
        return Estimate(low, high, _CURRENCY, f"{len(self.items)} requests, one to each model")

    def check_budget(self, budget: Decimal | int | None) -> None:
        """Raise if the requests certainly exceed a budget.

        Raises:
            BudgetExceededError: The sum of the lowest costs is higher than the budget.
        """
        low, _ = self._sum_estimates()
        if budget is not None and low > budget:
            raise BudgetExceededError(
                f"the comparison costs at least {format_amount(low)}, and the budget is "
                f"{format_amount(budget)}; nothing was sent"
            )

    def _sum_estimates(self) -> tuple[Decimal, Decimal]:
        estimates = [item.estimate for item in self.items if item.estimate]
        low = sum((estimate.low for estimate in estimates), Decimal(0))
        high = sum((estimate.high for estimate in estimates), Decimal(0))
        return low, high

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.items)

    def __getitem__(self, index: int) -> PlannedRequest:
        """Return the request to a model by its index."""
        return self.items[index]

    def __iter__(self) -> Iterator[PlannedRequest]:
        """Return an iterator over the requests."""
        return iter(self.items)

    def __repr__(self) -> str:
        width = max(len(item.model.id) for item in self.items)
        count = len(self.items)
        lines = [f"{self.task}, {count} model{'s' if count > 1 else ''}, {self.estimate}"]
        lines += [f"  {escape_line(item.model.id):{width}}  {item.estimate}" for item in self.items]
        for title, changes in (("converted", self.conversions), ("omitted", self.omissions)):
            if changes:
                lines += [f"{title}:", *(f"  {change}" for change in changes)]
        return "\n".join(lines)

    __str__ = __repr__


def create_plan(
    catalog: Sequence[ModelInfo], models: Iterable[str | ModelInfo], parameters: Mapping[str, Any]
) -> Plan:
    """Return the requests to several models with the same parameters. Reads files, and sends nothing.

    Args:
        catalog: The models of the package.
        models: The models, or their ids.
        parameters: The parameters by a common name or by the name in any model; None is omitted.

    Raises:
        ConfigurationError: A model or a parameter does not exist, the models have different tasks, or a
            parameter that a model requires is missing.
        InvalidRequestError: A model does not accept a value.
    """
    if isinstance(models, str):
        raise ConfigurationError(f"models must be a list of ids, got {models!r:.80}")
    found = _find_models(catalog, models)
    given = {name: value for name, value in parameters.items() if value is not None and value is not OMIT}
    check_names(given)
    _check_known(found, given)
    task = _find_task(found, given)
    read_file = _FileReader().read
    items = tuple(_plan_request(model, given, read_file) for model in found)
    return Plan(task, given, items)


def adapt_to_model(model: ModelInfo, parameters: Mapping[str, Any]) -> Adaptation:
    """Return parameters in the terms of a model. Sends nothing, and does not validate the request.

    Args:
        model: The model.
        parameters: Parameters by a common name or by the name in any model.

    Raises:
        ConfigurationError: The package has no typed call of the model, or two names stand for the same
            parameter.
    """
    record = read_model(__name__, model.id) if model.module is not None else None
    if record is None or record.request_schema is None:
        raise ConfigurationError(f"the package has no typed call of {model.id!r}")
    schema = record.request_schema
    common = set(model.parameters) - schema.get("properties", {}).keys()
    return adapt_parameters(
        model.id, schema, parameters, is_video="video" in model.outputs, further_names=common
    )


def find_model(catalog: Sequence[ModelInfo], id: str) -> ModelInfo:
    """Return the model with an id.

    Raises:
        ConfigurationError: No model has this id.
    """
    for model in catalog:
        if model.id == id:
            return model
    raise ConfigurationError(
        f"no model {id!r:.80}{suggest_similar(str(id), (model.id for model in catalog))}"
    )


def _find_models(catalog: Sequence[ModelInfo], named: Iterable[str | ModelInfo]) -> list[ModelInfo]:
    models: list[ModelInfo] = []
    for name in check_items("models", named):
        model = find_model(catalog, name.id if isinstance(name, ModelInfo) else name)
        if model in models:
            raise ConfigurationError(f"models contains {model.id!r} twice")
        models.append(model)
    if not models:
        raise ConfigurationError("models must contain at least one id")
    return models


def _check_known(models: list[ModelInfo], parameters: Mapping[str, Any]) -> None:
    known = {*ALIAS_BY_NAME, *(name for model in models for name in model.parameters)}
    for name in parameters:
        if name not in known:
            hint = suggest_similar(name, [*(alias.name for alias in ALIASES), *sorted(known)])
            raise ConfigurationError(f"none of the models has a parameter {name!r:.80}{hint}")


def _find_task(models: list[ModelInfo], parameters: Mapping[str, Any]) -> ComparisonTask:
    has_image = any(
        (alias := ALIAS_BY_NAME.get(name)) is not None and alias.name == "image" for name in parameters
    )
    kinds = [next((kind for kind in ("image", "video") if kind in model.outputs), None) for model in models]
    if None in kinds:
        model = models[kinds.index(None)]
        raise ConfigurationError(
            f"{model.id} makes {' and '.join(model.outputs) or 'something else'}; "
            "models that make images or videos can be compared"
        )
    if len({*kinds}) > 1:
        image, video = (models[kinds.index(kind)].id for kind in ("image", "video"))
        raise ConfigurationError(f"{image} makes images and {video} makes videos; compare one kind at a time")
    task = _TASKS[str(kinds[0]), has_image]
    for model in models:
        if task not in model.tasks:
            raise ConfigurationError(_explain_other_task(model, task, has_image=has_image))
    return task


def _explain_other_task(model: ModelInfo, task: ComparisonTask, *, has_image: bool) -> str:
    needs = f"the comparison is {task}"
    accepts = f"{model.id} is for {', '.join(model.tasks)}"
    if not has_image and {"image-edit", "image-to-video"} & {*model.tasks}:
        return f"{model.id} requires an image: pass image="
    remedy = "omit the image or the model" if has_image else "omit the model"
    return f"{needs}, and {accepts}: {remedy}"


def _plan_request(
    model: ModelInfo, given: Mapping[str, Any], read_file: Callable[[str, Any], Any]
) -> PlannedRequest:
    adaptation = adapt_to_model(model, given)
    request_class = model.find_request_class()
    assert request_class is not None
    # The names of the call, which can differ from those of the API.
    names = map_wire_names(request_class)
    values = {names[name]: read_file(name, value) for name, value in adaptation.parameters.items()}
    _check_required(model, request_class, adaptation)
    request = model.request(**values)
    return PlannedRequest(model, request, request.estimate(), adaptation.conversions, adaptation.omissions)


def _check_required(model: ModelInfo, request_class: type[Request], adaptation: Adaptation) -> None:
    for wire_name, name in map_wire_names(request_class).items():
        if not request_class.model_fields[name].is_required() or wire_name in adaptation.parameters:
            continue
        alias = ALIAS_BY_NAME.get(wire_name)
        for omission in adaptation.omissions:
            if omission.parameter == wire_name or (alias and ALIAS_BY_NAME.get(omission.parameter) is alias):
                raise ConfigurationError(f"{model.id} requires {wire_name}, and {omission}")
        common = alias.name if alias is not None else wire_name
        raise ConfigurationError(f"{model.id} requires {wire_name}: pass {common}=")


class _FileReader:
    """Reads each file once, because an open file can be read only once."""

    def __init__(self) -> None:
        self._read: dict[int, Any] = {}

    def read(self, name: str, value: Any) -> Any:
        alias = ALIAS_BY_NAME.get(name)
        if alias is None or alias.kind not in ("image", "video", "audio"):
            return value
        if is_sequence(value):
            return [self.read(name, item) for item in value]
        if id(value) not in self._read:
            self._read[id(value)] = _read_media(alias.kind, value)
        return self._read[id(value)]


def _read_media(kind: str, value: Any) -> Any:
    """Return a file as a request holds it; a value that is not one of the kind unchanged."""
    from pydantic import TypeAdapter, ValidationError

    from .local_media import MediaContext
    from .media import AudioInput, ImageInput, VideoInput

    types: dict[str, Any] = {"image": ImageInput, "video": VideoInput, "audio": AudioInput}
    try:
        return TypeAdapter[Any](types[kind]).validate_python(value, strict=True, context=MediaContext())
    except ValidationError:  # the request raises the error, which names the model
        return value
