"""Files that clients upload for their requests, and the presigned URLs of these files."""

import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from secrets import token_hex
from typing import cast
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._errors import RequestError, not_found
from ._faults import Faults
from ._json import JSON, json_response

_MAX_FILES = 100
_URL_LIFETIME = 3600
_REPOSITORY = "/api/repos/{namespace}/{repository}"
_FILES = "/file/main/"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that a client uploaded."""

    name: str
    """The name that the client gave it."""
    content: bytes
    content_type: str


class Uploads:
    """The newest files that were uploaded, and the URLs under which anybody can read them for a while."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.files: OrderedDict[str, UploadedFile] = OrderedDict()
        """By path, such as `/api/repos/standin/playground/file/main/oxen/context/dog.png`."""
        self._signatures: dict[str, tuple[str, float]] = {}
        """The path and the time of expiry of each signature."""

    def routes(self) -> list[Route]:
        return [
            Route(f"{_REPOSITORY}/workbench/context", self._add, methods=["POST"]),
            Route(f"{_REPOSITORY}/file/presigned_url/main/{{path:path}}", self._sign),
            Route(f"{_REPOSITORY}{_FILES}{{path:path}}", self._download),
        ]

    def check_urls(self, value: JSON) -> None:
        """Check the URLs of uploads in a parameter.

        Raises:
            RequestError: A URL of an upload has expired, or is not one that the hub signed.
        """
        if isinstance(value, dict):
            self.check_urls(list(value.values()))
        elif isinstance(value, list):
            for item in value:
                self.check_urls(item)
        elif isinstance(value, str) and value[:5].lower() != "data:" and _FILES in value:
            with suppress(ValueError):
                parts = urlsplit(value)
                is_own = parts.hostname in ("127.0.0.1", "localhost") and is_upload(parts.path)
                if is_own and not self._is_valid(parts.path, parts.query):
                    detail = f"403 Client Error: Forbidden for url: {value.partition('?')[0]}"
                    raise RequestError(400, "invalid_file_input", detail)

    async def _add(self, request: Request) -> Response:
        parts = _parse_form(request.headers.get("content-type", ""), await request.body())
        file = parts.get("file")
        if file is None or not file.name:
            raise RequestError(400, "bad_request", "the form has no file")
        folder = parts["directory"].content.decode() if "directory" in parts else "context"
        asset_path = f"oxen/{folder}/{file.name}"
        path = request.url.path.replace("/workbench/context", f"{_FILES}{asset_path}")
        self.files[path] = file
        if len(self.files) > _MAX_FILES:
            self.files.popitem(last=False)
        return json_response({"status": "success", "asset_path": asset_path, "uuid": str(uuid4())})

    async def _sign(self, request: Request) -> Response:
        path = request.url.path.replace("/file/presigned_url/main/", _FILES)
        if path not in self.files:
            raise not_found()
        fault = self._faults.draw("url-seconds")
        lifetime = _URL_LIFETIME if fault is None else fault.amount or 0
        signature, expires = token_hex(), int(time.time() + lifetime)
        valid = (item for item in self._signatures.items() if item[1][1] > time.time())
        self._signatures = {**dict(valid), signature: (path, expires)}
        query = f"oxen_expires={expires}&oxen_signature={signature}"
        return json_response({"url": f"{request.base_url}{path.removeprefix('/')}?{query}"})

    async def _download(self, request: Request) -> Response:
        path = request.url.path
        file = self.files.get(path)
        if file is None:
            raise not_found()
        if not self._is_valid(path, request.url.query):
            raise RequestError(403, "forbidden", "Request has expired")
        return Response(file.content, media_type=file.content_type)

    def _is_valid(self, path: str, query: str) -> bool:
        [signature] = parse_qs(query).get("oxen_signature", [""])[-1:]
        signed_path, expires = self._signatures.get(signature, ("", 0))
        return path == signed_path and path in self.files and time.time() < expires


def is_upload(path: str) -> bool:
    """Return whether a path is that of an uploaded file, whose signature stands for an API key."""
    return path.startswith("/api/repos/") and _FILES in path


def _parse_form(content_type: str, content: bytes) -> dict[str, UploadedFile]:
    """Return the parts of a form by name. A value has no file name."""
    message = BytesParser(policy=HTTP).parsebytes(
        f"content-type: {content_type}\r\n\r\n".encode("latin-1") + content
    )
    return {
        str(part.get_param("name", header="content-disposition")): UploadedFile(
            part.get_filename() or "",
            cast(bytes, part.get_payload(decode=True)),
            part.get_content_type(),
        )
        for part in message.iter_parts()
    }
