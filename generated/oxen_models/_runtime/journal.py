# Copied by oxen-codegen from templates/package/_runtime/journal.py. Do not edit.
"""What became of each of many paid requests, in a file: a run that was killed goes on from it.

The file is JSON Lines, a fact each. A fact is on the disk before anything that relies on it happens, so
what a crash can leave half written, the last line, was never relied upon. Media are not in the file:
those of a request are there by digest only, those of an answer are in a folder beside it.
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
_LARGEST_GAP = 100_000  # one wrong digit must not have us hold gigabytes of unknown positions
_SHORT = 200
_CONTENT = "data:sha256:"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal last said of one request."""

    digest: str
    """The SHA-256 of its body, in hex."""
    state: State
    job_id: str | None = None
    answer: dict[str, Any] | None = None
    """Of one that succeeded: the answer as the hub gave it."""
    detail: str | None = None
    """Of one that was refused or failed: why."""


def digest_of(body: Mapping[str, Any]) -> str:
    """The SHA-256 of a request's body, in hex, whatever the order of its keys.

    Raises:
        ValueError: JSON, or UTF-8, cannot hold it.
    """
    text = json.dumps(dict(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(text.encode()).hexdigest()


class Journal:
    """The facts about the requests of a run, by their position; several threads may use it at once.

    Args:
        path: The file, which is made if it is not there. Beside it are a lock file, named `.lock`, and
            the media of the answers, in the folder named `.media`.

    Raises:
        JournalError: It is broken or in use, or the file cannot be opened, read or written. Every
            method may raise it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from filelock import FileLock, Timeout

        self._path = os.fspath(path)
        self._mutex = Lock()
        self._sent = array("q")
        self._last = array("q")
        self._end = 0
        self._torn = False
        try:
            # Under whatever name and from whatever folder it is opened, it has the one lock.
            self._path = os.path.realpath(path)
            with ExitStack() as stack:
                # Before the lock, which would make the folder.
                self._file = stack.enter_context(open(self._path, "a+b", buffering=0))
                lock = FileLock(f"{self._path}.lock", thread_local=False)
                stack.enter_context(lock.acquire(blocking=False))
                self._read()
                _sync_folder(os.path.dirname(self._path))
                self._handles = stack.pop_all()
        except Timeout:
            raise JournalError(f"{self._path}: another run is using this journal") from None
        except (OSError, ValueError) as error:  # a null byte in the name
            raise _unusable(self._path, error) from None

    def __len__(self) -> int:
        """One more than the highest position that a fact is about."""
        return len(self._last)

    def __iter__(self) -> Iterator[Entry | None]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Entry | None:
        """What was last said of the request at a position; None where nothing is known of it."""
        with self._mutex:
            if not self._is_known(index):
                return None
            try:
                digest = self._fact(self._sent[index], index)["digest"]
                last = self._fact(self._last[index], index)
            except (OSError, ValueError, KeyError) as error:
                raise JournalError(
                    f"{self._path}: what it says of request {index} can no longer be read: {error}"
                ) from None
        answer = last.get("answer")
        return Entry(
            digest,
            last["fact"],
            last.get("job_id"),
            None if answer is None else _changed(answer, self._content),
            last.get("detail"),
        )

    def sending(self, index: int, body: Mapping[str, Any]) -> None:
        """Before it is sent: from here on it may be paid for."""
        shown = _changed(dict(body), _without_media)
        self._write({"fact": "sending", "index": index, "digest": digest_of(body), "body": shown})

    def enqueued(self, index: int, job_id: str) -> None:
        """The hub took it, as this job."""
        self._write({"fact": "enqueued", "index": index, "job_id": job_id})

    def refused(self, index: int, detail: str) -> None:
        """The hub surely did not take it, so it may be sent again."""
        self._write({"fact": "refused", "index": index, "detail": detail})

    def succeeded(self, index: int, job_id: str | None, answer: Mapping[str, Any]) -> None:
        """There is a result. The content in the answer is on the disk before the fact is."""
        contents: dict[str, bytes] = {}

        def taken(key: str, text: str) -> str:
            if not _is_content(key, text):
                return text
            content = text.encode(errors="surrogatepass")
            digest = sha256(content).hexdigest()
            contents[digest] = content
            return _CONTENT + digest

        shown = _changed(dict(answer), taken)
        self._write({"fact": "succeeded", "index": index, "job_id": job_id, "answer": shown}, contents)

    def ended(
        self, index: int, state: Literal["failed", "cancelled", "gone"], job_id: str, detail: str | None
    ) -> None:
        """Its job has ended, and there is no result."""
        self._write({"fact": state, "index": index, "job_id": job_id, "detail": detail})

    def close(self) -> None:
        """Let another run use the journal. Nothing can be read or written after it."""
        with self._mutex:
            self._handles.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            lines.seek(0)
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    self._torn = True
                    break
                try:
                    fact = self._checked(_parsed(line))
                except ValueError as error:
                    # A power cut may leave zeros where a part of the last write should be. Anything else was
                    # whole once, and relied upon.
                    if b"\0" in line and not lines.read(1):
                        self._torn = True
                        break
                    raise JournalError(
                        f"{self._path}, line {number}: {error}. Bring the line back from a copy. If it is"
                        " taken out, what it said is forgotten, and its request may be paid for again."
                    ) from None
                self._note(fact, len(line))
        if self._torn:
            self._cut()

    def _checked(self, fact: object) -> dict[str, Any]:
        """A fact that may come next.

        Raises:
            ValueError: It may not.
        """
        if not is_object(fact):
            raise ValueError("a JSON object is expected")
        kind, index, job_id, detail = (fact.get(key) for key in ("fact", "index", "job_id", "detail"))
        if kind not in _STATES:
            raise ValueError(f"no fact is called {kind!r:.60}")
        if type(index) is not int or not 0 <= index <= len(self._last) + _LARGEST_GAP:
            raise ValueError(f"there is no position {index!r:.60}")
        if kind == "sending":
            if not re.fullmatch("[0-9a-f]{64}", str(fact.get("digest"))):
                raise ValueError("the digest of the request is missing")
        elif not self._is_known(index):
            raise ValueError(f"request {index} was not sent before")
        has_job = kind in _WITH_JOB or job_id is not None
        if has_job and not (isinstance(job_id, str) and job_id):
            raise ValueError("the id of the job is missing")
        if kind == "succeeded" and not is_object(fact.get("answer")):
            raise ValueError("the answer is missing")
        if not isinstance(detail, str | None) or (kind == "refused" and detail is None):
            raise ValueError("the reason is missing")
        return fact

    def _is_known(self, index: int) -> bool:
        return 0 <= index < len(self._sent) and self._sent[index] >= 0

    def _note(self, fact: Mapping[str, Any], size: int) -> None:
        # What Ctrl-C interrupts here is forgotten until the journal is opened again, but no offset is wrong.
        offset, self._end = self._end, self._end + size
        self._torn = False
        index: int = fact["index"]
        unknown = array("q", [-1]) * (index + 1 - len(self._last))
        self._sent += unknown
        self._last += unknown
        if fact["fact"] == "sending":
            self._sent[index] = offset
        self._last[index] = offset

    def _fact(self, offset: int, index: int) -> dict[str, Any]:
        # Opened anew each time: the buffer of an old one may hold what was cut off since.
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            lines.seek(offset)
            fact = self._checked(_parsed(lines.readline()))
        if fact["index"] != index:
            raise ValueError("the file was altered")
        return fact

    def _write(self, fact: dict[str, Any], contents: Mapping[str, bytes] | None = None) -> None:
        with self._mutex:
            # Only ASCII: an answer may have half a character in it, which no UTF-8 can hold.
            line = json.dumps(self._checked(fact), separators=(",", ":")).encode() + b"\n"
            for digest, content in (contents or {}).items():
                self._keep(digest, content)
            try:
                if self._torn:
                    self._cut()
                self._torn = True
                _write_all(self._file, line)
                self._note(fact, len(line))
            except OSError as error:
                raise _unusable(self._path, error) from None
            finally:
                if self._torn:  # by Ctrl-C, too; if it cannot be cut off now, then before the next line
                    with suppress(OSError):
                        self._cut()

    def _cut(self) -> None:
        self._file.truncate(self._end)
        os.fsync(self._file.fileno())
        self._torn = False

    def _keep(self, digest: str, content: bytes) -> None:
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
            raise _unusable(path, error) from None

    def _content(self, key: str, text: str) -> str:
        if not _is_content(key, text):
            return text
        digest = text.removeprefix(_CONTENT)
        path = os.path.join(f"{self._path}.media", digest)
        try:
            with open(path, "rb") as file:
                content = file.read()
        except (OSError, ValueError) as error:
            raise _unusable(path, error) from None
        if sha256(content).hexdigest() != digest:
            raise JournalError(f"{path}: the file was altered")
        return content.decode(errors="surrogatepass")


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None


def _changed(value: object, change: Callable[[str, str], str], key: str = "") -> Any:
    """`value` with each text in it changed, by the key that it is under."""
    if isinstance(value, str):
        return change(key, value)
    if is_list(value):
        return [_changed(item, change, key) for item in value]
    if is_object(value):
        return {name: _changed(each, change, name) for name, each in value.items()}
    return value


def _without_media(_: str, text: str) -> str:
    if len(text) <= _SHORT or text.lstrip()[:5].lower() != "data:":
        return text
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _is_content(key: str, text: str) -> bool:
    # All of these, short ones too, and none but these: so nothing the hub says is taken for a mark of ours.
    return bool(text) and (key == "b64_json" or text.startswith("data:"))


def _write_all(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    os.fsync(file.fileno())


def _sync_folder(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folder
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.EINVAL):  # what a network drive that cannot do it says
            raise
    finally:
        os.close(descriptor)


def _unusable(path: str, error: OSError | ValueError) -> JournalError:
    return JournalError(f"{path}: {getattr(error, 'strerror', None) or error}")
