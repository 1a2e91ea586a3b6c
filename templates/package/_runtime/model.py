"""Base classes of the generated models: one class for both clients.

A model is generic over what a call returns and what a submission returns: results and jobs for the
synchronous client, coroutines of them for the asynchronous one.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, Self, cast, overload

from typing_extensions import TypeVar

from .options import RequestOptions, check_options

if TYPE_CHECKING:
    from .request import RequestT

P = ParamSpec("P")
ResultT = TypeVar("ResultT", default=Any)
JobT = TypeVar("JobT", default=Any)


class RequestSender(Protocol):
    """Builds and sends the requests of one client, synchronously or asynchronously."""

    @property
    def base_url(self) -> str:
        """The address of the server."""
        ...

    def send(self, build: partial[RequestT], options: RequestOptions) -> Any:
        """Build a request and send it."""
        ...

    def to_queue(self) -> RequestSender:
        """Return a sender that submits requests to the queue."""
        ...


class Family(Generic[ResultT, JobT]):
    """The models of one kind of result, as attributes."""

    def __init__(self, sender: RequestSender) -> None:
        self._sender = sender

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._sender.base_url}>"


class Model(Generic[ResultT, JobT]):
    """One model of the API: its blocking call and, if the model has a queue, `submit`.

    Raises:
        InvalidRequestError: A value does not match the schema. Nothing was sent.
        ConfigurationError: An option is not usable, or the client has a `target_repo` or
            `target_directory`, which apply to `submit` alone. Nothing was sent.
        OutcomeUnknownError: No response was received. The request may have been accepted and billed.
        OxenError: The server rejected the request, failed, or could not be reached.
        TypeError: A parameter or an option does not exist.
    """

    def __init__(self, sender: RequestSender) -> None:
        self._sender = sender

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._sender.base_url}>"

    def _call(self, build: partial[RequestT], options: RequestOptions) -> ResultT:
        if options:
            check_options(type(self).__name__, options, build.keywords)
        return cast(ResultT, self._sender.send(build, options))

    def _on_queue(self) -> Self:
        queued = copy(self)
        queued._sender = self._sender.to_queue()
        return queued


class Submit(Generic[P]):
    """`submit`, derived from the blocking call: the same parameters, but it returns a job.

    Args:
        call: The blocking call, a method of a `Model`.
    """

    def __init__(self, call: Callable[Concatenate[Any, P], object]) -> None:
        # A copy and not a wrapper, so that warnings of a decorated call point to the caller's line.
        verb = cast(FunctionType, call)
        submit = FunctionType(verb.__code__, verb.__globals__, "submit", verb.__defaults__, verb.__closure__)
        submit.__kwdefaults__ = verb.__kwdefaults__
        submit.__annotations__ = {**verb.__annotations__, "return": "JobT"}
        submit.__qualname__ = f"{verb.__qualname__.removesuffix(verb.__name__)}submit"
        submit.__module__ = verb.__module__
        submit.__dict__.update(verb.__dict__)
        submit.__doc__ = (
            f"Submit the request to the queue and return its job. The parameters are those of "
            f"`{verb.__name__}`.\n\n        {verb.__doc__}"
        )
        self._function = submit

    @overload
    def __get__(self, model: None, owner: object = None) -> Callable[Concatenate[Any, P], Any]: ...
    @overload
    def __get__(self, model: Model[Any, JobT], owner: object = None) -> Callable[P, JobT]: ...
    def __get__(self, model: Model[Any, Any] | None, owner: object = None) -> Callable[..., Any]:
        if model is None:
            return self._function
        return cast("Callable[..., Any]", self._function.__get__(model._on_queue()))  # pyright: ignore[reportPrivateUsage]
