# Copied by oxen-codegen from templates/package/_runtime/provenance.py. Do not edit.
"""Sidecars: JSON files beside saved results, which state how each file was made."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import file_digest
from importlib import import_module
from pathlib import Path
from typing import Any

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .atomic_file import replace_file
from .digests import digest_body, digest_json
from .errors import ConfigurationError, MediaError
from .fields import map_wire_names
from .generations import Generation, parse_dollars
from .paths import expand_path
from .request import Request, RequestLike, UntypedRequest
from .version import __version__

SUFFIX = ".json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ENDPOINTS = {"video": "/videos/generate", "audio": "/audio/generate"}


@dataclass(frozen=True, slots=True)
class Origin:
    """The blocking call that made a file. A pickle contains neither the request nor its media."""

    request: RequestLike | None
    extra_body: Mapping[str, object]
    sent_at: datetime

    def __reduce__(self) -> tuple[Any, ...]:
        return Origin, (None, {}, self.sent_at)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """How a file was made. `oxen_models.sidecar(path)` reads it."""

    model: str
    """The id of the model."""
    endpoint: str
    """The path of the blocking call, below /api/ai."""
    body: Mapping[str, Any]
    """The parameters that were sent, by wire name, with `sha256:<digest>` in place of the content of media.
    Those of a job are the ones in its record.
    """
    extra_body: Mapping[str, Any]
    """The properties of `extra_body` of a blocking call; those of a job are in `body`."""
    index: int
    """The index of the file among those of the result."""
    job_id: str | None
    """The job; None for a blocking call."""
    seed: int | None
    """The seed that was sent, or that the record of the job has; None without one."""
    sent_at: datetime | None
    """The time at which the request was sent or enqueued. A time that is not known is None."""
    started_at: datetime | None
    completed_at: datetime | None
    cost: Decimal | None
    """US dollars by the history; None if it does not have the cost, and for a blocking call."""
    version: str
    """The version of this package that wrote the sidecar."""
    sha256: str = field(repr=False)
    """The SHA-256 of the file, in hex."""

    def request(self, **parameters: object) -> RequestLike:
        """Return the request again: one of the model's class if the package has the model. Sends nothing.

        A request of a class does not contain properties of `extra_body`: pass them to the call again.

        Args:
            parameters: Values by wire name in place of the ones in `body`. They are required for media whose
                content was sent, because the sidecar has their digests only.

        Raises:
            ConfigurationError: A medium is missing.
            pydantic.ValidationError: A value does not match the schema, or the model has no such parameter.
        """
        values = {**self.body, **parameters}
        missing = [name for name, value in values.items() if _has_digest(value)]
        if missing:
            raise ConfigurationError(
                f"the sidecar has only the digests of the media of {', '.join(missing)}; pass them as "
                f"request({missing[0]}=...)"
            )
        request_class = _find_class(self.model)
        if request_class is None:
            return UntypedRequest(self.model, self.endpoint, values)
        names = map_wire_names(request_class)
        return request_class.from_body(
            {name: value for name, value in values.items() if name in names or name in parameters}
        )


def sidecar(path: str | os.PathLike[str]) -> Sidecar:
    """Return how a file was made, from the sidecar that `save(..., sidecar=True)` wrote beside it.

    Args:
        path: The file, or its sidecar.

    Raises:
        MediaError: There is no sidecar, or it cannot be read.
    """
    file = Path(expand_path("path", path))
    try:
        if file.suffix != SUFFIX:
            file = find_sidecar(file)
        values: dict[str, Any] = json.loads(file.read_bytes())
        for name in ("sent_at", "started_at", "completed_at"):
            values[name] = values[name] and datetime.fromisoformat(values[name])
        values["cost"] = parse_dollars(values["cost"])
        return Sidecar(**values)
    except OSError as error:
        raise MediaError(f"{str(file)!r} could not be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MediaError(f"{str(file)!r} is not a sidecar: {error}") from None


def find_sidecar(file: Path) -> Path:
    """Return the path of the sidecar of a file: the name of the file with `.json` added."""
    return file.with_name(f"{file.name}{SUFFIX}")


def is_digest(value: object) -> bool:
    """Return whether a value of a sidecar is a digest in place of the content of a medium."""
    return isinstance(value, str) and bool(_DIGEST.fullmatch(value))


def write_sidecar(file: Path, index: int, source: Origin | Generation | None) -> None:
    """Write the sidecar of a saved file, atomically.

    Raises:
        InvalidRequestError: A file of the request cannot be read any more, or changed.
        OSError: The sidecar cannot be written.
        ValueError: The request is not known, because the result was pickled.
    """
    with file.open("rb") as content:
        digest = file_digest(content, "sha256").hexdigest()
    values = asdict(_describe(index, source, digest))
    with replace_file(find_sidecar(file)) as part:
        part.write_text(json.dumps(values, indent=2, default=_to_text) + "\n", encoding="utf-8")


def _describe(index: int, source: Origin | Generation | None, digest: str) -> Sidecar:
    if isinstance(source, Generation):
        body = digest_json(source.parameters)
        return Sidecar(
            model=source.model or "",
            endpoint=_find_endpoint(source),
            body=body,
            extra_body={},
            index=index,
            job_id=source.generation_id,
            seed=_find_seed(body),
            sent_at=_parse_time(source.enqueued_at),
            started_at=_parse_time(source.started_at),
            completed_at=_parse_time(source.completed_at),
            cost=source.cost,
            version=__version__,
            sha256=digest,
        )
    if source is None or source.request is None:
        raise ValueError("the request is not known, because the result was pickled")
    body = digest_body(source.request)
    del body["model"]
    return Sidecar(
        model=source.request.model_id,
        endpoint=source.request.endpoint,
        body=body,
        extra_body=digest_json(source.extra_body),
        index=index,
        job_id=None,
        seed=_find_seed({**body, **source.extra_body}),
        sent_at=source.sent_at,
        started_at=None,
        completed_at=None,
        cost=None,
        version=__version__,
        sha256=digest,
    )


def _has_digest(value: object) -> bool:
    if is_list(value):
        return any(map(_has_digest, value))
    if is_object(value):
        return any(map(_has_digest, value.values()))
    return is_digest(value)


def _find_class(model_id: str) -> type[Request] | None:
    """Return the request class of a model; None if the package has no typed call of it."""
    catalog: Any = import_module("oxen_models.catalog")
    try:
        found: type[Request] | None = catalog.get(model_id).find_request_class()
    except KeyError:
        return None
    return found


def _find_endpoint(job: Generation) -> str:
    """Return the path of a blocking call with the parameters of a job."""
    request_class = _find_class(job.model or "")
    if request_class is None:
        return _ENDPOINTS.get(job.media_type or "", "/images/generate")
    return request_class.model_construct(**job.parameters).endpoint


def _find_seed(body: Mapping[str, object]) -> int | None:
    seed = body.get("seed")
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else None


def _to_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _parse_time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
