"""The files that results are: those of blocking calls are kept, those of jobs made when asked for."""

import hashlib
import json
from collections import OrderedDict

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ._jobs import Job
from ._media import File, make
from ._models import schema_of
from ._state import State

_MOST_FILES = 64

_EXPIRED = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"


class Downloads:
    def __init__(self, state: State) -> None:
        self._state = state
        self._made: OrderedDict[bytes, File] = OrderedDict()

    async def one(self, request: Request) -> Response:
        name = str(request.path_params["name"])
        file = self._state.files.get(name)
        job = self._state.jobs.get(name.partition(".")[0])
        if file is None and (job is None or job.file != name):
            raise HTTPException(404)
        if not self._state.links.opens(request.query_params):
            return Response(_EXPIRED, 403, media_type="application/xml")
        if file is None:
            assert job is not None
            file = await self.made(job)
        return Response(file.content, media_type=file.content_type)

    async def made(self, job: Job) -> File:
        """The result of a job that succeeded: the same for the same request, so often made once."""
        told = json.dumps([job.model["id"], job.media, job.number, job.parameters], sort_keys=True)
        key = hashlib.sha256(told.encode()).digest()
        file = self._made.get(key)
        if file is None:
            schema = schema_of(job.model)
            known = schema if isinstance(schema, dict) else {}
            file, *_ = await anyio.to_thread.run_sync(make, job.media, job.parameters, known, job.number)
            self._made[key] = file
            if len(self._made) > _MOST_FILES:
                self._made.popitem(last=False)
        return file
