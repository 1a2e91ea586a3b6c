"""The public class of the stand-in."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any, Self, get_args

from ._chat_script import ChatAnswer, StreamEnd
from ._dialect import Dialect
from ._faults import CannedResponse, Fault, FaultKind, is_amount
from ._models import Models, read_folder, read_shipped
from ._requests import ReceivedRequest
from ._server import Server
from ._state import State

MAX_PORT = 65_535

_DEFAULT_DIALECT = Dialect()


class Hub:
    """A stand-in for the Oxen.ai hub on 127.0.0.1 that runs inside a `with` block, or between `start()` and
    `stop()`.

        with Hub() as hub:
            oxen = Oxen(api_key="anything", base_url=hub.url)

    The results of the last 1,000 blocking calls can be downloaded. Requests whose Host header is another than
    127.0.0.1 or localhost are rejected.

    Several hubs may run at once. Hubs are thread-safe.

    Args:
        schemas: The folder of model files, as the hub returns them or as this package stores them.
            Defaults to the models that ship in this package.
        dialect: The behavior where the sources of the API contradict each other.
        port: The port to listen on. Defaults to 0, which selects a free port.
        generation_time: Seconds that each generation takes. By default, a blocking call takes no time, and
            a queued generation 0.8 seconds for a video and 0.3 seconds for an image or a sound.
        speed: The speed of the hub's clock. At 100, those 0.3 seconds take 3 milliseconds, and the 15 seconds
            between two keep-alive comments of the event stream take 0.15 seconds.

    Raises:
        OSError: The folder cannot be read.
        TypeError: `dialect` is not a `Dialect`.
        ValueError: The folder has no model or a file that is not a model, or a number is not valid.
    """

    def __init__(
        self,
        schemas: str | os.PathLike[str] | None = None,
        dialect: Dialect = _DEFAULT_DIALECT,
        port: int = 0,
        *,
        generation_time: float | None = None,
        speed: float = 1.0,
    ) -> None:
        if type(port) is not int or not 0 <= port <= MAX_PORT:
            raise ValueError(f"port must be an integer from 0 to {MAX_PORT}, got {port!r}")
        if not is_amount(speed) or not speed:
            raise ValueError(f"speed must be a positive number, got {speed!r}")
        if generation_time is not None and not is_amount(generation_time):
            raise ValueError(f"generation_time must be a number of seconds, got {generation_time!r}")
        if not isinstance(dialect, Dialect):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"dialect must be a Dialect, got {dialect!r}")
        models = Models(read_shipped() if schemas is None else read_folder(Path(os.path.expanduser(schemas))))
        self._state = State(models, dialect, generation_time, speed)
        self._port = port
        self._server: Server | None = None
        # Held while a server starts or stops, because the servers of a hub share its state.
        self._lock = RLock()

    def start(self) -> Self:
        """Start the server, and return this hub.

        Raises:
            OSError: The port is in use.
            RuntimeError: This hub is already running.
        """
        with self._lock:
            if self._server is not None:
                raise RuntimeError("this hub is already running")
            self._server = Server(self._state, self._port)
            try:
                self._server.start()
            except BaseException:
                self.stop()
                raise
        return self

    def stop(self) -> None:
        """Stop immediately, if the hub is running. Open connections are aborted and active jobs fail."""
        with self._lock:
            server, self._server = self._server, None
            if server is not None:
                server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        server = self._server
        return "<Hub (not running)>" if server is None else f"<Hub at {server.url}>"

    @property
    def url(self) -> str:
        """The base URL of the hub, such as `http://127.0.0.1:43211`.

        Raises:
            RuntimeError: The hub is not running.
        """
        server = self._server
        if server is None:
            raise RuntimeError("this hub is not running; use `with Hub() as hub:` or call start()")
        return server.url

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The last 10,000 requests since the start or the last `clear`, in order, whatever their responses.

        The body of a request is None if it did not arrive.
        """
        return self._state.requests.last

    def count(self, method: str, path_prefix: str) -> int:
        """Return the number of requests since the start or the last `clear`.

        Requests whose connection a fault cut are included.

        Args:
            method: The HTTP method to count.
            path_prefix: The beginning of the paths to count.
        """
        return self._state.requests.count(method.upper(), path_prefix)

    @property
    def uploads(self) -> dict[str, bytes]:
        """The last 100 files that clients uploaded, by the path of their URL.

        A request with a URL of an upload that has expired is refused.
        """
        return {path: file.content for path, file in self._state.uploads.files.items()}

    def clear(self) -> None:
        """Remove all faults, planned responses, chat answers and logged requests.

        Use it between tests that share a hub. Models and jobs stay.
        """
        self._state.faults.clear()
        self._state.chat.clear()
        self._state.requests.clear()

    def respond_next(
        self,
        status: int,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = 1,
        probability: float = 1.0,
        seed: int = 0,
        method: str | None = None,
        path: str | None = None,
    ) -> None:
        """Send this response to the next requests in place of the real one.

        Args:
            status: The HTTP status.
            body: The body, sent as JSON. `str` and `bytes` are sent unchanged, None as an empty body.
            headers: Headers beside `content-type`, or in its place.
            times: The number of requests that receive the response; None for all.
            probability: The share of the matching requests that receive it, 0 to 1.
            seed: The seed that selects these requests.
            method: The method of the matching requests. Defaults to any.
            path: The path of the matching requests, without the query; a `*` at its end matches any rest.
                Defaults to any.

        Raises:
            ValueError: HTTP does not permit the status or a header, `times` is less than 1, `probability` is
                not between 0 and 1, or `path` does not begin with a slash.
        """
        is_text = body is None or isinstance(body, str | bytes)
        text = (body or "") if is_text else json.dumps(body)
        content = text if isinstance(text, bytes) else text.encode()
        content_type = "text/html; charset=utf-8" if is_text else "application/json"
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if content:
            sent = {"content-type": content_type, **sent}
        response = CannedResponse(status, content, sent)
        self._state.faults.add(Fault("response", None, times, probability, seed, method, path, response))

    def chat(
        self,
        content: str | Mapping[str, Any] | None = None,
        *,
        tool_calls: Iterable[tuple[str, Mapping[str, Any]]] = (),
        refusal: str | None = None,
        finish_reason: str | None = None,
        usage: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
        end: StreamEnd = "done",
        chunk_time: float = 0.0,
        model: str | None = None,
        times: int | None = 1,
    ) -> None:
        """Answer the next chat request in this way, streamed or not.

        Without a script, the hub quotes the last message; as JSON if `response_format` requires JSON, and by
        a call of the function that `tool_choice` requires.

        Args:
            content: The text of the answer, or an object that is written as JSON.
            tool_calls: The functions that the answer calls, and their arguments.
            refusal: The reason why the model does not answer.
            finish_reason: Defaults to `tool_calls` with tool calls, else to `stop`.
            usage: Fields that replace those of the usage, or are added to it.
            error: The error object in place of the end of a stream, after the content. Without a stream, it
                is the response, with its `code` as the HTTP status (default 500).
            end: How a stream ends: `done` with `[DONE]`, `finish-reason` without it, and `cut` before both.
            chunk_time: Seconds before each chunk of a stream.
            model: The model that answers. Defaults to any.
            times: The number of requests that receive the answer; None for all.

        Raises:
            ValueError: `times` is less than 1, `end` is unknown, or `chunk_time` is not a number of seconds.
        """
        if end not in get_args(StreamEnd):
            raise ValueError(f"end must be one of {', '.join(get_args(StreamEnd))}, got {end!r}")
        if not is_amount(chunk_time):
            raise ValueError(f"chunk_time must be a number of seconds, got {chunk_time!r}")
        text = content if content is None or isinstance(content, str) else json.dumps(content)
        calls = tuple((name, json.dumps(arguments)) for name, arguments in tool_calls)
        answer = ChatAnswer(
            text,
            calls,
            refusal,
            finish_reason or ("tool_calls" if calls else "stop"),
            dict(usage or {}),
            None if error is None else dict(error),
            end,
            chunk_time,
        )
        self._state.chat.add(answer, model, times)

    def inject_fault(
        self,
        kind: FaultKind,
        amount: float | None = None,
        *,
        times: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
        method: str | None = None,
        path: str | None = None,
    ) -> None:
        """Inject a fault. If several faults match an occasion, the oldest one happens.

        Faults of requests:

        - `cut-before-body`: the connection is cut before the body is read, and the request has no effect.
        - `cut-before-response`: the request has its effect, and the connection is cut before the response.
        - `cut-mid-response`: the connection is cut in the middle of the response.
        - `slow`: the response begins `amount` seconds late.

        Faults of jobs:

        - `job-stuck`: a job that is submitted to the queue stays `processing`.
        - `job-not-found`: a request for a job that has ended receives 404.

        Faults of the URLs of results, decided when a URL is returned; another request returns another URL:

        - `url-downloads`: the URL responds 403 after `amount` downloads.
        - `url-seconds`: the URL responds 403 after `amount` seconds, rounded up, in place of an hour. This
          applies to uploads, too.

        Faults of event streams, decided when a stream is opened (`respond_next(503, path="/api/events")`
        refuses a stream):

        - `events-silent`: nothing is sent.
        - `events-cut-after`: the stream is cut after `amount` events.
        - `events-cut-every`: the stream is cut after `amount` seconds.
        - `events-split`: the events are sent in pieces of `amount` bytes, by default of 1 to 16.

        Faults of the event that a job is completed:

        - `events-early`: it is sent before the response to the POST.
        - `events-garbled`: it ends within a line.
        - `events-twice`: it is sent twice.
        - `events-dropped`: it is not sent.

        Args:
            kind: The kind of fault.
            amount: Seconds, downloads, events or bytes, for the kinds that have an amount.
            times: The number of occasions on which it happens. Defaults to all.
            probability: The share of the occasions on which it happens, 0 to 1.
            seed: The seed that selects these occasions.
            method: For faults of requests: the method. Defaults to any.
            path: For faults of requests: the path without the query; a `*` at its end matches any rest.
                Defaults to any.

        Raises:
            ValueError: The kind is unknown, or an argument is missing or not valid for the kind.
        """
        self._state.faults.add(Fault(kind, amount, times, probability, seed, method, path))

    def add_model(self, model: Mapping[str, Any]) -> None:
        """Add a model, or replace the one with the same id.

        Args:
            model: The model as the hub returns it: a JSON object with an `id`.

        Raises:
            ValueError: `model` is not such an object.
        """
        self._state.models.add(model)

    def remove_model(self, id: str) -> None:
        """Remove a model.

        Raises:
            KeyError: There is no model with this id.
        """
        self._state.models.remove(id)
