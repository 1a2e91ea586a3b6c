"""Read models over HTTP."""

from __future__ import annotations

import reprlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Protocol
from urllib.parse import quote

import httpx
import stamina

from .api_key import APIKey
from .diagnostics import CodegenError, Diagnostic, ModelError
from .environment import advise_key, find_api_key, find_base_url
from .json_types import is_list, is_object
from .rate_limit import RateLimit, RateLimitedError
from .records import MAX_MODEL_SIZE, Record, file_name, from_response
from .strict_json import parse_json, parse_list

MAX_WORKERS = 8
READ_TIMEOUT = 30.0
TOTAL_TIMEOUT = 120.0
MAX_LIST_SIZE = 8 * 2**20
MAX_MODELS = 10_000
MAX_ATTEMPTS = 3
MAX_REPORTED = 20
MAX_SHOWN = 60
_LIST = "the list of models"
# Must not contain "oxen": the server treats such a user agent as its own command-line tool and returns 426.
_USER_AGENT = "models-codegen"

stamina.instrumentation.set_on_retry_hooks(())  # a failure is reported once, after the last attempt
_RETRY = stamina.RetryingCaller(attempts=MAX_ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=2.0)


class Progress(Protocol):
    """Receives the progress of reading models."""

    def start(self, total: int) -> None:
        """Handle the start of reading `total` models."""
        ...

    def advance(self) -> None:
        """Handle the end of reading one model, with or without success."""
        ...


class ModelNotFound(ModelError):
    """The server returned 404 for a model, or the id in other letter case."""


class _TransientError(Exception):
    """A failure after which the request is retried."""


class HubClient:
    """A client of the API's model list, which is public: an API key is sent if there is one.

    Args:
        base_url: The address of the server; None for the one in the environment, else the default.

    Raises:
        CodegenError: The address, the API key or the login file is not valid.
    """

    def __init__(self, base_url: str | None) -> None:
        try:
            self.base_url = find_base_url(base_url)
            key = find_api_key(None, self.base_url)
        except ValueError as error:
            raise CodegenError(str(error)) from None
        self._key = APIKey(None) if key is None else key
        headers = {"user-agent": _USER_AGENT, "accept-encoding": "gzip"}
        # Redirects are not followed, because the API key would be sent to another host.
        hosts = ("127.0.0.1", "localhost", "[::1]")  # without a proxy
        mounts: dict[str, httpx.BaseTransport | None] = {f"all://{host}": None for host in hosts}
        self._rate_limit = RateLimit()
        self._http = httpx.Client(headers=headers, timeout=READ_TIMEOUT, auth=self._authorize, mounts=mounts)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def list_ids(self) -> tuple[list[str], list[Diagnostic]]:
        """Return the ids of all models, and an error for each entry of the list without a usable id.

        Raises:
            CodegenError: The server did not return a complete list.
        """
        try:
            status, response = self._get("/api/ai/models", MAX_LIST_SIZE, parse_list)
            if status == 404:
                status, response = self._get("/api/evaluations/models", MAX_LIST_SIZE, parse_list)
        except ModelError as error:
            raise CodegenError(f"{_LIST}: {error.message}") from None
        items = response
        for key in ("data", "models"):
            if is_object(items) and key in items:
                items = items[key]
        if not is_list(items):
            raise CodegenError(f"{_LIST}: {self.base_url} returned HTTP {status} without a list")
        found = [_find_id(item) for item in items]
        ids = [model_id for model_id in found if model_id is not None]
        unusable = [number for number, model_id in enumerate(found) if model_id is None]
        if not ids:
            problem = "models without an id only" if unusable else "no model"
            raise CodegenError(f"{_LIST}: {self.base_url} returned {problem}")
        if len(ids) > MAX_MODELS:
            raise CodegenError(f"{_LIST}: {self.base_url} returned more than {MAX_MODELS} models")
        errors = [
            Diagnostic(
                _LIST,
                f"/{number}",
                f"skipped, because it has no usable id: {reprlib.repr(items[number])}",
                "error",
            )
            for number in unusable[:MAX_REPORTED]
        ]
        if len(unusable) > MAX_REPORTED:
            more = len(unusable) - MAX_REPORTED
            errors.append(
                Diagnostic(_LIST, "", f"{more} more entries without a usable id are skipped", "error")
            )
        return list(dict.fromkeys(ids)), errors

    def get_model(self, model_id: str) -> Record:
        """Return one model.

        Raises:
            ModelNotFound: The server returned 404, or a model whose id differs in case only.
            ModelError: The server did not return this model.
        """
        file_name(model_id)  # a model that cannot be recorded is not requested
        status, response = self._get(f"/api/ai/models/{quote(model_id, safe='')}")
        if status != 200:
            error_type = ModelNotFound if status == 404 else ModelError
            raise error_type(f"the server returned HTTP {status}{_reason(response)}")
        record = from_response(response)
        if record.id != model_id:
            is_respelled = record.id.casefold() == model_id.casefold()
            error_type = ModelNotFound if is_respelled else ModelError
            raise error_type(f"the server returned another model: {record.id!r}")
        return record

    def get_models(self, ids: Iterable[str], progress: Progress) -> Iterator[tuple[str, Record | ModelError]]:
        """Yield models in the order of `ids`, read concurrently; an error in place of a model that failed."""
        ids = list(ids)
        progress.start(len(ids))
        pool = ThreadPoolExecutor(MAX_WORKERS)
        try:
            for model_id, result in zip(ids, pool.map(self._try_get_model, ids), strict=True):
                progress.advance()
                yield model_id, result
        finally:
            # Without waiting, so that Ctrl-C ends the command while the server does not respond.
            pool.shutdown(wait=False, cancel_futures=True)

    def _try_get_model(self, model_id: str) -> Record | ModelError:
        try:
            return self.get_model(model_id)
        except ModelError as error:
            return error

    def _get(
        self,
        path: str,
        max_size: int = MAX_MODEL_SIZE,
        parse: Callable[[bytes, int], object] = parse_json,
    ) -> tuple[int, object]:
        """Return the status and the JSON of a response; None for an error whose body is not JSON."""
        while True:
            self._rate_limit.wait()
            try:
                status, content = _RETRY(_TransientError, self._read, path, max_size)
                break
            except RateLimitedError as error:
                self._rate_limit.extend(error.seconds)
            except _TransientError as error:
                raise ModelError(f"{error}, {MAX_ATTEMPTS} times") from None
        self._rate_limit.end()
        if status == 401:
            problem = "rejected the API key" if self._key else "requires an API key"
            raise CodegenError(f"{self.base_url} {problem} (HTTP 401): {advise_key()}")
        try:
            return status, parse(content, max_size)
        except ModelError as error:
            if status != 200:
                return status, None
            begin = content[:MAX_SHOWN].decode(errors="replace")
            message = f"{error.message}; the response of {self.base_url} begins with {begin!r}"
            raise ModelError(message) from None

    def _read(self, path: str, max_size: int) -> tuple[int, bytes]:
        """Return the status and the content of a response.

        Raises:
            ModelError: The response is not complete in time, or is not usable.
        """
        results: SimpleQueue[tuple[int, bytes] | Exception] = SimpleQueue()

        def work() -> None:
            try:
                results.put(self._read_response(path, max_size))
            except Exception as error:
                results.put(error)

        # A thread of its own, which does not keep the command from ending: the timeouts of httpx restart
        # with each byte of the headers, and do not apply to a name server.
        Thread(target=work, daemon=True).start()
        try:
            result = results.get(timeout=TOTAL_TIMEOUT)
        except Empty:
            raise ModelError(f"the response was not complete after {TOTAL_TIMEOUT:.0f} s") from None
        if isinstance(result, Exception):
            raise result
        return result

    def _read_response(self, path: str, max_size: int) -> tuple[int, bytes]:
        content = bytearray()
        deadline = monotonic() + TOTAL_TIMEOUT
        try:
            with self._http.stream("GET", f"{self.base_url}{path}") as response:
                for chunk in _decompress(response, max_size):
                    content += chunk
                    if len(content) > max_size:
                        raise ModelError(f"the response is larger than {max_size // 2**20} MB")
                    if monotonic() > deadline:
                        raise ModelError(f"the response was not complete after {TOTAL_TIMEOUT:.0f} s")
        except httpx.HTTPError as error:
            raise _TransientError(
                f"no response from {self.base_url}: {error or type(error).__name__}"
            ) from None
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ModelError(f"{self.base_url} is not a valid URL: {error}") from None
        except zlib.error as error:
            raise ModelError(f"the response cannot be decompressed: {error}") from None
        if response.status_code == 429:
            seconds = response.headers.get("retry-after", "")
            raise RateLimitedError(float(seconds) if seconds.isdecimal() else 0.0)
        if response.status_code >= 500:
            raise _TransientError(f"the server returned HTTP {response.status_code}")
        return response.status_code, self._key.redact_bytes(bytes(content))

    def _authorize(self, request: httpx.Request) -> httpx.Request:
        # Here, so that no variable of another function contains the key.
        if self._key:
            request.headers["authorization"] = f"Bearer {self._key.get_secret_value()}"
        return request


def _find_id(item: object) -> str | None:
    """Return the id in an entry of the list; None for an entry without a usable one."""
    model_id = item.get("id", item.get("name")) if is_object(item) else None
    return model_id if isinstance(model_id, str) and model_id.strip() else None


def split_valid_ids(ids: Iterable[str]) -> tuple[list[str], dict[str, Diagnostic]]:
    """Return the ids that can be recorded, and a diagnostic for each of the others."""
    valid: list[str] = []
    invalid: dict[str, Diagnostic] = {}
    for model_id in ids:
        try:
            file_name(model_id)
            valid.append(model_id)
        except ModelError as error:
            invalid[model_id] = Diagnostic(model_id, "", error.message, "error")
    return valid, invalid


def _decompress(response: httpx.Response, max_size: int) -> Iterator[bytes]:
    """Yield the body in parts of at most `max_size` + 1 bytes; httpx has no limit for decompression."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        yield from response.iter_raw()
        return
    if encoding != "gzip":
        raise ModelError(f"the response has the encoding {encoding!r}, which was not requested")
    decompressor = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    for chunk in response.iter_raw():
        yield decompressor.decompress(chunk, max_size + 1)
        if decompressor.eof:
            return


def _reason(response: object) -> str:
    error = response.get("error") if is_object(response) else None
    if is_object(error):
        error = error.get("detail") or error.get("message") or error.get("title")
    return f": {error}" if isinstance(error, str) else ""
