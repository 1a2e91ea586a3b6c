# Copied by oxen-codegen from templates/package/_runtime/uploads.py. Do not edit.
"""Uploads of files to a repository of the user: forms, responses, and the uploads of a client.

The calls are not part of the reference of the API. Another client of the vendor uses them.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import parse_qs, quote

from oxen_models._runtime.json_schema.json_types import is_object

from .errors import NotFoundError, OxenError, PermissionDeniedError, UnexpectedResponseError, UploadError
from .local_media import LocalMedia
from .media_sources import PDF_TYPE
from .media_types import default_suffix
from .responses import Response
from .settings import UPLOADS_PATH
from .values import text

API_PATH = "/api"
"""The first part of the paths of the calls."""
DEFAULT_REPOSITORY = "playground"
"""The repository of each user in which the server keeps results and uploads."""
DIRECTORY = "uploads"
URL_LIFETIME = 3600.0
"""Seconds for which a URL is assumed to be valid at most."""
MIN_LIFETIME = 1800.0
"""Seconds for which a URL must still be valid when it is sent, because jobs wait in the queue."""
MAX_REMEMBERED = 10_000
DOCUMENT_SUFFIX = "['file']['file_data']"
"""The end of the name of a document in a chat request. It has a limit of its own, and no URL is accepted."""
_PATH_PART = re.compile(r"(?!\.{1,2}$)[^/\s\ud800-\udfff]+")
_URL = re.compile(r"https?://[!-~]+", re.IGNORECASE)


class Form:
    """The form in which a file is uploaded, encoded in chunks each time it is iterated over.

    The file is named after its digest, so that a repeated upload adds no second file, and jobs with its URL
    can be recognized.

    Raises:
        LocalMediaError: While it is iterated over: the file cannot be read any more, or has changed.
    """

    def __init__(self, medium: LocalMedia, digest: str) -> None:
        boundary = token_hex(16)
        suffix = ".pdf" if medium.mime == PDF_TYPE else default_suffix(medium.mime)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._medium = medium
        self._head = (
            f'--{boundary}\r\ncontent-disposition: form-data; name="directory"\r\n\r\n{DIRECTORY}\r\n'
            f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{digest}{suffix}"\r\n'
            f"content-type: {medium.mime}\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    @property
    def length(self) -> int:
        """The number of bytes."""
        return len(self._head) + self._medium.size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._medium.read()
        yield self._tail


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was uploaded, and the last URL of it."""

    asset_path: str
    """The path in the repository."""
    url: str
    renew_at: float
    """The time from which on the URL is not sent any more, in Unix seconds."""


class UploadCache:
    """The newest uploads of a client by the SHA-256 of their content. Thread-safe."""

    def __init__(self, repository: str | None) -> None:
        self.repository = repository
        """The repository as `namespace/name`; None until it is known."""
        self._uploads: OrderedDict[str, Upload] = OrderedDict()

    def find(self, digest: str) -> Upload | None:
        """Return an upload; None if it is not known."""
        return self._uploads.get(digest)

    def add(self, digest: str, upload: Upload) -> None:
        """Remember an upload, and forget the oldest one if there are too many."""
        self._uploads[digest] = upload
        self._uploads.move_to_end(digest)
        if len(self._uploads) > MAX_REMEMBERED:
            self._uploads.popitem(last=False)


def upload_path(repository: str) -> str:
    """Return the path of the call that uploads a file, below /api."""
    return f"{UPLOADS_PATH}{quote(repository)}/workbench/context"


def sign_path(repository: str, asset_path: str) -> str:
    """Return the path of the call that returns a URL of a file, below /api."""
    return f"{UPLOADS_PATH}{quote(repository)}/file/presigned_url/main/{quote(asset_path)}"


def parse_repository(response: Response) -> str:
    """Return the repository of the user in a response.

    Raises:
        UnexpectedResponseError: The response does not name the user.
    """
    user = response.json.get("user")
    name = text(user if is_object(user) else response.json, "username")
    if name is None or not _PATH_PART.fullmatch(name):
        raise UnexpectedResponseError("the response does not name the user", response=response)
    return f"{name}/{DEFAULT_REPOSITORY}"


def parse_asset_path(response: Response) -> str:
    """Return the path of a file that was uploaded.

    Raises:
        UnexpectedResponseError: The response does not have it.
    """
    path = text(response.json, "asset_path")
    if path is None or not all(map(_PATH_PART.fullmatch, path.split("/"))):
        raise UnexpectedResponseError("the response has no usable asset_path", response=response)
    return path


def parse_url(response: Response, asset_path: str) -> Upload:
    """Return an upload with the URL in a response.

    Raises:
        UnexpectedResponseError: The response has no URL.
    """
    url = text(response.json, "url")
    if url is None or not _URL.fullmatch(url):
        raise UnexpectedResponseError("the response has no URL of the file", response=response)
    expires = time.time() + URL_LIFETIME
    [stated] = parse_qs(url.partition("?")[2]).get("oxen_expires", [""])[-1:]
    if re.fullmatch(r"[0-9]{1,15}", stated):
        expires = min(expires, int(stated))
    return Upload(asset_path, url, expires - MIN_LIFETIME)


def upload_error(medium: LocalMedia, cause: OxenError) -> UploadError:
    """Return the error of a file that could not be uploaded."""
    text = f"{medium!r} was not uploaded, and no request was sent: {cause}"
    hint = "check the repository, or create the client with uploads='namespace/name'"
    is_refused = isinstance(cause, NotFoundError | PermissionDeniedError)
    return UploadError(text, response=cause.response, hint=hint if is_refused else None)
