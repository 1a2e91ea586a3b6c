"""Records and templates in, the whole package out: as text, in memory.

A pure function of its inputs, but for one thing: a model that fails keeps the module it had.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateError

from .bind import Model, bind, findings, place
from .derive import Derivation
from .endpoints import ENDPOINTS
from .keep import Kept
from .names import pascal
from .proof import equal_but_for_literals, placeholders
from .records import Record, file_name
from .render import environment
from .report import CodegenError, Finding, ModelError
from .shape import Binding

# The public names of the package, by the module that defines them.
_PUBLIC = {
    "_client": ("AsyncOxen", "Oxen"),
    "_runtime.errors": (
        "APIError", "AuthenticationError", "BadRequestError", "ConflictError", "HubTimeoutError",
        "HubUnreachableError", "InvalidRequestError", "MediaError", "MissingKeyError", "NotFoundError",
        "OutcomeUnknownError", "OxenError", "PermissionDeniedError", "Problem", "RateLimitError",
        "ServerError", "UnansweredError", "UnexpectedAnswerError", "UnprocessableError",
    ),
    "_runtime.fields": ("OMIT", "Omit"),
    "_runtime.media": ("AudioInput", "FileInput", "ImageInput", "VideoInput"),
    "_runtime.request": ("Request",),
    "_runtime._async.results": (
        "AsyncAudio", "AsyncAudioResult", "AsyncImage", "AsyncImageResult", "AsyncVideo", "AsyncVideoResult",
    ),
    "_runtime._sync.results": ("Audio", "AudioResult", "Image", "ImageResult", "Video", "VideoResult"),
}  # fmt: skip


@dataclass
class Build:
    """A package as it should be, and what was found on the way."""

    files: dict[str, str] = field(default_factory=dict[str, str])
    """Text by path in the package, not formatted yet."""
    schemas: dict[str, str] = field(default_factory=dict[str, str])
    """The records that it was built from, by file name."""
    proofs: dict[str, str] = field(default_factory=dict[str, str])
    """Each model's module again, with placeholders for what the hub said, by path."""
    findings: list[Finding] = field(default_factory=list[Finding])
    bound: int = 0
    kept: int = 0
    """How many models failed and go on with the module they had."""
    listed: dict[str, int] = field(default_factory=dict[str, int])
    """How many models have no typed call, by endpoint."""

    @property
    def failed(self) -> bool:
        return any(finding.level == "error" for finding in self.findings)


def build(
    records: Mapping[str, Record], templates: Path, names: Mapping[str, str], previous: Mapping[str, Kept]
) -> Build:
    """The package of some records.

    Args:
        records: The models by id.
        templates: The folder of templates.
        names: Python names chosen by hand, by model id.
        previous: The modules that are there, for models that fail.

    Raises:
        CodegenError: The templates are not usable.
    """
    result = Build()
    derivation = Derivation()
    env = environment(templates, derivation)
    models, failed = _placed(records, names, result)
    bindings: list[Binding] = []
    for model in models:
        result.findings.extend(findings(model))
        if not model.is_bound:
            path = model.endpoint.path if model.endpoint else "no known endpoint"
            result.listed[path] = result.listed.get(path, 0) + 1
            continue
        try:
            bindings.append(_render(env, model, result))
        except ModelError as error:
            result.findings.append(Finding(model.record.id, error.path, error.text, "error"))
            failed.append(model.record.id)
    result.bound = len(bindings)
    for model_id in failed:
        if (kept := previous.get(model_id)) and _file(kept.binding) not in result.files:
            result.files[_file(kept.binding)] = kept.text
            bindings.append(kept.binding)
            result.kept += 1
    families = {
        family: sorted((each for each in bindings if each.family == family), key=lambda each: each.module)
        for family in dict.fromkeys(row.family for row in ENDPOINTS)
        if any(each.family == family for each in bindings)
    }
    for family, members in families.items():
        result.files[f"{family}/__init__.py"] = _rendered(
            env, "family/__init__.py.jinja", family=family, bindings=members
        )
    _package(
        env, templates / "package", result, derivation, families=families, entries=_entries(models, bindings)
    )
    derivation.check_all_fired()
    for record in records.values():
        with suppress(ModelError):  # reported when it was placed
            result.schemas[file_name(record.id)] = record.dumps()
    return result


def prove(result: Build, formatted: Path) -> None:
    """See that no module holds more of the hub than literals.

    Args:
        result: What was built.
        formatted: The folder that it was written to.

    Raises:
        CodegenError: A module holds code that its template does not have.
    """
    for file, proof in result.proofs.items():
        if not equal_but_for_literals((formatted / file).read_text(encoding="utf-8"), proof):
            raise CodegenError(
                f"{file}: what the hub said became code; nothing was written; please report it"
            )


def _render(env: Environment, model: Model, result: Build) -> Binding:
    binding = bind(model)
    template = "family/model.py.jinja"
    result.files[_file(binding)] = _rendered(env, template, binding=binding)
    result.proofs[_file(binding)] = _rendered(env, template, binding=placeholders(binding))
    return binding


def _rendered(env: Environment, template: str, **context: Any) -> str:
    try:
        return env.get_template(template).render(**context)
    except TemplateError as error:
        raise CodegenError(f"{template}: {error}") from error


def _file(binding: Binding) -> str:
    return f"{binding.family}/{binding.module}.py"


def _placed(
    records: Mapping[str, Record], names: Mapping[str, str], result: Build
) -> tuple[list[Model], list[str]]:
    """Every model that can be in the package, and the ids of those that cannot, which are reported."""
    models: list[Model] = []
    failed: list[str] = []
    for model_id in sorted(records):
        try:
            file_name(model_id)
            models.append(place(records[model_id], names))
        except ModelError as error:
            result.findings.append(Finding(model_id, error.path, error.text, "error"))
            failed.append(model_id)
    by_name: dict[tuple[str, str], list[Model]] = defaultdict(list)
    for model in models:
        if model.is_bound and model.endpoint is not None:
            by_name[model.endpoint.family, pascal(model.module)].append(model)
    for (family, _), alike in by_name.items():
        if len(alike) > 1:
            for model in alike:
                others = ", ".join(repr(other.record.id) for other in alike if other is not model)
                result.findings.append(
                    Finding(
                        model.record.id,
                        "",
                        f"would have the name {family}.{model.module}, and so would {others}: "
                        "choose another in [tool.oxen-codegen.names] of pyproject.toml",
                        "error",
                    )
                )
                models.remove(model)
                failed.append(model.record.id)
    return models, failed


def _package(env: Environment, folder: Path, result: Build, derivation: Derivation, **context: Any) -> None:
    """The files of the package that are not a model's: rendered, copied or derived."""
    version = folder / "_runtime" / "version.py"
    found = re.search(r'__version__ = "(.*)"', version.read_text(encoding="utf-8"))
    if found is None:
        raise CodegenError(f"{version}: no version")
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if not file.is_file() or "__pycache__" in name:
            continue
        text = file.read_text(encoding="utf-8")
        if name.endswith(".jinja"):
            result.files[name.removesuffix(".jinja")] = _rendered(
                env, f"package/{name}", public=_PUBLIC, version=found[1], **context
            )
            continue
        result.files[name] = text
        twin = name.replace("/_async/", "/_sync/")
        if twin != name and not (folder / twin).exists():
            result.files[twin] = derivation.sync(text)


def _entries(models: list[Model], bindings: list[Binding]) -> list[dict[str, Any]]:
    """The catalogue: every model that was placed, and where its calls are."""
    calls = {binding.model_id: binding for binding in bindings}
    return [
        {
            "id": model.record.id,
            "display_name": model.record.text("display_name") or model.record.id,
            "developer": model.record.developer,
            "family": model.endpoint.family if model.endpoint else None,
            "verb": model.endpoint.verb if model.endpoint else None,
            "inputs": model.record.media("input"),
            "outputs": model.record.media("output"),
            "module": f"oxen_models.{call.family}.{call.module}" if call else None,
            "schema_digest": None if model.record.schema is None else model.record.digest,
            "changed": model.record.changed,
        }
        for model in models
        for call in [calls.get(model.record.id)]
    ]
