"""Base client: jobs, history, events and batch runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack, overload

import httpx
from oxen_models._runtime.api_key import APIKeyLike

from ..errors import ConfigurationError
from ..generations import (
    Generation,
    GenerationCompleted,
    JobStatus,
    MediaType,
    build_filters,
    parse_generations,
)
from ..lazy import LazyModule
from ..settings import DEFAULT_DOWNLOAD_TIMEOUT, DEFAULT_MAX_INLINE, create_settings, hide_key
from ..urls import validate_id
from .concurrency import Callback
from .session import AsyncSession

if TYPE_CHECKING:
    from . import types
else:
    types = LazyModule(f"{__package__}.types")

# Other modules are imported lazily to keep the creation of a client fast.


class AsyncClient:
    """Base class for the generated clients."""

    _is_derived = False
    """Whether another client created it, which closes the connections."""

    def __init__(
        self,
        api_key: APIKeyLike | None = None,
        *,
        base_url: str | httpx.URL | None = None,
        timeout: float | None = None,
        download_timeout: float = DEFAULT_DOWNLOAD_TIMEOUT,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
        http_client: httpx.AsyncClient | None = None,
        uploads: bool | str = False,
        max_inline: int = DEFAULT_MAX_INLINE,
    ) -> None:
        api_key = hide_key(api_key)  # in the same variable, which tracebacks may show
        url = str(base_url) if isinstance(base_url, httpx.URL) else base_url
        settings = create_settings(
            api_key, url, timeout, max_retries, default_headers, download_timeout, uploads, max_inline
        )
        self._session = AsyncSession(settings, http_client)

    @classmethod
    def _from_session(cls, session: AsyncSession) -> Self:
        client = object.__new__(cls)
        client._session = session
        return client

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._from_session, (self._session,)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        download_timeout: float | None = None,
        max_retries: int | None = None,
        target_repo: str | None = None,
        target_directory: str | None = None,
    ) -> Self:
        """Return a client with other options. It shares the connections: `close()` of one closes both, but
        the end of a `with` block of the new client closes neither.

        Options that are None stay as they are. A client with a target submits to the queue only: its blocking
        calls raise `ConfigurationError` before anything is sent.

        Args:
            timeout: Seconds to wait for a response.
            download_timeout: Seconds for the download of one result, in `read()` and `save()`.
            max_retries: Maximum number of retries of a request that is idempotent, or that was certainly not
                accepted.
            target_repo: Repository in which the results of submissions are kept, as `namespace/name`.
            target_directory: Directory of that repository.

        Raises:
            ConfigurationError: A value is out of range or of the wrong type.
        """
        session = self._session.with_settings(
            timeout=timeout,
            download_timeout=download_timeout,
            max_retries=max_retries,
            target_repo=target_repo,
            target_directory=target_directory,
        )
        client = self._from_session(session)
        client._is_derived = True
        return client

    @overload
    async def run(
        self, request: types.ImageRequest, **options: Unpack[types.RequestOptions]
    ) -> types.AsyncImageResult: ...
    @overload
    async def run(
        self, request: types.VideoRequest, **options: Unpack[types.RequestOptions]
    ) -> types.AsyncVideoResult: ...
    @overload
    async def run(
        self, request: types.AudioRequest, **options: Unpack[types.RequestOptions]
    ) -> types.AsyncAudioResult: ...
    @overload
    async def run(
        self, request: types.RequestLike, **options: Unpack[types.RequestOptions]
    ) -> types.AsyncAnyResult: ...
    @overload
    async def run(
        self, request: types.ChatRequestBase, **options: Unpack[types.RequestOptions]
    ) -> types.Completion: ...
    async def run(
        self, request: types.AnyRequest, **options: Unpack[types.RequestOptions]
    ) -> types.AsyncAnyResult | types.Completion:
        """Send a request and return its result. The type of the result is that of the request's family.

        Args:
            request: The request: a value such as `QwenImageEditPlusRequest(...)`, or one of
                `oxen.model(id).request(...)`.
            options: `timeout`, `extra_headers` and `extra_body`; see `RequestOptions`.

        Raises:
            ConfigurationError: An option is invalid, or the client has a `target_repo` or
                `target_directory`, which apply to `submit` alone. Nothing was sent.
            InvalidRequestError: `extra_body` is not JSON. Nothing was sent.
            OutcomeUnknownError: No response was received. The request may have been accepted and billed.
            OxenError: The server returned an error or could not be reached.
            TypeError: `request` is not a request.
        """
        from ..options import check_options
        from ..request import ChatRequestBase, validate_request
        from .sender import run_request

        check_options("run()", options, ("request",))
        validate_request(request)
        if isinstance(request, ChatRequestBase):
            from .chat import complete

            return await complete(self._session, request, **options)
        return await run_request(self._session, request, **options)

    @overload
    async def submit(
        self, request: types.ImageRequest, **options: Unpack[types.RequestOptions]
    ) -> types.AsyncJob[types.AsyncImageResult]: ...
    @overload
    async def submit(
        self, request: types.ImageRequest, *, num_generations: int, **options: Unpack[types.RequestOptions]
    ) -> list[types.AsyncJob[types.AsyncImageResult]]: ...
    @overload
    async def submit(
        self, request: types.VideoRequest, **options: Unpack[types.RequestOptions]
    ) -> types.AsyncJob[types.AsyncVideoResult]: ...
    @overload
    async def submit(
        self, request: types.VideoRequest, *, num_generations: int, **options: Unpack[types.RequestOptions]
    ) -> list[types.AsyncJob[types.AsyncVideoResult]]: ...
    @overload
    async def submit(
        self, request: types.AudioRequest, **options: Unpack[types.RequestOptions]
    ) -> types.AsyncJob[types.AsyncAudioResult]: ...
    @overload
    async def submit(
        self, request: types.AudioRequest, *, num_generations: int, **options: Unpack[types.RequestOptions]
    ) -> list[types.AsyncJob[types.AsyncAudioResult]]: ...
    @overload
    async def submit(
        self, request: types.RequestLike, **options: Unpack[types.RequestOptions]
    ) -> types.AsyncJob[types.AsyncAnyResult]: ...
    @overload
    async def submit(
        self, request: types.RequestLike, *, num_generations: int, **options: Unpack[types.RequestOptions]
    ) -> (
        list[types.AsyncJob[types.AsyncImageResult]]
        | list[types.AsyncJob[types.AsyncVideoResult]]
        | list[types.AsyncJob[types.AsyncAudioResult]]
    ): ...
    async def submit(
        self,
        request: types.RequestLike,
        *,
        num_generations: int | None = None,
        **options: Unpack[types.RequestOptions],
    ) -> types.AsyncJob[Any] | list[types.AsyncJob[Any]]:
        """Submit a request to the queue and return its job, or with `num_generations` the list of its jobs.

        Args:
            request: The request: a value such as `QwenImageEditPlusRequest(...)`, or one of
                `oxen.model(id).request(...)`.
            num_generations: The number of jobs to start with this one request, each with a result of its own:
                1 to 4 by the documentation of the API, up to 12 by its OpenAPI description.
            options: `timeout`, `extra_headers` and `extra_body`; see `RequestOptions`.

        Raises:
            ConfigurationError: An option is invalid, or it is a chat request. Nothing was sent.
            InvalidRequestError: `num_generations` is not a positive integer, or `extra_body` is not JSON.
                Nothing was sent.
            OutcomeUnknownError: No response was received. The request may have been accepted and billed.
            OxenError: The server returned an error or could not be reached.
            TypeError: `request` is not a request.
        """
        from ..options import check_options
        from ..request import ChatRequestBase, validate_request
        from .sender import submit_request

        check_options("submit()", options, ("request", "num_generations"))
        if isinstance(validate_request(request), ChatRequestBase):
            raise ConfigurationError("a chat request cannot be queued: call run() or run_many()")
        if num_generations is None:
            [job, *_] = await submit_request(self._session, request, 1, **options)
            return job
        return await submit_request(self._session, request, num_generations, **options)

    async def upload(self, file: types.FileInput) -> str:
        """Upload a file, at no cost, and return its URL, which the parameters of requests accept.

        The URL expires after about an hour. Each file is uploaded once: another call with the same content
        returns the same URL, or a new one if that expires within half an hour.

        The calls are not part of the reference of the API: POST
        /api/repos/{namespace}/{name}/workbench/context, and GET
        /api/repos/{namespace}/{name}/file/presigned_url/main/{path}. Another client of the vendor uses them.

        Args:
            file: The path of the file, its content, an open file, an image or a file of a result. It is sent
                from the disk in chunks. A result at a URL is not uploaded: its URL is returned.

        Raises:
            ConfigurationError: `file` cannot be read, or is no image, video, sound or PDF document. Nothing
                was sent.
            MissingAPIKeyError: There is no API key.
            UploadError: The server returned an error or could not be reached.
        """
        from .uploads import upload_file

        return await upload_file(self._session, file)

    async def check_key(self) -> types.User:
        """Return the user that the API key belongs to. Source: GET /api/authorize.

        Raises:
            MissingAPIKeyError: There is no API key. Nothing was sent.
            AuthenticationError: The server rejected the key.
            OxenError: The server returned another error or could not be reached.
        """
        from ..account import parse_user

        return parse_user(await self._session.get("/authorize", base_path="/api"))

    def job(self, id: str) -> types.AsyncJob[types.AsyncAnyResult]:
        """Return a job by its id, which another process may have submitted. Sends no request.

        Raises:
            ConfigurationError: `id` is not a string, is blank, or consists of dots.
        """
        from .job import AsyncJob

        return AsyncJob(self._session, validate_id(id, "job"), None, "unknown")

    def model(self, id: str) -> types.AsyncAnyModel:
        """Return any model by its id, including models that are not in the package. Sends no request.

        Parameters are not checked statically. At run time they are validated against the schema in the
        package, or against the one that the server publishes if the package does not have the model (extra
        `dynamic`).

        Raises:
            ConfigurationError: `id` is not a string, is blank, or consists of dots.
        """
        from .dynamic import AsyncAnyModel

        return AsyncAnyModel(self._session, validate_id(id, "model"))

    async def jobs(
        self,
        *,
        status: JobStatus | None = None,
        model: str | None = None,
        media_type: MediaType | None = None,
        namespace: str | None = None,
        repo: str | None = None,
        folder: str | None = None,
    ) -> list[types.AsyncJob[types.AsyncAnyResult]]:
        """Return the jobs in the queue that match all filters. Source: GET /queue.

        Args:
            status: queued, processing, succeeded, failed or cancelled. Defaults to jobs that have not ended.
            model: The id of the model.
            media_type: image, video or audio.
            namespace: The user or organization that is billed.
            repo: The repository of the results.
            folder: The folder of the results.

        Raises:
            ConfigurationError: `status` or `media_type` has another value.
            OxenError: The server returned an error or could not be reached.
        """
        from .job import AsyncJob

        query = build_filters(
            status=status, model=model, media_type=media_type, namespace=namespace, repo=repo, folder=folder
        )
        return [
            AsyncJob(self._session, generation.generation_id, None, generation.status, generation=generation)
            for generation in parse_generations(await self._session.get("/queue", query))
        ]

    def generations(
        self,
        *,
        status: JobStatus | None = None,
        model: str | None = None,
        media_type: MediaType | None = None,
        namespace: str | None = None,
        repo: str | None = None,
        folder: str | None = None,
        page_size: int = 100,
    ) -> types.AsyncGenerations:
        """Return the history of jobs with their costs. Source: GET /generations.

        Args:
            status: queued, processing, succeeded, failed or cancelled.
            model: The id of the model.
            media_type: image, video or audio.
            namespace: The user or organization that was billed.
            repo: The repository of the results.
            folder: The folder of the results.
            page_size: The number of jobs per request, 1 to 1000.

        Raises:
            ConfigurationError: `status`, `media_type` or `page_size` has another value.
        """
        from .history import AsyncGenerations

        if isinstance(page_size, bool) or not isinstance(page_size, int) or not 1 <= page_size <= 1000:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"page_size must be an integer from 1 to 1000, got {page_size!r:.40}")
        query = build_filters(
            status=status, model=model, media_type=media_type, namespace=namespace, repo=repo, folder=folder
        )
        return AsyncGenerations(self._session, query, page_size)

    async def generation(self, id: str) -> Generation:
        """Return a job of the history with its cost and parameters. Source: GET /generations/{id}.

        Raises:
            ConfigurationError: `id` is not a string, is blank, or consists of dots.
            JobNotFound: The history has no such job.
            OxenError: The server returned an error or could not be reached.
        """
        from .job import read_history

        return await read_history(self._session, id)

    async def costs(
        self,
        *,
        since: types.datetime | None = None,
        by: types.CostKey = "model",
        model: str | None = None,
        namespace: str | None = None,
    ) -> dict[str, types.Decimal]:
        """Return the costs of the jobs in the history, in dollars, the highest sum first.

        Jobs for which the server reports no cost are not included. Source: GET /generations, page by page.

        Args:
            since: Only jobs that were submitted at this time or later. Defaults to all of them.
            by: What the costs are summed by: model, media_type, namespace, or day (in UTC, as YYYY-MM-DD).
            model: Only jobs of this model.
            namespace: Only jobs that this user or organization was billed for.

        Raises:
            ConfigurationError: `by` has another value, or `since` is not a datetime.
            OxenError: The server returned an error or could not be reached.
        """
        from .history import sum_costs

        return await sum_costs(self._session, since, by, build_filters(model=model, namespace=namespace))

    def events(self) -> AsyncGenerator[GenerationCompleted]:
        """Yield an event for each job of the user that ends, from the first iteration until the client is
        closed.

        Events are missed while the connection is interrupted. Source: GET /events.

        Raises:
            OxenError: The server rejected the event stream, or the first connection failed.
        """
        return self._session.events()

    @overload
    def run_many(
        self,
        requests: Iterable[types.RequestLike],
        *,
        max_in_flight: int = ...,
        journal: str | PathLike[str] | None = ...,
        key: Callable[[types.RequestLike], str] | None = ...,
        resend_unknown: bool = ...,
        reconcile: bool = ...,
        timeout: float | None = ...,
        max_consecutive_failures: int | None = ...,
        progress: bool | Callable[[types.Progress], object] = ...,
        budget: types.Decimal | int | None = ...,
        unpriced: types.Unpriced = ...,
    ) -> types.AsyncBatchRun: ...
    @overload
    def run_many(
        self,
        requests: Iterable[types.ChatRequestT],
        *,
        max_in_flight: int = ...,
        journal: str | PathLike[str] | None = ...,
        key: Callable[[types.ChatRequestT], str] | None = ...,
        resend_unknown: bool = ...,
        reconcile: bool = ...,
        timeout: float | None = ...,
        max_consecutive_failures: int | None = ...,
        progress: bool | Callable[[types.Progress], object] = ...,
        budget: types.Decimal | int | None = ...,
        unpriced: types.Unpriced = ...,
    ) -> types.AsyncBatchRun[types.Completion, types.ChatRequestT]: ...
    @overload
    def run_many(
        self,
        requests: Iterable[types.AnyRequest],
        *,
        max_in_flight: int = ...,
        journal: str | PathLike[str] | None = ...,
        key: Callable[[types.AnyRequest], str] | None = ...,
        resend_unknown: bool = ...,
        reconcile: bool = ...,
        timeout: float | None = ...,
        max_consecutive_failures: int | None = ...,
        progress: bool | Callable[[types.Progress], object] = ...,
        budget: types.Decimal | int | None = ...,
        unpriced: types.Unpriced = ...,
    ) -> types.AsyncBatchRun[types.AsyncAnyResult | types.Completion, types.AnyRequest]: ...
    def run_many(
        self,
        requests: Iterable[types.AnyRequest],
        *,
        max_in_flight: int = 16,
        journal: str | PathLike[str] | None = None,
        key: Callable[[Any], str] | None = None,
        resend_unknown: bool = False,
        reconcile: bool = False,
        timeout: float | None = None,
        max_consecutive_failures: int | None = None,
        progress: bool | Callback[types.Progress] = False,
        budget: types.Decimal | int | None = None,
        unpriced: types.Unpriced = "refuse",
    ) -> types.AsyncBatchRun[Any, Any]:
        """Run many requests, of one or several models, and return an iterator over their outcomes, each as
        soon as it is known.

        The requests are submitted to the queue; chat requests are blocking calls. With a journal, a run that
        ended early can be continued by starting it again: the outcomes of finished requests are yielded again
        without sending them, unfinished jobs are waited for, and a request that may have been accepted yields
        an `OutcomeUnknownError`. The requests may be in another order, and there may be further ones.

        If the server limits the rate or cannot be reached, the run pauses, and continues once one request
        has succeeded. The iterator is also a context manager, which ends the run and waits until the outcome
        of each request that was being sent is recorded. A run that is left in another way records them too.

        Args:
            requests: The requests. An iterator is read as they are sent.
            max_in_flight: The maximum number of requests that are sent and not finished. Memory use grows
                with it, not with the number of requests.
            journal: The path of a file, which is created if it does not exist. One run can use it at a time.
            key: Returns the name of a request in the journal. Defaults to the digest of its body and the
                number of equal requests before it.
            resend_unknown: Send requests again that may have been accepted. They may be billed twice.
            reconcile: Look for the jobs of requests that may have been accepted, as `reconcile()` does,
                before the run starts.
            timeout: Seconds to wait for each request, from sending it until its job has ended. Defaults to
                the client's timeout for sending it, and to 10 minutes for an image or a sound, 60 for a
                video.
            max_consecutive_failures: End the run after this number of failures in a row. Defaults to no
                limit.
            progress: True for a progress bar on a terminal (extra `progress`), or a function that is called
                with each change.
            budget: Dollars. The run stops before the request that could exceed them. Requests that are sent
                and not finished count with the highest cost of their estimate, finished ones with the cost in
                the history or else with the estimate, and those of earlier runs in the journal likewise.
            unpriced: With a budget, "refuse" requests whose cost cannot be estimated: the outcome is an
                `UnpricedRequestError`. Or "allow" them: they count once their cost is known.

        Raises:
            BudgetExceededError: The next request could exceed the budget. Those in flight have ended.
            ConfigurationError: A value is out of range, the extra is not installed, or the cost of a request
                in the journal is unknown and refused.
            JournalError: The journal is damaged, in use, or cannot be written.
            RunStoppedError: `max_consecutive_failures` requests failed in a row.
            TypeError: An item is not a request.
        """
        from ..batch_options import BatchOptions
        from .batch import AsyncBatchRun

        options = BatchOptions(
            max_in_flight=max_in_flight,
            journal=journal,
            key=key,
            resend_unknown=resend_unknown,
            reconcile=reconcile,
            timeout=timeout,
            max_consecutive_failures=max_consecutive_failures,
            progress=progress,
            budget=budget,
            unpriced=unpriced,
        )
        options.validate()
        self._session.settings.require_key()
        return AsyncBatchRun(self._session, requests, options)

    async def reconcile(self, journal: str | PathLike[str]) -> types.Reconciliation:
        """Look for the jobs of the requests in a journal whose outcome is unknown.

        The queue and the history are searched by model, parameters and time. A job that certainly belongs to
        a request is recorded in the journal, so that the next `run_many` waits for it. Sources: GET /queue
        and GET /generations.

        Args:
            journal: The path of the journal of a `run_many`.

        Raises:
            JournalError: The journal does not exist, is damaged or in use, or cannot be written.
            OxenError: The server returned an error or could not be reached.
        """
        from .reconcile import reconcile

        return await reconcile(self._session, journal)

    def openai(self) -> types.OpenAIClient:
        """Return an `openai.OpenAI` that calls the chat models of this server, with this client's key.

        It sends no request again, because `openai` also repeats requests that may have been accepted and
        billed, and it follows no redirect, because the key is for this server only. It has a connection pool
        of its own: close it, or use it as a context manager.

        Raises:
            ConfigurationError: The package `openai` is not installed.
            MissingAPIKeyError: There is no API key.
        """
        from ..openai_clients import create_openai_client

        return create_openai_client(self._session.settings)

    def async_openai(self) -> types.OpenAIAsyncClient:
        """Return an `openai.AsyncOpenAI` that calls the chat models of this server. See `openai`."""
        from ..openai_clients import create_async_openai_client

        return create_async_openai_client(self._session.settings)

    @property
    def models(self) -> types.AsyncModels:
        """The models that the server lists now."""
        from .models import AsyncModels

        return AsyncModels(self._session)

    async def aclose(self) -> None:
        """Close the connections and end every wait. Jobs continue, and an `http_client` that was passed in
        stays open.
        """
        await self._session.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_derived:
            await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.settings.base_url}>"
