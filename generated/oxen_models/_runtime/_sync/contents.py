# Derived by oxen-codegen from _runtime/_async/contents.py. Do not edit.
"""The content of responses."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from io import BytesIO

import httpx

from ..decompression import ContentError, Decoder

MAX_RESPONSE_SIZE = 128 * 2**20
"""Maximum bytes of a response after decompression."""


def read_content(response: httpx.Response) -> bytes:
    """Return the decoded content of a response.

    Raises:
        ContentError: It cannot be decoded, or is larger than 128 MiB.
    """
    content = BytesIO()  # grows in place, so that no step takes long
    with closing(iterate_content(response)) as chunks:
        for chunk in chunks:
            content.write(chunk)
            if content.tell() > MAX_RESPONSE_SIZE:
                raise ContentError(f"it is larger than {MAX_RESPONSE_SIZE:,} bytes")
    return content.getvalue()


def iterate_content(response: httpx.Response) -> Generator[bytes]:
    """Yield the decoded content of a response in pieces that are not empty.

    Raises:
        ContentError: It cannot be decoded, or is not complete.
    """
    if response.is_stream_consumed:  # by a hook or a transport of the caller
        if response.content:
            yield response.content
        return
    decoder = Decoder(response.headers.get("content-encoding", ""))
    for chunk in response.iter_raw():
        for piece in decoder.decode(chunk):
            yield piece
    decoder.check_complete()
