# Copied by oxen-codegen from templates/package/_runtime/digests.py. Do not edit.
"""Bodies of requests in a small form: the content of media is replaced by its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from .local_media import LocalMedia, LocalMediaError
from .request import AnyRequest, body_with_media, media_error
from .text_chunks import decode_base64, split_text
from .values import map_scalars

_MAX_HEAD_LENGTH = 200


def digest_body(request: AnyRequest) -> dict[str, Any]:
    """Return the body of a request in a form that is equal for equal requests, and small.

    The content of each base64 data: URI is replaced by `sha256:` and the hexadecimal digest of the bytes, so
    that it is equal for a path and for the content of that file. Numbers without a fraction are integers.

    Raises:
        InvalidRequestError: A file cannot be read any more, or changed after the request was made.
    """

    def digest(value: object, name: str) -> object:
        try:
            if isinstance(value, LocalMedia):
                return f"sha256:{value.digest()}"
        except LocalMediaError as error:
            raise media_error(request, name, value, error) from None
        try:
            return _digest_scalar(value)
        except ValueError:  # a data: URI that is not valid
            return f"sha256:{_hash(chunk.encode() for chunk in split_text(str(value)))}"

    digested: dict[str, Any] = map_scalars(body_with_media(request), digest)
    return digested


def digest_json(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object in the form that `digest_body` returns. A data: URI that is not valid, because the
    server abbreviated it, stays as it is.
    """

    def digest(value: object, _: str) -> object:
        try:
            return _digest_scalar(value)
        except ValueError:
            return value

    digested: dict[str, Any] = map_scalars(dict(body), digest)
    return digested


def _digest_scalar(value: object) -> object:
    """Raise ValueError for a base64 data: URI that is not valid."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (start := _base64_start(value)):
        return f"sha256:{_hash(decode_base64(value, start))}"
    return value


def _base64_start(text: str) -> int:
    """Return where the content of a base64 data: URI starts; 0 for any other text."""
    head, comma, _ = text[:_MAX_HEAD_LENGTH].partition(",")
    words = head.strip().lower()
    return len(head) + 1 if comma and words.startswith("data:") and words.endswith(";base64") else 0


def _hash(chunks: Iterable[bytes]) -> str:
    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
