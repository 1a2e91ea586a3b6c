"""The pages of the models, as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from ..config import Config
from ..describe import to_sentence
from ..diagnostics import CodegenError, Diagnostic, ModelError
from ..json_types import is_list, is_object
from ..names import DEVICE, pascal
from ..operations import Operation, find_image_parameters, find_tasks
from ..prices import describe_price, find_rate
from ..records import Record, Removal
from ..resolve import ResolvedModel, resolve_model
from .parameters import Citation, Parameter, list_citations, list_parameters
from .values import ExampleValues, choose_values

API_URL = "https://hub.oxen.ai/api"
FORM_PAGE = "../workbench/app.html"
"""The page with a form for each model, relative to the pages of the models."""
MAX_SLUG_LENGTH = 100
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*[a-z0-9]|[a-z0-9]")
# Names of pages that are no models, in the same folder.
_RESERVED_SLUGS = frozenset({"changes", "developers", "index", "media", "prices", "readme"})
_HASH_LENGTH = 8


@dataclass(frozen=True, slots=True)
class ModelPage:
    """The page of a model. All texts are those of the API and untrusted."""

    id: str
    slug: str
    """The name of the page's file without the extension: lower-case letters, digits, `.`, `_` and `-`."""
    title: str
    summary: str
    """What the model does, as a sentence."""
    description: str
    """More about it; "" if the record has no more."""
    operation: Operation | None
    """Its call; None if its family is unknown."""
    module: str
    """The Python name of the model."""
    class_name: str
    verbs: tuple[str, ...]
    """The names of the typed call; () for a model without one."""
    image_parameters: tuple[str, ...]
    """The wire names of the parameters that decide between two paths."""
    tasks: tuple[str, ...]
    """What the model does in terms of all models, such as "Text to image"."""
    developer: str
    """"" if it is unknown."""
    inputs: tuple[str, ...]
    """Kinds of input: text, image, video and audio."""
    outputs: tuple[str, ...]
    price: str
    """The price in words; "" if the record has none."""
    rate: tuple[str, Decimal] | None
    """The unit that is billed and the lowest amount per unit; None if they are unknown."""
    facts: tuple[tuple[str, str], ...]
    """Labels and texts of other values of the record."""
    changed: str
    """The day, as YYYY-MM-DD, on which anything but the price last changed; "" if it is unknown."""
    parameters: tuple[Parameter, ...]
    """Required, optional, then hidden ones."""
    citations: tuple[Citation, ...]
    values: ExampleValues | None
    """The parameters of the examples; None for a model without examples."""
    removal: Removal | None
    """None for a model that the API has."""

    @property
    def family(self) -> str:
        """images, videos, audio or chat; "" if it is unknown."""
        return self.operation.family if self.operation else ""

    @property
    def call(self) -> str:
        """The typed call, such as `oxen.images.qwen_image_edit_plus.edit`; "" without one."""
        if self._is_chat_model:
            return "oxen.chat.complete"
        return f"oxen.{self.family}.{self.module}.{self.verbs[0]}" if self.verbs else ""

    @property
    def request_class(self) -> str:
        """The class of its requests, such as `oxen_models.images.QwenImageRequest`; "" without one."""
        if self._is_chat_model:
            return "oxen_models.chat.ChatRequest"
        return f"oxen_models.{self.family}.{self.class_name}Request" if self.verbs else ""

    @property
    def _is_chat_model(self) -> bool:
        return self.family == "chat" and self.removal is None

    @property
    def details_url(self) -> str:
        """The address at which the API returns the model object."""
        return f"{API_URL}/ai/models/{quote(self.id, safe='')}"

    @property
    def form_url(self) -> str:
        """The address of its form, relative to the page; "" for a model without a typed call."""
        return f"{FORM_PAGE}#model={quote(self.id, safe='')}" if self.verbs else ""

    @property
    def workbench_url(self) -> str:
        """The address of the model in the workbench of the API's website."""
        return f"https://www.oxen.ai/ai/workbench?model={quote(self.id, safe='')}"


def build_pages(records: Iterable[Record], config: Config) -> list[ModelPage]:
    """Return the pages of models, in the order of their ids.

    Raises:
        CodegenError: The generator cannot read the schema of a model.
    """
    ordered = sorted(records, key=lambda record: record.id)
    slugs = choose_slugs(record.id for record in ordered)
    pages: list[ModelPage] = []
    errors: list[Diagnostic] = []
    for record in ordered:
        try:
            pages.append(build_page(resolve_model(record, config.names, config.client), slugs[record.id]))
        except ModelError as error:
            errors.append(Diagnostic(record.id, error.path, error.message, "error"))
    if errors:
        raise CodegenError(f"{len(errors)} recorded models have no page; nothing was written", errors)
    return pages


def build_page(model: ResolvedModel, slug: str) -> ModelPage:
    """Return the page of a model.

    Args:
        model: The model.
        slug: The name of the page's file without the extension.
    """
    record, operation, node = model.record, model.operation, model.node
    schema = record.schema if is_object(record.schema) else {}
    title = record.text("display_name") or record.id
    summary = to_sentence(record.text("summary") or record.text("description") or title)
    description = to_sentence(record.text("description") or "")
    is_callable = model.is_bound and record.removal is None
    pricing = record.data.get("pricing")
    values = None
    if operation is not None and node is not None and is_callable:
        values = choose_values(node, schema.get("basic"), operation)
    return ModelPage(
        id=record.id,
        slug=slug,
        title=title,
        summary=summary,
        description="" if description == summary else description,
        operation=operation,
        module=model.module,
        class_name=pascal(model.module),
        verbs=operation.verbs if operation and is_callable else (),
        image_parameters=() if node is None else find_image_parameters(node),
        tasks=()
        if operation is None
        else _label_tasks(find_tasks(node, operation.family, record.media("input"))),
        developer=record.developer or "",
        inputs=record.media("input"),
        outputs=record.media("output"),
        price=describe_price(pricing) or "",
        rate=find_rate(pricing),
        facts=tuple(_list_facts(record)),
        changed=record.changed or "",
        parameters=() if node is None else list_parameters(node),
        citations=() if node is None else list_citations(node),
        values=values,
        removal=record.removal,
    )


def _label_tasks(tasks: Iterable[str]) -> tuple[str, ...]:
    return tuple(task.replace("-", " ").capitalize() for task in tasks)


def _list_facts(record: Record) -> Iterator[tuple[str, str]]:
    """Yield the labels and texts of the values of a record that the page has no field for."""
    for key, label in (("context_length", "Context length"), ("max_output_tokens", "Maximum output")):
        tokens = record.data.get(key)
        if isinstance(tokens, int) and not isinstance(tokens, bool):
            yield label, f"{tokens:,} tokens"
    for key, label in (("released_at", "Released"), ("source_model", "Based on")):
        if text := record.text(key):
            yield label, text
    if record.text("model_type") == "custom":
        yield "Kind", "a custom model"
    tuning: Any = record.data.get("fine_tuning")
    actions = tuning.get("actions") if is_object(tuning) else None
    if is_list(actions) and (names := [name for name in actions if isinstance(name, str)]):
        yield "Fine-tuning", ", ".join(names)


def choose_slugs(ids: Iterable[str]) -> Mapping[str, str]:
    """Return the file names of models without the extension, which differ on every file system."""
    slugs: dict[str, str] = {}
    used: set[str] = set()
    # Ids that are file names keep them.
    for model_id in sorted(ids, key=lambda model_id: (not _is_slug(model_id), model_id)):
        slug = re.sub(r"[^a-z0-9._-]+", "-", model_id.lower())[:MAX_SLUG_LENGTH].strip("-._")
        if not _is_slug(slug) or slug in used:
            digest = sha256(model_id.encode()).hexdigest()[:_HASH_LENGTH]
            slug = f"{slug}-{digest}" if slug else digest
        used.add(slug)
        slugs[model_id] = slug
    return slugs


def _is_slug(text: str) -> bool:
    is_reserved = text in _RESERVED_SLUGS or DEVICE.match(text) is not None
    return len(text) <= MAX_SLUG_LENGTH and _SLUG.fullmatch(text) is not None and not is_reserved
