"""Bodies of requests: the JSON that is sent, and the form of it that digests are made of."""

from __future__ import annotations

import json
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, cast

from oxen_models._runtime.json_schema.json_types import is_object

from .errors import InvalidRequestError, Problem
from .request import RequestLike, format_value

_NUM_GENERATIONS = "num_generations"
_CHUNK_LENGTH = 2**18  # a multiple of 4, the length of the groups of base64
_MAX_HEAD_LENGTH = 200


def encode_body(request: RequestLike, extra_body: Mapping[str, object] | None) -> bytes:
    """Return the JSON of a request that is sent as a blocking call.

    Raises:
        InvalidRequestError: `extra_body` is not JSON, or contains `num_generations`.
    """
    return _encode(request, request.body(), extra_body)


def encode_queue_body(
    request: RequestLike,
    num_generations: int,
    targets: Mapping[str, str],
    extra_body: Mapping[str, object] | None,
) -> bytes:
    """Return the JSON of a request that is submitted to the queue.

    Args:
        request: The request.
        num_generations: The number of jobs to start.
        targets: Where the results are kept: `target_repo` and `target_directory`.
        extra_body: Additional JSON properties.

    Raises:
        InvalidRequestError: `num_generations` is not a positive integer, or is also set by a parameter or in
            `extra_body`, or `extra_body` is not JSON.
    """
    body = request.body()
    is_integer = isinstance(num_generations, int) and not isinstance(num_generations, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_integer or num_generations < 1:
        raise _error(request, _NUM_GENERATIONS, num_generations, "must be a positive integer")
    # A parameter of a model with this name would be the number of jobs to the queue.
    if _NUM_GENERATIONS in body:
        raise _num_generations_error(request, _NUM_GENERATIONS, body[_NUM_GENERATIONS])
    if num_generations != 1:
        body[_NUM_GENERATIONS] = num_generations
    return _encode(request, {**body, **targets}, extra_body)


def _encode(request: RequestLike, body: dict[str, Any], extra_body: Mapping[str, object] | None) -> bytes:
    try:
        extra = dict(extra_body or {})
        if _NUM_GENERATIONS not in extra:
            return json.dumps(
                body | extra, ensure_ascii=False, separators=(",", ":"), allow_nan=False
            ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    else:
        name = f"extra_body[{_NUM_GENERATIONS!r}]"
        raise _num_generations_error(request, name, extra[_NUM_GENERATIONS])
    raise _error(request, "extra_body", extra_body, f"must be JSON: {reason}")


def _num_generations_error(request: RequestLike, name: str, value: object) -> InvalidRequestError:
    # The call would return fewer jobs than it starts.
    suggestion = "use oxen.submit(request, num_generations=...), which returns every job"
    return _error(request, name, value, "cannot be set here", suggestion)


def _error(
    request: RequestLike, name: str, value: object, expected: str, suggestion: str | None = None
) -> InvalidRequestError:
    return InvalidRequestError(request.model_id, (Problem(name, format_value(value), expected, suggestion),))


def digest_body(request: RequestLike) -> dict[str, Any]:
    """Return the body of a request in a form that is equal for equal requests, and small.

    The content of each base64 data: URI is replaced by `sha256:` and the hexadecimal digest of the bytes, so
    that it is equal for a path and for the content of that file. Numbers without a fraction are integers.

    Raises:
        InvalidRequestError: A file cannot be read any more.
    """
    digested: dict[str, Any] = _map_scalars(request.body(), _digest_scalar)
    return digested


def _map_scalars(value: object, change: Callable[[object], object]) -> Any:
    """Return a JSON value with each value in it that is neither a list nor an object changed."""
    if isinstance(value, list | tuple):
        return [_map_scalars(item, change) for item in cast("Sequence[object]", value)]
    if is_object(value):
        return {name: _map_scalars(item, change) for name, item in value.items()}
    return change(value)


def _digest_scalar(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (start := _base64_start(value)):
        return f"sha256:{_digest_uri(value, start)}"
    return value


def _base64_start(text: str) -> int:
    """Return where the content of a base64 data: URI starts; 0 for any other text."""
    head, comma, _ = text[:_MAX_HEAD_LENGTH].partition(",")
    words = head.strip().lower()
    return len(head) + 1 if comma and words.startswith("data:") and words.endswith(";base64") else 0


def _digest_uri(uri: str, start: int) -> str:
    """Return the digest of the content of a base64 data: URI, or of the URI itself if it is not valid."""
    try:
        return _hash(decode_base64(uri, start))
    except ValueError:
        return _hash(chunk.encode() for chunk in _split(uri, 0))


def decode_base64(text: str, start: int = 0) -> Iterator[bytes]:
    """Yield the content of base64 text from `start` on, in chunks.

    Raises:
        ValueError: The text is not valid base64.
    """
    is_padded = False
    for chunk in _split(text, start):
        if is_padded:
            raise ValueError("data after the padding")
        yield a2b_base64(chunk, strict_mode=True)
        is_padded = chunk.endswith("=")


def _hash(chunks: Iterable[bytes]) -> str:
    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _split(text: str, start: int) -> Iterator[str]:
    return (text[index : index + _CHUNK_LENGTH] for index in range(start, len(text), _CHUNK_LENGTH))
