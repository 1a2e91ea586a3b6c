"""Records and templates in, the whole package out: as text, in memory.

A pure function of its inputs, but for one thing: a model that fails keeps the module it had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from .bind import Model, bind, findings, place
from .config import Config, runtime_version
from .derive import Derivation
from .diagnostics import CodegenError, Diagnostic, ModelError
from .endpoints import ENDPOINTS
from .keep import Kept
from .names import sharing, taken
from .overrides import Templates
from .proof import equal_but_for_literals, placeholders
from .records import Record, file_name
from .shape import Binding, Entry, Family

# The public names of the package with the runtime, by the module that defines them.
_PUBLIC = {
    "_client": ("AsyncOxen", "Oxen"),
    "_runtime.version": ("__version__",),
    "_runtime.errors": (
        "APIError", "AuthenticationError", "BadRequestError", "ConfigurationError", "ConflictError",
        "HubTimeoutError", "HubUnreachableError", "InvalidRequestError", "JobCancelled", "JobError",
        "JobFailed", "JobNotFound", "JobTimeout", "JournalError", "MediaError", "MissingAPIKeyError",
        "ModelRemovedError", "NotFoundError", "OutcomeUnknownError", "OutcomeUnknownTimeout", "OxenError",
        "PermissionDeniedError", "Problem", "RateLimitError", "ServerError", "UnexpectedResponseError",
        "UnprocessableError",
    ),
    "_runtime.fields": ("OMIT", "Omit"),
    "_runtime.media": ("AudioInput", "FileInput", "ImageInput", "VideoInput"),
    "_runtime.generations": ("Generation", "GenerationCompleted", "JobStatus", "MediaType"),
    "_runtime.hub_models": ("HubModel",),
    "_runtime.progress": ("Progress",),
    "_runtime.options": ("RequestOptions",),
    "_runtime.request": (
        "AudioRequest", "ImageRequest", "Request", "RequestLike", "UntypedRequest", "VideoRequest",
    ),
    "_runtime.responses": ("Response",),
    "_runtime.schemas": ("schema",),
    "_runtime._async.dynamic": ("AsyncAnyModel",),
    "_runtime._async.history": ("AsyncGenerations",),
    "_runtime._async.job": ("AsyncJob",),
    "_runtime._async.many": ("AsyncOutcome",),
    "_runtime._sync.dynamic": ("AnyModel",),
    "_runtime._sync.history": ("Generations", "Page"),
    "_runtime._sync.job": ("Job",),
    "_runtime._sync.many": ("Outcome",),
    "_runtime._async.results": (
        "AsyncAnyResult", "AsyncAudio", "AsyncAudioResult", "AsyncImage", "AsyncImageResult", "AsyncVideo",
        "AsyncVideoResult",
    ),
    "_runtime._sync.results": (
        "AnyResult", "Audio", "AudioResult", "Image", "ImageResult", "Video", "VideoResult",
    ),
}  # fmt: skip

# What the emitted package does with a schema, too: modules that import nothing but each other.
_RULES = ("diagnostics.py", "endpoints.py", "json_types.py", "media_kinds.py", "normalize.py")

ONE_MODEL = (ModelError, RecursionError, SyntaxError, TypeError, ValueError)
"""What one odd model may raise anywhere on its way; it must not stop the others."""


@dataclass
class Build:
    """A package as it should be, and what was found on the way."""

    files: dict[str, str] = field(default_factory=dict[str, str])
    """Text by path in the package, not formatted yet."""
    schemas: dict[str, str] = field(default_factory=dict[str, str])
    """The records that it was built from, by file name."""
    proofs: dict[str, Callable[[], str]] = field(default_factory=dict[str, Callable[[], str]])
    """What renders a file again, with placeholders for what the hub said, by path."""
    findings: list[Diagnostic] = field(default_factory=list[Diagnostic])
    bound: int = 0
    kept: int = 0
    """How many models failed and go on with the module they had."""
    listed: dict[str, int] = field(default_factory=dict[str, int])
    """How many models have no typed call, by endpoint."""
    left_out: int = 0
    """How many models are not to be built."""
    has_own_templates: bool = False
    """Whether somebody's own templates took part."""

    @property
    def failed(self) -> int:
        """How many models, or files, were not as they should be."""
        return sum(finding.severity == "error" for finding in self.findings)


def build(
    config: Config,
    records: Mapping[str, Record],
    templates: Path,
    previous: Mapping[str, Kept],
    broken: Iterable[str] = (),
) -> Build:
    """The package of some records.

    Args:
        config: What to build of them, and under what names.
        records: The models by id.
        templates: The folder of built-in templates.
        previous: The modules that are there, for models that fail.
        broken: Models whose record cannot be read.

    Raises:
        CodegenError: The templates are not usable, or no model is left to build.
    """
    result = Build(has_own_templates=config.templates is not None)
    derivation = Derivation()
    names = {
        "package": config.package,
        "client": config.client,
        "public": _public(config),
        "runtime": runtime_version(templates),
    }
    made_by = Templates(templates, config.templates, config.extends, names)
    result.findings.extend(_unknown(config, records))
    selected = _selected(config, records, result)
    models, failed = _placed(config, selected, result)
    bindings = _bound(config, made_by, models, failed, broken, previous, result)
    families = tuple(
        Family(name, tuple(sorted(members, key=lambda each: each.module)))
        for name in dict.fromkeys(row.family for row in ENDPOINTS)
        if (members := [each for each in bindings if each.family == name])
    )
    for family in families:
        _write(made_by, f"{family.name}/__init__.py", "family/__init__.py.jinja", result, family=family)
    entries = _entries(config, selected, models, bindings)
    _package(config, made_by, result, derivation, families=families, entries=entries)
    if not config.extends:  # only the runtime has something for every rule
        derivation.check_all_fired()
    for record in selected.values():
        with suppress(ModelError):  # reported when it was placed
            result.schemas[file_name(record.id)] = record.dumps()
    return result


def _unknown(config: Config, records: Mapping[str, Record]) -> list[Diagnostic]:
    """Models that pyproject.toml speaks of, and that there are none of."""
    said = {"names": config.names, "renamed": config.renamed, "successors": config.successors.values()}
    return [
        Diagnostic("pyproject.toml", key, f"there is no model {model_id!r}")
        for key, ids in said.items()
        for model_id in sorted({*ids} - records.keys())
    ]


def _public(config: Config) -> Mapping[str, tuple[str, ...]]:
    return {"_client": (f"Async{config.client}", config.client)} if config.extends else _PUBLIC


def _selected(config: Config, records: Mapping[str, Record], result: Build) -> dict[str, Record]:
    """The models that the configuration takes."""
    result.findings.extend(config.idle(records.values()))
    selected = {model_id: each for model_id, each in records.items() if config.selection.takes(each)}
    if not selected:
        raise CodegenError(
            f"include and exclude of [tool.oxen-codegen] leave none of {len(records)} models to build"
        )
    result.left_out = len(records) - len(selected)
    return selected


def _bound(
    config: Config,
    templates: Templates,
    models: list[Model],
    failed: list[str],
    broken: Iterable[str],
    previous: Mapping[str, Kept],
    result: Build,
) -> list[Binding]:
    """Every model that has a module, new or kept, with the module written."""
    bindings: list[Binding] = []
    for model in models:
        if not model.is_bound:
            path = model.endpoint.path if model.endpoint else "no known endpoint"
            result.listed[path] = result.listed.get(path, 0) + 1
        try:
            result.findings.extend(findings(model))
            if model.is_bound:
                bindings.append(bind(model, config.renamed.get(model.record.id, {})))
        except ONE_MODEL as error:
            result.findings.append(failure(model.record.id, error))
            failed.append(model.record.id)
    # A module that is kept has its names already: a new model does not take them.
    kept = {model_id: previous[model_id] for model_id in (*broken, *failed) if model_id in previous}
    alike = _collisions([*bindings, *(each.binding for each in kept.values())], result)
    rendered = [
        binding
        for binding in bindings
        if binding.model_id not in alike and _render(templates, binding, result)
    ]
    for model_id in {binding.model_id for binding in bindings} - {binding.model_id for binding in rendered}:
        if model_id in previous:
            kept[model_id] = previous[model_id]
    result.bound, result.kept = len(rendered), len(kept)
    result.files |= {_file(each.binding): each.text for each in kept.values()}
    return [*rendered, *(each.binding for each in kept.values())]


def prove(result: Build, formatted: Path) -> None:
    """See that no module holds more of the hub than literals.

    Args:
        result: What was built.
        formatted: The folder that it was written to.

    Raises:
        CodegenError: A module holds code that its template does not have.
    """
    remedy = "see its template" if result.has_own_templates else "please report it"
    for file, proof in result.proofs.items():
        if not equal_but_for_literals((formatted / file).read_text(encoding="utf-8"), proof()):
            raise CodegenError(f"{file}: what the hub said became code; nothing was written; {remedy}")


def failure(model_id: str, error: Exception) -> Diagnostic:
    """That a model cannot be bound."""
    if isinstance(error, ModelError):
        return Diagnostic(model_id, error.path, error.message, "error")
    return Diagnostic(model_id, "", f"cannot be bound: {type(error).__name__}: {error}", "error")


def _collisions(bindings: list[Binding], result: Build) -> set[str]:
    """The ids of the models whose names others would have, too; reported."""
    alike = sharing({binding.model_id: _names(binding) for binding in bindings})
    result.findings.extend(collision(model_id, *each) for model_id, each in alike.items())
    return set(alike)


def collision(model_id: str, name: str, others: list[str]) -> Diagnostic:
    """That a model would have a name that others have."""
    text = (
        f"would have the name {name}, and so would {', '.join(map(repr, others))}: "
        "choose another in [tool.oxen-codegen.names] of pyproject.toml"
    )
    return Diagnostic(model_id, "", text, "error")


def _names(binding: Binding) -> list[tuple[str, str]]:
    nested = ((binding.family, each.class_name) for each in binding.nested)
    return [*taken(binding.family, binding.module), *nested]


def _render(templates: Templates, binding: Binding, result: Build) -> bool:
    """Whether the module of a model could be made; if not, that is reported."""
    try:
        _write(templates, _file(binding), "family/model.py.jinja", result, binding=binding)
    except ONE_MODEL as error:
        result.findings.append(failure(binding.model_id, error))
        return False
    return True


def _write(templates: Templates, file: str, template: str, result: Build, **context: Any) -> None:
    """Render a file, and say how it is proved."""
    result.files[file] = templates.rendered(template, **context)
    result.proofs[file] = partial(_proof, templates, template, context)


def _proof(templates: Templates, template: str, context: Mapping[str, Any]) -> str:
    again = {name: placeholders(value) for name, value in context.items()}
    try:
        return templates.rendered(template, **again)
    except CodegenError as error:
        raise CodegenError(f"{error} (where each text of the hub is 'placeholder', for the proof)") from error


def _file(binding: Binding) -> str:
    return f"{binding.family}/{binding.module}.py"


def _placed(config: Config, records: Mapping[str, Record], result: Build) -> tuple[list[Model], list[str]]:
    """Every model that can be in the package, and the ids of those that cannot, which are reported."""
    models: list[Model] = []
    failed: list[str] = []
    for model_id in sorted(records):
        try:
            file_name(model_id)
            records[model_id].dumps()
            models.append(place(records[model_id], config.names, config.client))
        except ONE_MODEL as error:
            result.findings.append(failure(model_id, error))
            failed.append(model_id)
    return models, failed


def _package(
    config: Config, templates: Templates, result: Build, derivation: Derivation, **context: Any
) -> None:
    """The files of the package that are not a model's: rendered, copied or derived."""
    if not config.extends:
        for name in _RULES:
            source = Path(__file__).with_name(name)
            result.files[f"_runtime/json_schema/{name}"] = source.read_text(encoding="utf-8")
    emitted = templates.emitted()
    for file, template in emitted.items():
        if file.endswith(".jinja"):
            _write(templates, file.removesuffix(".jinja"), template, result, **context)
            continue
        result.files[file] = text = templates.copied(template)
        twin = file.replace("/_async/", "/_sync/")
        if twin not in emitted:
            result.files[twin] = derivation.sync(text)


def _entries(
    config: Config, records: Mapping[str, Record], models: list[Model], bindings: list[Binding]
) -> tuple[Entry, ...]:
    """The catalogue: every model that was placed or has kept its module."""
    placed = {model.record.id: model for model in models}
    calls = {binding.model_id: binding for binding in bindings}
    return tuple(
        _entry(config.package, record, placed.get(model_id), calls.get(model_id))
        for model_id, record in sorted(records.items())
        if record.removal is None and (model_id in placed or model_id in calls)
    )


def _entry(package: str, record: Record, placed: Model | None, call: Binding | None) -> Entry:
    endpoint = placed.endpoint if placed else None
    return Entry(
        id=record.id,
        display_name=record.text("display_name") or record.id,
        developer=record.developer,
        family=call.family if call else endpoint.family if endpoint else None,
        verb=call.verb if call else endpoint.verb if endpoint else None,
        inputs=record.media("input"),
        outputs=record.media("output"),
        module=f"{package}.{call.family}.{call.module}" if call else None,
        schema_digest=None if record.schema is None else record.digest,
        changed=record.changed,
    )
