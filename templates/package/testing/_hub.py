"""The public side of the stand-in: a context manager with faults on demand."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ._dialect import Dialect
from ._faults import Answer, Fault, FaultKind
from ._models import SHIPPED, Models
from ._server import Server
from ._state import ReceivedRequest, State

_AS_STORED = Dialect()


class Hub:
    """A stand-in for the Oxen.ai hub on 127.0.0.1, for as long as the `with` block runs.

        with Hub() as hub:
            oxen = Oxen(api_key="anything", base_url=hub.url)

    Any number of hubs may run at once; any thread may use one.

    Args:
        schemas: The folder of model files, as the hub answers them or as this package stores them; left
            out, the models that ship in this package.
        dialect: How answers are written where the sources disagree; left out, `Dialect()`.
        port: Where to listen; 0, the default, takes a free one.
        generation_time: How long a generation takes, in seconds. Defaults to none for a blocking call, and
            to 0.3 for an image and 0.8 for a video in the queue.
        speed: How much faster the hub's own clock runs than the one on the wall: at 100, those 0.3 seconds
            and the 15 between two signs of life on the event stream are a hundredth.

    Raises:
        OSError: The folder cannot be read.
        ValueError: The folder holds no model or a file that is not a model, or `speed` is 0 or less.
    """

    def __init__(
        self,
        schemas: str | os.PathLike[str] | None = None,
        dialect: Dialect = _AS_STORED,
        port: int = 0,
        *,
        generation_time: float | None = None,
        speed: float = 1.0,
    ) -> None:
        if speed <= 0:
            raise ValueError(f"speed is more than 0, not {speed}")
        models = Models(SHIPPED if schemas is None else Path(schemas))
        self._state = State(models, dialect, generation_time, speed)
        self._port = port
        self._server: Server | None = None

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            OSError: The port is taken.
            RuntimeError: This hub is running already.
        """
        if self._server is not None:
            raise RuntimeError("this hub is running already")
        self._server = Server(self._state, self._port)
        try:
            self._server.start()
        except BaseException:
            self._server = None
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop at once: open connections are cut, generations under way fail."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __repr__(self) -> str:
        return f"<Hub {'that is not running' if self._server is None else f'at {self._server.url}'}>"

    @property
    def url(self) -> str:
        """Where the hub listens, such as `http://127.0.0.1:43211`.

        Raises:
            RuntimeError: The hub is not running.
        """
        if self._server is None:
            raise RuntimeError("this hub is not running: use `with Hub() as hub:`")
        return self._server.url

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests so far, in order, whatever their answers; `clear` empties the list.

        It keeps the last 10,000. The body is None where it did not arrive.
        """
        return self._state.requests.last

    def count(self, method: str, path_prefix: str) -> int:
        """How many requests came, since the start or the last `clear`.

        Requests that were cut before or after their body was read count, too.

        Args:
            method: Count this method only.
            path_prefix: Count paths that begin like this only.
        """
        return self._state.requests.count(method.upper(), path_prefix)

    def clear(self) -> None:
        """Forget every fault, every planned answer and the requests so far.

        For a hub that several tests share, so that what one test planned does not reach the next. Models
        and jobs stay.
        """
        self._state.faults.clear()
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
        """Give the next requests this answer in place of the real one.

        Args:
            status: The HTTP status.
            body: What is sent as JSON; a `str` or `bytes` is sent as it is, and None sends nothing.
            headers: Headers beside `content-type`, or in its place.
            times: How many requests get it; None for all.
            probability: The share of those requests that get it, 0 to 1.
            seed: Which ones these are; the same for the same seed.
            method: Only requests by this method; left out, by any.
            path: Only requests to this path, without its query; a `*` at its end stands for any rest. Left
                out, to any.

        Raises:
            ValueError: `times` is less than 1, or `probability` is not between 0 and 1.
        """
        plain = body is None or isinstance(body, str | bytes)
        text = (body or "") if plain else json.dumps(body)
        content = text if isinstance(text, bytes) else text.encode()
        kind = "text/html; charset=utf-8" if plain else "application/json"
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        answer = Answer(status, content, {"content-type": kind, **lower} if content else lower)
        self._state.faults.add(Fault("answer", None, times, probability, seed, method, path, answer))

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
        """Let something go wrong from now on.

        Of several faults that could happen, the oldest does. To requests:

        - `cut-before-body`: the connection ends before the body is read, and nothing is done.
        - `cut-before-response`: all is done, and the connection ends before the first byte of an answer.
        - `cut-mid-response`: the connection ends in the middle of the answer.
        - `slow`: the first byte of the answer comes `amount` seconds late.

        To queued generations, as each starts, and as each is asked for:

        - `job-stuck`: it stays in `processing`.
        - `job-not-found`: it is over, and asking for it is answered with 404.

        To the URLs of results, as each is handed out; another request gives another URL:

        - `url-downloads`: it answers 403 after `amount` downloads.
        - `url-seconds`: it answers 403 after `amount` seconds.

        To event streams, as each opens (`respond_next(503, path="/api/events")` refuses one):

        - `events-silent`: it sends nothing at all.
        - `events-cut-after`: it is cut after `amount` events.
        - `events-cut-every`: it is cut after `amount` seconds.
        - `events-split`: each piece of `amount` bytes comes alone, by default of 1 to 16.

        To the event that a generation is over, as it is sent to those who listen:

        - `events-early`: it comes before the answer to the POST.
        - `events-garbled`: it breaks off within a line.
        - `events-twice`, `events-dropped`: it comes twice, or not at all.

        Args:
            kind: What goes wrong.
            amount: How many seconds, downloads, events or bytes, where the kind says so.
            times: On how many occasions; left out, on every one.
            probability: The share of the occasions on which it happens, 0 to 1.
            seed: Which ones these are; the same for the same seed.
            method: Only requests by this method; left out, by any.
            path: Only requests to this path, without its query; a `*` at its end stands for any rest. Left
                out, to any.

        Raises:
            ValueError: The kind is unknown, an amount is missing or means nothing, `times` is less than 1,
                `probability` is not between 0 and 1, or a method or path is given where no request is meant.
        """
        self._state.faults.add(Fault(kind, amount, times, probability, seed, method, path))

    def add_model(self, model: Mapping[str, Any]) -> None:
        """Offer a model from now on, in place of one with the same id.

        Args:
            model: The model as the hub answers it: a JSON object with an `id`.

        Raises:
            ValueError: It is not.
        """
        self._state.models.add(model)

    def remove_model(self, id: str) -> None:
        """No longer offer a model.

        Raises:
            KeyError: There is no model with this id.
        """
        self._state.models.remove(id)
