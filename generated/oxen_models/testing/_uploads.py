# Copied by oxen-codegen from templates/package/testing/_uploads.py. Do not edit.
"""Repositories, and files that clients upload for their requests."""

from collections import OrderedDict
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import cast
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._errors import RequestError, not_found, url_expired
from ._json import json_response
from ._links import PLAYGROUND, REPOSITORIES, UPLOADED_FILES, USER, Links
from ._validation import read_body

_MAX_FILES = 100
_REPOSITORY = f"{REPOSITORIES}{{namespace}}/{{name}}"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that a client uploaded."""

    name: str
    """The name that the client gave it."""
    content: bytes
    content_type: str


class Uploads:
    """The newest files that were uploaded, and the repositories that they are in."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._repositories = {(USER, PLAYGROUND)}
        """The namespace and the name of each repository."""
        self.files: OrderedDict[str, UploadedFile] = OrderedDict()
        """By path, such as `/api/repos/standin/playground/file/main/oxen/context/dog.png`."""

    def routes(self) -> list[Route]:
        return [
            Route(REPOSITORIES, self._create, methods=["POST"]),
            Route(_REPOSITORY, self._get),
            Route(f"{_REPOSITORY}/workbench/context", self._add, methods=["POST"]),
            Route(f"{_REPOSITORY}/file/presigned_url/main/{{path:path}}", self._sign),
            Route(f"{_REPOSITORY}{UPLOADED_FILES}{{path:path}}", self._download),
        ]

    async def _create(self, request: Request) -> Response:
        body = read_body(request, await request.body())
        namespace, name = body.get("namespace", USER), body.get("name")
        if not isinstance(namespace, str) or not isinstance(name, str) or not namespace or not name:
            raise RequestError(400, "bad_request", "a repository must have a name")
        if (namespace, name) in self._repositories:
            raise RequestError(422, "invalid_params", "name already taken")
        self._repositories.add((namespace, name))
        return json_response({"repository": {"name": name, "namespace": namespace}}, 201)

    async def _get(self, request: Request) -> Response:
        namespace, name = self._find_repository(request)
        return json_response({"repository": {"name": name, "namespace": namespace}})

    async def _add(self, request: Request) -> Response:
        namespace, name = self._find_repository(request)
        parts = _parse_form(request.headers.get("content-type", ""), await request.body())
        file = parts.get("file")
        if file is None or not file.name:
            raise RequestError(400, "bad_request", "the form has no file")
        folder = parts["directory"].content.decode() if "directory" in parts else "context"
        asset_path = f"oxen/{folder}/{file.name}"
        self.files[f"{REPOSITORIES}{namespace}/{name}{UPLOADED_FILES}{asset_path}"] = file
        if len(self.files) > _MAX_FILES:
            self.files.popitem(last=False)
        return json_response({"status": "success", "asset_path": asset_path, "uuid": str(uuid4())})

    async def _sign(self, request: Request) -> Response:
        path = request.scope["path"].replace("/file/presigned_url/main/", UPLOADED_FILES)
        if path not in self.files:
            raise not_found()
        url = self._links.sign(str(request.base_url), path, is_result=False)
        return json_response({"url": url})

    async def _download(self, request: Request) -> Response:
        path, query = request.scope["path"], request.url.query
        file = self.files.get(path)
        if file is None:
            raise not_found()
        if "oxen_signature" in query and not self._links.use(path, query):
            raise url_expired()
        return Response(file.content, media_type=file.content_type)

    def _find_repository(self, request: Request) -> tuple[str, str]:
        repository = request.path_params["namespace"], request.path_params["name"]
        if repository not in self._repositories:
            raise not_found()
        return repository


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
