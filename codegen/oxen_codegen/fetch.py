"""`fetch`: from the hub to recorded schemas. The only step that talks to a hub."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from urllib.parse import quote

import httpx
import stamina

from .config import Config
from .diagnostics import CodegenError, Diagnostic, ModelError
from .json_types import is_list, is_object
from .lock import exclusive_lock
from .records import (
    LARGEST_MODEL,
    SCHEMA,
    Record,
    file_name,
    from_answer,
    from_file,
    parse_json,
)
from .replace import recover_package

_AT_ONCE = 8
_SECONDS = 30.0
# A hub that sends a byte now and then is never silent for that long.
_SECONDS_IN_ALL = 120.0
_LARGEST_LIST = 8 * 2**20
_MOST_MODELS = 10_000
# Not the name of the hub: it takes an agent that has it for its own command-line tool.
_USER_AGENT = "models-codegen"

OnModels = Callable[[int], Callable[[], None]]
"""Called with the number of models that are asked for; what it gives is called after each."""


@dataclass
class Fetched:
    """The outcome of a fetch."""

    written: list[str] = field(default_factory=list[str])
    """Ids of the models whose file is new or differs."""
    removed: list[str] = field(default_factory=list[str])
    unchanged: int = 0
    idle: int = 0
    """How many records are there of models that the hub has, and that were not asked for."""
    findings: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def failed(self) -> int:
        """How many models, or files, were not as they should be."""
        return sum(finding.severity == "error" for finding in self.findings)


class Absent(ModelError):
    """The hub itself says that it has no such model."""


class _Passing(Exception):
    """A failure that may pass: worth another try."""


stamina.instrumentation.set_on_retry_hooks(())  # what was tried in vain is reported at the end
_TRIES = 3
_RETRYING = stamina.RetryingCaller(attempts=_TRIES, timeout=None, wait_initial=0.2, wait_max=2.0)


class Hub:
    """The models of a hub, read over HTTP.

    Raises:
        CodegenError: OXEN_API_KEY is not set, or `base_url` is not an http(s) address.
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
            headers={
                "authorization": f"Bearer {key}",
                "user-agent": _USER_AGENT,
                "accept-encoding": "gzip",
            },
            timeout=_SECONDS,
        )

    def close(self) -> None:
        self._http.close()

    def ids(self) -> list[str]:
        """The ids of all models.

        Raises:
            CodegenError: The hub did not answer with a complete list.
        """
        try:
            status, answer = self._get("/api/ai/models", _LARGEST_LIST)
            if status == 404:
                status, answer = self._get("/api/evaluations/models", _LARGEST_LIST)
        except ModelError as error:
            raise CodegenError(f"the list of models: {error.message}") from None
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
        if len(ids) > _MOST_MODELS:
            raise CodegenError(f"the list of models: {self.base_url} named more than {_MOST_MODELS} models")
        return list(dict.fromkeys(ids))

    def model(self, model_id: str) -> Record:
        """One model.

        Raises:
            Absent: The hub answers 404.
            ModelError: The hub does not answer, or not with this model.
        """
        file_name(model_id)  # what cannot be recorded is not worth a request
        status, answer = self._get(f"/api/ai/models/{quote(model_id, safe='')}")
        if status != 200:
            kind = Absent if status == 404 else ModelError
            raise kind(f"the hub answered HTTP {status}{_reason(answer)}")
        record = from_answer(answer)
        if record.id != model_id:
            raise ModelError(f"the hub answered with another model: {record.id!r}")
        return record

    def models(self, ids: Iterable[str]) -> Iterator[tuple[str, Record | ModelError]]:
        """Several models at once, each with what is wrong with it in its place."""
        ids = list(ids)
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            yield from zip(ids, pool.map(self._attempt, ids), strict=True)
        finally:
            # Without waiting: who presses Ctrl-C does not want to wait for a hub.
            pool.shutdown(wait=False, cancel_futures=True)

    def _attempt(self, model_id: str) -> Record | ModelError:
        try:
            return self.model(model_id)
        except ModelError as error:
            return error

    def _get(self, path: str, largest: int = LARGEST_MODEL) -> tuple[int, object]:
        """Status and JSON of an answer; None in place of an error's body that is not JSON."""
        try:
            status, content = _RETRYING(_Passing, self._read, path, largest)
        except _Passing as failure:
            raise ModelError(f"{failure}, {_TRIES} times") from None
        if status == 401:
            raise CodegenError(f"{self.base_url} does not know the key in OXEN_API_KEY (HTTP 401)")
        try:
            return status, parse_json(content, largest)
        except ModelError:
            if status == 200:
                raise
            return status, None

    def _read(self, path: str, largest: int) -> tuple[int, bytes]:
        content = bytearray()
        latest = monotonic() + _SECONDS_IN_ALL
        try:
            with self._http.stream("GET", f"{self.base_url}{path}") as response:
                for chunk in _inflated(response, largest):
                    content += chunk
                    if len(content) > largest:
                        raise ModelError(f"the answer is larger than {largest // 2**20} MB")
                    if monotonic() > latest:
                        raise ModelError(f"the answer was not whole after {_SECONDS_IN_ALL:.0f} s")
        except httpx.HTTPError as error:
            raise _Passing(f"no answer from {self.base_url}: {error or type(error).__name__}") from None
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ModelError(f"{self.base_url} is not an address: {error}") from None
        except zlib.error as error:
            raise ModelError(f"the answer cannot be inflated: {error}") from None
        if response.status_code == 429 or response.status_code >= 500:
            raise _Passing(f"the hub answered HTTP {response.status_code}")
        return response.status_code, bytes(content)


def fetch(hub: Hub, ids: Iterable[str], schemas: Path, config: Config, on_models: OnModels) -> Fetched:
    """Record models.

    Args:
        hub: Where to read.
        ids: The models; none for all, which removes the files of those that are gone.
        schemas: The folder of the recorded files.
        config: Which models all are, and the package that the folder may be in.
        on_models: Told of the progress.

    Raises:
        CodegenError: The folder is not usable, or the hub refuses the key.
    """
    outcome = Fetched()
    wanted = list(dict.fromkeys(ids))
    listed: list[str] | None = None
    if not wanted:
        listed = hub.ids()
        wanted = config.wanted(listed)
        outcome.findings.extend(config.idle_ids([*listed, *wanted]))
    today = datetime.now(UTC).date().isoformat()
    with ExitStack() as locks:
        output = schemas.parent.parent
        if schemas == output / config.package / "schemas":
            # An interrupted `generate` may have left them elsewhere.
            locks.enter_context(exclusive_lock(output))
            recover_package(schemas.parent)
        locks.enter_context(exclusive_lock(schemas))
        schemas.mkdir(parents=True, exist_ok=True)
        recorded = {model_id: file for file in schemas.glob("*.json") if (model_id := _recorded_in(file))}
        # A list may be cut short: no record goes without the hub having been asked for the model.
        unlisted = [] if listed is None else sorted(recorded.keys() - {*listed, *wanted})
        on_model = on_models(len(wanted) + len(unlisted))
        for model_id, found in hub.models([*wanted, *unlisted]):
            on_model()
            try:
                if isinstance(found, Absent) and model_id in unlisted:
                    recorded[model_id].unlink()
                    outcome.removed.append(model_id)
                    continue
                if isinstance(found, ModelError):
                    raise found
                _record(found, schemas, today, outcome)
            except ModelError as error:
                outcome.findings.append(Diagnostic(model_id, error.path, error.message, "error"))
    if listed is not None:
        outcome.idle = len(recorded.keys() & {*listed} - {*wanted})
    return outcome


def recordable(ids: Iterable[str]) -> tuple[list[str], dict[str, Diagnostic]]:
    """The ids that can be recorded, and what is wrong with each of the others."""
    good: list[str] = []
    wrong: dict[str, Diagnostic] = {}
    for model_id in ids:
        try:
            file_name(model_id)
            good.append(model_id)
        except ModelError as error:
            wrong[model_id] = Diagnostic(model_id, "", error.message, "error")
    return good, wrong


def _inflated(response: httpx.Response, most: int) -> Iterator[bytes]:
    """The body, each part of it inflated to little more than `most` bytes; httpx knows no limit."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        yield from response.iter_raw()
        return
    if coding != "gzip":
        raise ModelError(f"the answer is encoded as {coding!r}, which was not asked for")
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    for chunk in response.iter_raw():
        yield inflater.decompress(chunk, most + 1)
        if inflater.eof:
            return


def _recorded_in(file: Path) -> str | None:
    """The model of a recorded file; None for one that is known to be gone, and for any other file."""
    try:
        record = from_file(file.read_bytes())
        return record.id if file_name(record.id) == file.name and record.removal is None else None
    except ModelError:
        return None


def _record(record: Record, schemas: Path, today: str, outcome: Fetched) -> None:
    if record.schema is not None and not is_object(record.schema):
        raise ModelError("its parameter schema is not a JSON object; what was recorded stays", f"/{SCHEMA}")
    file = schemas / file_name(record.id)
    before = file.read_bytes() if file.exists() else None
    try:
        previous = from_file(before) if before is not None else None
    except ModelError:  # a broken file is what a fetch repairs
        previous = None
    text = record.dated(previous, today).dumps().encode()
    if text == before:
        outcome.unchanged += 1
        return
    part = file.with_suffix(".part")
    part.write_bytes(text)
    part.replace(file)
    outcome.written.append(record.id)


def _reason(answer: object) -> str:
    error = answer.get("error") if is_object(answer) else None
    if is_object(error):
        error = error.get("detail") or error.get("message") or error.get("title")
    return f": {error}" if isinstance(error, str) else ""
