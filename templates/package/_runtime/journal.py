"""The journal of a batch run: the state of each billable request, from which a killed run is continued.

The file is JSON Lines, one fact per line. Each line is synced before the action it describes, so only the
last line can be truncated, and it can be dropped safely. Media are not in the file: those of a request are
replaced by their digests, those of a response are in a folder beside it.
"""

from __future__ import annotations

import errno
import json
import os
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from hashlib import sha256
from io import FileIO
from threading import Lock
from typing import Any, Literal, Self, get_args

from oxen_models._runtime.json_schema.json_types import is_list, is_object

from .errors import JournalError

State = Literal["sending", "enqueued", "refused", "succeeded", "failed", "cancelled", "gone"]

_STATES = get_args(State)
_WITH_JOB = ("enqueued", "failed", "cancelled", "gone")
MAX_GAP = 100_000  # guards against allocating gigabytes for a corrupt index
MAX_INLINE_LENGTH = 200
_CONTENT_PREFIX = "data:sha256:"


@dataclass(frozen=True, slots=True)
class Entry:
    """The last known state of one request."""

    digest: str
    """The SHA-256 of the request's body, in hex."""
    state: State
    job_id: str | None = None
    answer: dict[str, Any] | None = None
    """The response of a request that succeeded."""
    detail: str | None = None
    """The reason if the request was rejected or its job failed."""


def digest_of(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a request's body in hex, regardless of the order of its keys.

    Raises:
        ValueError: The body is not valid JSON or Unicode.
    """
    text = json.dumps(dict(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(text.encode()).hexdigest()


class Journal:
    """The facts about the requests of a batch, by index. Thread-safe.

    Args:
        path: The file, which is created if it does not exist. Beside it are a lock file with the suffix
            `.lock` and the media of the responses, in a folder with the suffix `.media`.

    Raises:
        JournalError: The journal is corrupt or in use, or the file cannot be opened, read or written.
            Every method may raise it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from filelock import FileLock, Timeout

        self._path = os.fspath(path)
        self._mutex = Lock()
        self._sent = array("q")
        self._last = array("q")
        self._end = 0
        self._is_truncated = False
        try:
            # All paths of the same file use the same lock.
            self._path = os.path.realpath(path)
            with ExitStack() as stack:
                # Before the lock is replace_content, because filelock creates missing folders.
                self._file = stack.enter_context(open(self._path, "a+b", buffering=0))
                lock = FileLock(f"{self._path}.lock", thread_local=False)
                stack.enter_context(lock.acquire(blocking=False))
                self._read_lines()
                _sync_folder(os.path.dirname(self._path))
                self._handles = stack.pop_all()
        except Timeout:
            raise JournalError(f"{self._path}: another run is using this journal") from None
        except (OSError, ValueError) as error:  # a null byte in the name
            raise _journal_error(self._path, error) from None

    def __len__(self) -> int:
        """Return the highest index of a fact, plus one."""
        return len(self._last)

    def __iter__(self) -> Iterator[Entry | None]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Entry | None:
        """Return the state of the request at an index; None if there is no fact about it."""
        with self._mutex:
            if not self._is_known(index):
                return None
            try:
                digest = self._read_fact(self._sent[index], index)["digest"]
                last = self._read_fact(self._last[index], index)
            except (OSError, ValueError, KeyError) as error:
                raise JournalError(
                    f"{self._path}: the facts about request {index} cannot be read: {error}"
                ) from None
        answer = last.get("answer")
        return Entry(
            digest,
            last["fact"],
            last.get("job_id"),
            None if answer is None else _map_strings(answer, self._read_content),
            last.get("detail"),
        )

    def sending(self, index: int, body: Mapping[str, Any]) -> None:
        """Record that a request is about to be sent. It may be billed from then on."""
        shown = _map_strings(dict(body), _digest_media)
        self._write({"fact": "sending", "index": index, "digest": digest_of(body), "body": shown})

    def enqueued(self, index: int, job_id: str) -> None:
        """Record the job of a request that was submitted."""
        self._write({"fact": "enqueued", "index": index, "job_id": job_id})

    def refused(self, index: int, detail: str) -> None:
        """Record that a request was certainly not accepted and may be sent again."""
        self._write({"fact": "refused", "index": index, "detail": detail})

    def succeeded(self, index: int, job_id: str | None, answer: Mapping[str, Any]) -> None:
        """Record a result. The content in the response is synced before the fact."""
        contents: dict[str, bytes] = {}

        def replace_content(key: str, text: str) -> str:
            if not _is_content(key, text):
                return text
            content = text.encode(errors="surrogatepass")
            digest = sha256(content).hexdigest()
            contents[digest] = content
            return _CONTENT_PREFIX + digest

        shown = _map_strings(dict(answer), replace_content)
        self._write({"fact": "succeeded", "index": index, "job_id": job_id, "answer": shown}, contents)

    def ended(
        self, index: int, state: Literal["failed", "cancelled", "gone"], job_id: str, detail: str | None
    ) -> None:
        """Record that a job has ended without a result."""
        self._write({"fact": state, "index": index, "job_id": job_id, "detail": detail})

    def close(self) -> None:
        """Close the journal, so that another run can use it."""
        with self._mutex:
            self._handles.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_lines(self) -> None:
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            lines.seek(0)
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    self._is_truncated = True
                    break
                try:
                    fact = self._validate(_parse_line(line))
                except ValueError as error:
                    # A power failure may leave zeros in the last line. Every other line was synced.
                    if b"\0" in line and not lines.read(1):
                        self._is_truncated = True
                        break
                    raise JournalError(
                        f"{self._path}, line {number}: {error}: restore the line from a"
                        " copy. If it is removed, its request may be sent and billed again."
                    ) from None
                self._index_fact(fact, len(line))
        if self._is_truncated:
            self._truncate()

    def _validate(self, fact: object) -> dict[str, Any]:
        """Return a fact if it is valid after the facts so far.

        Raises:
            ValueError: It is not.
        """
        if not is_object(fact):
            raise ValueError("expected a JSON object")
        kind, index, job_id, detail = (fact.get(key) for key in ("fact", "index", "job_id", "detail"))
        if kind not in _STATES:
            raise ValueError(f"unknown fact {kind!r:.60}")
        if type(index) is not int or not 0 <= index <= len(self._last) + MAX_GAP:
            raise ValueError(f"invalid index {index!r:.60}")
        if kind == "sending":
            if not re.fullmatch("[0-9a-f]{64}", str(fact.get("digest"))):
                raise ValueError("the digest of the request is missing")
        elif not self._is_known(index):
            raise ValueError(f"request {index} was not sent before")
        has_job = kind in _WITH_JOB or job_id is not None
        if has_job and not (isinstance(job_id, str) and job_id):
            raise ValueError("the id of the job is missing")
        if kind == "succeeded" and not is_object(fact.get("answer")):
            raise ValueError("the response is missing")
        if not isinstance(detail, str | None) or (kind == "refused" and detail is None):
            raise ValueError("the reason is missing")
        return fact

    def _is_known(self, index: int) -> bool:
        return 0 <= index < len(self._sent) and self._sent[index] >= 0

    def _index_fact(self, fact: Mapping[str, Any], size: int) -> None:
        # A fact that Ctrl-C interrupts here is unknown until the next run; all offsets are valid.
        offset, self._end = self._end, self._end + size
        self._is_truncated = False
        index: int = fact["index"]
        unknown = array("q", [-1]) * (index + 1 - len(self._last))
        self._sent += unknown
        self._last += unknown
        if fact["fact"] == "sending":
            self._sent[index] = offset
        self._last[index] = offset

    def _read_fact(self, offset: int, index: int) -> dict[str, Any]:
        # Opened each time, because the buffer of an open file may contain a line that was removed since.
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            lines.seek(offset)
            fact = self._validate(_parse_line(lines.readline()))
        if fact["index"] != index:
            raise ValueError("the file was changed")
        return fact

    def _write(self, fact: dict[str, Any], contents: Mapping[str, bytes] | None = None) -> None:
        with self._mutex:
            # ASCII only, because a response may contain a lone surrogate.
            line = json.dumps(self._validate(fact), separators=(",", ":")).encode() + b"\n"
            for digest, content in (contents or {}).items():
                self._write_content(digest, content)
            try:
                if self._is_truncated:
                    self._truncate()
                self._is_truncated = True
                _write_all(self._file, line)
                self._index_fact(fact, len(line))
            except OSError as error:
                raise _journal_error(self._path, error) from None
            finally:
                if self._is_truncated:  # also by Ctrl-C; if it cannot be removed now, the next write does
                    with suppress(OSError):
                        self._truncate()

    def _truncate(self) -> None:
        self._file.truncate(self._end)
        os.fsync(self._file.fileno())
        self._is_truncated = False

    def _write_content(self, digest: str, content: bytes) -> None:
        folder = f"{self._path}.media"
        path = os.path.join(folder, digest)
        part = os.path.join(folder, "part")
        try:
            if not os.path.isdir(folder):
                os.mkdir(folder)
                _sync_folder(os.path.dirname(folder))
            with open(part, "wb", buffering=0) as file:
                _write_all(file, content)
            os.replace(part, path)
            _sync_folder(folder)
        except OSError as error:
            raise _journal_error(path, error) from None

    def _read_content(self, key: str, text: str) -> str:
        if not _is_content(key, text):
            return text
        digest = text.removeprefix(_CONTENT_PREFIX)
        path = os.path.join(f"{self._path}.media", digest)
        try:
            with open(path, "rb") as file:
                content = file.read()
        except (OSError, ValueError) as error:
            raise _journal_error(path, error) from None
        if sha256(content).hexdigest() != digest:
            raise JournalError(f"{path}: the file was changed")
        return content.decode(errors="surrogatepass")


def _parse_line(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None


def _map_strings(value: object, change: Callable[[str, str], str], key: str = "") -> Any:
    """Return `value` with each string replaced by `change(key, string)`."""
    if isinstance(value, str):
        return change(key, value)
    if is_list(value):
        return [_map_strings(item, change, key) for item in value]
    if is_object(value):
        return {name: _map_strings(item, change, name) for name, item in value.items()}
    return value


def _digest_media(_: str, text: str) -> str:
    if len(text) <= MAX_INLINE_LENGTH or text.lstrip()[:5].lower() != "data:":
        return text
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _is_content(key: str, text: str) -> bool:
    # All strings of these kinds are replaced, so that none of them can be mistaken for a reference.
    return bool(text) and (key == "b64_json" or text.startswith("data:"))


def _write_all(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    os.fsync(file.fileno())


def _sync_folder(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows cannot open folders
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.EINVAL):  # the errors of network drives without fsync
            raise
    finally:
        os.close(descriptor)


def _journal_error(path: str, error: OSError | ValueError) -> JournalError:
    return JournalError(f"{path}: {getattr(error, 'strerror', None) or error}")
