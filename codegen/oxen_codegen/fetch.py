"""`fetch`: from the hub to recorded schemas. The only step that talks to a hub."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import stamina

from .records import SCHEMA, Record, file_name, from_answer, from_file, is_list, is_object, parse_json
from .report import CodegenError, Finding, ModelError
from .write import alone, recover

_AT_ONCE = 8
_SECONDS = 30.0
_LARGEST_ANSWER = 16 * 2**20
# Not the name of the hub: it takes an agent that has it for its own command-line tool.
_USER_AGENT = "models-codegen"


@dataclass
class Fetched:
    """What a fetch came to."""

    written: list[str] = field(default_factory=list[str])
    """Ids of the models whose file is new or differs."""
    removed: list[str] = field(default_factory=list[str])
    unchanged: int = 0
    idle: int = 0
    """How many records are there of models that the hub has, and that were not asked for."""
    findings: list[Finding] = field(default_factory=list[Finding])

    @property
    def failed(self) -> int:
        """How many models, or files, were not as they should be."""
        return sum(finding.level == "error" for finding in self.findings)


class _Passing(Exception):
    """A failure that may pass: worth another try."""


stamina.instrumentation.set_on_retry_hooks(())  # what was tried in vain is reported at the end
_TRIES = 3
_RETRYING = stamina.RetryingCaller(attempts=_TRIES, timeout=None, wait_initial=0.2, wait_max=2.0)


class Hub:
    """The models of a hub, read over HTTP.

    Raises:
        CodegenError: There is no key, or `base_url` is no address.
    """

    def __init__(self, base_url: str) -> None:
        key = os.environ.get("OXEN_API_KEY", "").strip()
        if not key:
            raise CodegenError("no API key: set the environment variable OXEN_API_KEY")
        if not key.isascii() or not key.isprintable():
            raise CodegenError("OXEN_API_KEY holds characters that no header may hold")
        try:
            url = httpx.URL(base_url)
        except (httpx.InvalidURL, UnicodeError):
            url = httpx.URL()
        if url.scheme not in ("https", "http") or not url.host or url.userinfo or url.query:
            raise CodegenError(
                f"--base-url has to begin with https:// or http:// and name a host: {base_url}"
            )
        self.base_url = base_url.rstrip("/").removesuffix("/api/ai")
        # Redirects are not followed: the key would go along.
        self._http = httpx.Client(
            headers={"authorization": f"Bearer {key}", "user-agent": _USER_AGENT}, timeout=_SECONDS
        )

    def close(self) -> None:
        self._http.close()

    def ids(self) -> list[str]:
        """The ids of all models.

        Raises:
            CodegenError: The list is not to be had, or is no complete list.
        """
        try:
            status, answer = self._get("/api/ai/models")
            if status == 404:
                status, answer = self._get("/api/evaluations/models")
        except ModelError as error:
            raise CodegenError(f"the list of models: {error.text}") from None
        items = answer
        for key in ("data", "models"):
            if is_object(items) and key in items:
                items = items[key]
        if not is_list(items):
            raise CodegenError(f"the list of models: {self.base_url} answered HTTP {status} without a list")
        names = [item.get("id", item.get("name")) if is_object(item) else None for item in items]
        ids = [name for name in names if isinstance(name, str) and name]
        if not ids or len(ids) != len(names):
            raise CodegenError(f"the list of models: {self.base_url} named no model, or some without an id")
        return list(dict.fromkeys(ids))

    def model(self, model_id: str) -> Record:
        """One model.

        Raises:
            ModelError: It is not to be had, or what came is not it.
        """
        if model_id in (".", ".."):
            raise ModelError("no URL can name a model of that id")
        status, answer = self._get(f"/api/ai/models/{quote(model_id, safe='')}")
        if status != 200:
            raise ModelError(f"the hub answered HTTP {status}{_reason(answer)}")
        record = from_answer(answer)
        if record.id != model_id:
            raise ModelError(f"the hub answered with another model: {record.id!r}")
        return record

    def lacks(self, model_id: str) -> bool:
        """Whether the hub itself says that there is no such model.

        Raises:
            ModelError: It says neither that nor what the model is.
        """
        status, answer = self._get(f"/api/ai/models/{quote(model_id, safe='')}")
        if status not in (200, 404):
            raise ModelError(f"the hub answered HTTP {status}{_reason(answer)}")
        return status == 404

    def _get(self, path: str) -> tuple[int, object]:
        """Status and JSON of an answer; None for one that is no JSON and no success."""
        try:
            status, content = _RETRYING(_Passing, self._read, path)
        except _Passing as failure:
            raise ModelError(f"{failure}, {_TRIES} times") from None
        if status == 401:
            raise CodegenError(f"{self.base_url} does not know the key in OXEN_API_KEY (HTTP 401)")
        try:
            return status, parse_json(content)
        except ModelError:
            if status == 200:
                raise
            return status, None

    def _read(self, path: str) -> tuple[int, bytes]:
        content = bytearray()
        try:
            with self._http.stream("GET", f"{self.base_url}{path}") as response:
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > _LARGEST_ANSWER:
                        raise ModelError(f"the answer is larger than {_LARGEST_ANSWER // 2**20} MB")
        except httpx.HTTPError as error:
            raise _Passing(f"no answer from {self.base_url}: {error or type(error).__name__}") from None
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ModelError(f"{self.base_url} is no address: {error}") from None
        if response.status_code == 429 or response.status_code >= 500:
            raise _Passing(f"the hub answered HTTP {response.status_code}")
        return response.status_code, bytes(content)


def fetch(
    hub: Hub,
    ids: Iterable[str],
    schemas: Path,
    package: str,
    *,
    listed: Iterable[str] | None,
    on_model: Callable[[], None],
) -> Fetched:
    """Record models.

    Args:
        hub: Where to read.
        ids: The models.
        schemas: The folder of the recorded files.
        package: The package that is built; the folder may be in it.
        listed: Every model of the hub, so that files of models that are gone go; None for no such thing.
        on_model: Called after each model.

    Raises:
        CodegenError: The folder is not usable, or the hub refuses the key.
    """
    outcome = Fetched()
    wanted = list(dict.fromkeys(ids))
    today = datetime.now(UTC).date().isoformat()
    with ExitStack() as locks:
        output = schemas.parent.parent
        if schemas == output / package / "schemas":
            # An interrupted `generate` may have left them elsewhere.
            locks.enter_context(alone(output))
            recover(schemas.parent)
        locks.enter_context(alone(schemas))
        schemas.mkdir(parents=True, exist_ok=True)
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            for model_id, found in zip(wanted, pool.map(_attempt(hub), wanted), strict=True):
                on_model()
                try:
                    if isinstance(found, ModelError):
                        raise found
                    _record(found, schemas, today, outcome)
                except ModelError as error:
                    outcome.findings.append(Finding(model_id, error.path, error.text, "error"))
        finally:
            # Without waiting: who presses Ctrl-C does not want to wait for a hub.
            pool.shutdown(wait=False, cancel_futures=True)
        if listed is not None:
            _prune(schemas, {*wanted}, {*listed}, outcome)
    return outcome


def _prune(schemas: Path, wanted: set[str], listed: set[str], outcome: Fetched) -> None:
    """Remove the files of models that are gone; those that only nobody asked for stay, and are counted."""
    for file in sorted(schemas.glob("*.json")):
        recorded = _recorded_in(file)
        if recorded is None or recorded in wanted:
            continue
        if recorded in listed:
            outcome.idle += 1
        else:
            file.unlink()
            outcome.removed.append(recorded)


def _attempt(hub: Hub) -> Callable[[str], Record | ModelError]:
    def attempt(model_id: str) -> Record | ModelError:
        try:
            return hub.model(model_id)
        except ModelError as error:
            return error

    return attempt


def _recorded_in(file: Path) -> str | None:
    """The model of a recorded file; None for one that is known to be gone, and for any other file."""
    try:
        record = from_file(file.read_bytes())
        return record.id if file_name(record.id) == file.name and record.removal is None else None
    except ModelError:
        return None


def _record(record: Record, schemas: Path, today: str, outcome: Fetched) -> None:
    if record.schema is not None and not is_object(record.schema):
        raise ModelError("its parameter schema is no JSON object; what was recorded stays", f"/{SCHEMA}")
    file = schemas / file_name(record.id)
    before = file.read_text(encoding="utf-8") if file.exists() else None
    try:
        previous = from_file(before.encode()) if before is not None else None
    except ModelError:  # a broken file is what a fetch repairs
        previous = None
    text = record.dated(previous, today).dumps()
    if text == before:
        outcome.unchanged += 1
        return
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(file)
    outcome.written.append(record.id)


def _reason(answer: object) -> str:
    error = answer.get("error") if is_object(answer) else None
    if is_object(error):
        error = error.get("detail") or error.get("message") or error.get("title")
    return f": {error}" if isinstance(error, str) else ""
