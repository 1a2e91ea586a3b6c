"""The options that every call takes beside the parameters of its model."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from oxen_models._runtime.suggestions import suggest_similar
from typing_extensions import TypedDict


class RequestOptions(TypedDict, total=False, closed=True):
    """Options of one call, beside the parameters of its model."""

    timeout: float | None
    """Seconds to wait for the response. Defaults to the timeout of the client."""
    extra_headers: Mapping[str, str] | None
    """Headers to send in addition to those of the client."""
    extra_body: Mapping[str, object] | None
    """Additional JSON properties to include in the request body, without validation. Names other than `model`
    and those of the model's parameters.
    """


_NAMES = RequestOptions.__annotations__.keys()


def check_options(callee: str, options: Collection[str], parameters: Collection[str]) -> None:
    """Reject options that do not exist, as Python rejects unknown keyword arguments.

    Args:
        callee: The name of the call, for the message.
        options: The names of the given options.
        parameters: The other names that the callee accepts, for a suggestion.

    Raises:
        TypeError: A name is not that of an option.
    """
    for name in options:
        if name not in _NAMES:
            suggestion = suggest_similar(name, [*parameters, *_NAMES])
            raise TypeError(f"{callee} got an unexpected keyword argument {name!r}{suggestion}")
