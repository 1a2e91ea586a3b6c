# Copied by oxen-codegen from templates/package/_runtime/bodies.py. Do not edit.
"""Bodies of requests: the JSON that is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from secrets import token_hex
from types import MappingProxyType
from typing import Any

from .errors import InvalidRequestError, Problem
from .fields import map_wire_names
from .local_media import LocalMedia, LocalMediaError
from .request import (
    AnyRequest,
    ChatRequestBase,
    RequestLike,
    UntypedRequest,
    body_with_media,
    media_error,
)
from .text_chunks import CHUNK_LENGTH, split_text
from .values import map_scalars, shorten

MAX_TEXT_LENGTH = 2**14
"""Maximum length of a string that is encoded at once with the rest of its body."""
MAX_JOINED_LENGTH = 2**20
"""Maximum length of a body that is sent as one piece."""
_NUM_GENERATIONS = "num_generations"
_SUBMIT_MANY = "use oxen.submit(request, num_generations=...), which returns every job"


class Body:
    """The JSON of a request with large values, which is encoded in chunks each time it is iterated over.

    Args:
        request: The request, for errors.
        pieces: The JSON around the values: one piece more than values.
        values: The large values and their names, in the order of the JSON.

    Raises:
        InvalidRequestError: While it is iterated over: a file cannot be read any more, or changed after the
            request was made. The JSON is incomplete then, so that no server accepts it.
    """

    def __init__(
        self, request: AnyRequest, pieces: list[bytes], values: list[tuple[LocalMedia | str, str]]
    ) -> None:
        self.content_type = "application/json"
        self._request = request
        self._pieces = pieces
        self._values = values
        self._length: int | None = None

    @property
    def length(self) -> int:
        """The number of bytes."""
        if self._length is None:
            self._length = sum(map(len, self._pieces)) + sum(
                len(value) if isinstance(value, LocalMedia) else sum(map(len, _encode_text(value)))
                for value, _ in self._values
            )
        return self._length

    def list_media(self) -> Iterator[tuple[LocalMedia, str]]:
        """Yield the files and their names."""
        return ((value, name) for value, name in self._values if isinstance(value, LocalMedia))

    def replace_media(self, urls: Mapping[str, str]) -> Body:
        """Return the body with URLs in place of some of the files, by name."""
        values = [(urls.get(name, value), name) for value, name in self._values]
        return Body(self._request, self._pieces, values)

    def prepare(self) -> Body | bytes:
        """Check the files and return the body, as bytes if it is small. Reads files and may take a while.

        Raises:
            InvalidRequestError: A file cannot be read any more, or changed after the request was made.
        """
        if self.length <= MAX_JOINED_LENGTH:
            return b"".join(self)
        for value, name in self._values:
            if isinstance(value, LocalMedia):
                try:
                    value.check()
                except LocalMediaError as error:
                    raise media_error(self._request, name, value, error) from None
        return self

    def __iter__(self) -> Iterator[bytes]:
        first, *others = self._pieces
        yield first
        for (value, name), piece in zip(self._values, others, strict=True):
            try:
                yield from value.encode() if isinstance(value, LocalMedia) else _encode_text(value)
            except LocalMediaError as error:
                raise media_error(self._request, name, value, error) from None
            yield piece


def encode_body(
    request: AnyRequest,
    extra_body: Mapping[str, object] | None,
    stream_body: Mapping[str, object] = MappingProxyType({}),
) -> Body | bytes:
    """Return the JSON of a request that is sent as a blocking call.

    Args:
        request: The request.
        extra_body: Additional JSON properties.
        stream_body: The JSON properties that request a stream of chat.

    Raises:
        InvalidRequestError: `extra_body` is not JSON, or contains `model`, a parameter of the model,
            `num_generations`, or `stream` for a chat model.
    """
    return _encode(request, {**body_with_media(request), **stream_body}, extra_body)


def encode_queue_body(
    request: RequestLike,
    num_generations: int,
    targets: Mapping[str, str],
    extra_body: Mapping[str, object] | None,
) -> Body | bytes:
    """Return the JSON of a request that is submitted to the queue.

    Args:
        request: The request.
        num_generations: The number of jobs to start.
        targets: Where the results are kept: `target_repo` and `target_directory`.
        extra_body: Additional JSON properties.

    Raises:
        InvalidRequestError: `num_generations` is not a positive integer, or is also set by a parameter or in
            `extra_body`, or `extra_body` is not JSON or contains `model` or a parameter of the model.
    """
    body = body_with_media(request)
    is_integer = isinstance(num_generations, int) and not isinstance(num_generations, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_integer or num_generations < 1:
        raise _error(request, _NUM_GENERATIONS, num_generations, "must be a positive integer")
    # A parameter of a model with this name would be the number of jobs to the queue.
    if _NUM_GENERATIONS in body:
        value = body[_NUM_GENERATIONS]
        raise _error(request, _NUM_GENERATIONS, value, "cannot be set here", _SUBMIT_MANY)
    if num_generations != 1:
        body[_NUM_GENERATIONS] = num_generations
    return _encode(request, {**body, **targets}, extra_body)


def _encode(
    request: AnyRequest, body: dict[str, Any], extra_body: Mapping[str, object] | None
) -> Body | bytes:
    if extra_body is not None and not isinstance(extra_body, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _error(request, "extra_body", extra_body, "must be a mapping")
    try:
        extra = dict(extra_body or {})
        problems = tuple(_list_known_names(request, extra))
        if not problems:
            return _encode_json(request, body | extra)
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    else:
        raise InvalidRequestError(request.model_id, problems)
    if not extra_body:
        raise InvalidRequestError(request.model_id, (Problem("the request", "", f"must be JSON: {reason}"),))
    raise _error(request, "extra_body", extra_body, f"must be JSON: {reason}")


def _list_known_names(request: AnyRequest, extra: Mapping[str, object]) -> Iterator[Problem]:
    """Yield a problem for each key of `extra_body` that is not the name of an additional property."""
    if isinstance(request, UntypedRequest):
        names = {name: name for name in request.parameters}
    else:
        names = map_wire_names(type(request))
    for name, value in extra.items():
        suggestion: str | None = None
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            expected = f"must have strings as keys, got the key {shorten(name)}"
            yield Problem("extra_body", shorten(extra), expected)
        elif name == "model":
            suggestion = "call the other model instead"
        elif name == _NUM_GENERATIONS:  # the call would return fewer jobs than it starts
            suggestion = _SUBMIT_MANY
        elif name == "stream" and isinstance(request, ChatRequestBase):  # the response would not be read
            suggestion = "chat.stream() sets it"
        elif name in names:
            suggestion = f"pass it as a parameter: {names[name]}={shorten(value)}"
        if suggestion is not None:
            yield Problem(f"extra_body[{name!r}]", shorten(value), "cannot be set here", suggestion)


def _encode_json(request: AnyRequest, body: dict[str, Any]) -> Body | bytes:
    placeholder = token_hex(16)  # not in the JSON
    values: list[tuple[LocalMedia | str, str]] = []

    def replace(value: object, name: str) -> object:
        if not isinstance(value, LocalMedia | str) or len(value) <= MAX_TEXT_LENGTH:
            return value
        if isinstance(value, str) and not value.isascii():
            value.encode()  # raises if it is not valid Unicode
        values.append((value, name))
        return placeholder

    text = json.dumps(map_scalars(body, replace), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if not values:
        return text.encode()
    # The pieces contain the quotes around the values.
    large_body = Body(request, [piece.encode() for piece in text.split(placeholder)], values)
    is_small = sum(len(value) for value, _ in values) <= CHUNK_LENGTH
    is_local = any(isinstance(value, LocalMedia) for value, _ in values)
    return b"".join(large_body) if is_small and not is_local else large_body


def _encode_text(text: str) -> Iterator[bytes]:
    """Yield the JSON of a long text without the quotes around it."""
    for chunk in split_text(text):
        yield json.dumps(chunk, ensure_ascii=False)[1:-1].encode()


def _error(
    request: AnyRequest, name: str, value: object, expected: str, suggestion: str | None = None
) -> InvalidRequestError:
    return InvalidRequestError(request.model_id, (Problem(name, shorten(value), expected, suggestion),))
