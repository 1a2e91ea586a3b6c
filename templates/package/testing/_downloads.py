"""The route from which results are downloaded."""

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ._errors import url_expired
from ._jobs import Job
from ._media import File, make_files
from ._models import model_schema
from ._state import State


class Downloads:
    """Serves the results of blocking calls, which are stored, and of jobs, which are made when downloaded."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def download(self, request: Request) -> Response:
        name = str(request.path_params["name"])
        file = self._state.files.get(name)
        job = self._state.jobs.get(str(request.path_params["workspace"]))
        if file is None and (job is None or name not in job.files):
            raise HTTPException(404)
        query = request.url.query
        if "oxen_signature" in query and not self._state.links.use(request.scope["path"], query):
            raise url_expired()
        if file is None:
            assert job is not None
            file = (await self.make(job))[job.files.index(name)]
        return Response(file.content, media_type=file.format.content_type)

    async def make(self, job: Job) -> list[File]:
        """Return the results of a job that succeeded."""
        schema = model_schema(job.model) or {}
        return await anyio.to_thread.run_sync(make_files, job.media, job.parameters, schema, job.number)
