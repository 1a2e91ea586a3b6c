"""The hub as its users have it: a context manager, and what goes wrong on demand."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ._faults import Answer, Fault, FaultKind
from ._models import SHIPPED, Models
from ._server import Server
from ._spelling import Spelling
from ._state import Received, State

_AS_STORED = Spelling()


class Hub:
    """A stand-in for the Oxen.ai hub on 127.0.0.1, for as long as the `with` block runs.

        with Hub() as hub:
            oxen = Oxen(api_key="anything", base_url=hub.url)

    Any number of hubs may run at once; any thread may use one.
    """

    def __init__(
        self,
        schemas: str | os.PathLike[str] | None = None,
        spelling: Spelling = _AS_STORED,
        port: int = 0,
        *,
        seconds: float | None = None,
        speed: float = 1.0,
    ) -> None:
        """Read the models; nothing listens yet.

        - `schemas`: the folder of model files, as the hub answers them or as this package stores
          them; by default, the models that ship in this package.
        - `spelling`: how answers are written where the sources disagree.
        - `port`: 0, the default, takes a free one.
        - `seconds`: how long a generation takes; by default no time at all where the answer waits
          for it, and in the queue 0.3 for an image and 0.8 for a video.
        - `speed`: how much faster the hub's own clock runs than the one on the wall: at 100, those
          0.3 seconds and the 15 between two signs of life on the event stream are a hundredth.

        Raises `OSError` for a folder that cannot be read, `ValueError` for one that holds no model
        or a file that is not a model, or a speed of 0 or less.
        """
        if speed <= 0:
            raise ValueError(f"speed is more than 0, not {speed}")
        models = Models(SHIPPED if schemas is None else Path(schemas))
        self._state = State(models, spelling, seconds, speed)
        self._port = port
        self._server: Server | None = None

    def __enter__(self) -> Self:
        """Listen. Raises `OSError` where the port is taken."""
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

    @property
    def url(self) -> str:
        """Where the hub listens, such as `http://127.0.0.1:43211`."""
        if self._server is None:
            raise RuntimeError("this hub is not running: use `with Hub() as hub:`")
        return self._server.url

    @property
    def requests(self) -> list[Received]:
        """What was asked so far, in order, whatever the answer was; clear it as you like.

        Only the last 10,000 stay. Where the body did not arrive, it is None.
        """
        return self._state.requests.last

    def count(self, method: str, path_prefix: str) -> int:
        """How many requests came by this method to paths that begin like this, ever since the start.

        Those are in it that were cut before their body was read or before they were answered.
        """
        return self._state.requests.count(method.upper(), path_prefix)

    def answer_next(
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
        """Give the next `times` requests this answer in place of the real one.

        `body` is JSON, except that a `str` or `bytes` is sent as it is, and None sends nothing.
        The rest is as in `fault`, except that it happens once where nothing is said.
        """
        plain = body is None or isinstance(body, str | bytes)
        text = (body or "") if plain else json.dumps(body)
        content = text if isinstance(text, bytes) else text.encode()
        kind = "text/html; charset=utf-8" if plain else "application/json"
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        answer = Answer(status, content, {"content-type": kind, **lower} if content else lower)
        self._state.faults.add(Fault("answer", None, times, probability, seed, method, path, answer))

    def fault(
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

        It happens on every occasion, or on the first `times`; with a `probability`, on that share
        of them, the same ones for the same `seed`. Of several that could, the oldest happens.

        To requests, all or those that `method` and `path` name (the path without its query; a `*`
        at its end stands for any rest):

        - `cut-unread`: the connection ends before the body is read, and nothing is done.
        - `cut-unanswered`: all is done, and the connection ends before the first byte of an answer.
        - `cut-midway`: the connection ends in the middle of the answer.
        - `slow`: the first byte of the answer comes `amount` seconds late.

        To queued generations, as each starts, and as each is asked for:

        - `job-stuck`: it stays in `processing`.
        - `job-forgotten`: it is over, and asking for it is answered with 404.

        To the URLs of results, as each is handed out; another request gives another URL:

        - `url-downloads`: it answers 403 after `amount` downloads.
        - `url-seconds`: it answers 403 after `amount` seconds.

        To event streams, as each opens (`answer_next(503, path="/api/events")` refuses one):

        - `events-silent`: it sends nothing at all.
        - `events-cut-after`: it is cut after `amount` events.
        - `events-cut-every`: it is cut after `amount` seconds.
        - `events-split`: each piece of `amount` bytes comes alone, by default of 1 to 16.

        To the event that a generation is over, as it is sent to those who listen:

        - `events-early`: it comes before the answer to the POST.
        - `events-garbled`: it breaks off within a line.
        - `events-twice`, `events-dropped`: it comes twice, or not at all.

        Raises `ValueError` for an unknown kind, an amount that is missing or that means nothing,
        and a method or path where no request is meant.
        """
        self._state.faults.add(Fault(kind, amount, times, probability, seed, method, path))

    def add_model(self, model: Mapping[str, Any]) -> None:
        """Offer `model` from now on, in place of one with the same id.

        Raises `ValueError` for anything that is not a JSON object with an `id`.
        """
        self._state.models.add(model)

    def remove_model(self, id: str) -> None:
        """Offer the model no longer. Raises `KeyError` where there is none with this id."""
        self._state.models.remove(id)
