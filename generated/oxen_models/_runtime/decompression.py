# Copied by oxen-codegen from templates/package/_runtime/decompression.py. Do not edit.
"""Decoding of response bodies in pieces of bounded size. Pure.

httpx decodes each chunk as a whole: 64 KB of a gzip bomb become 64 MB, and with two encodings 64 GB.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPTED_ENCODINGS = "gzip, deflate"
MAX_PIECE_SIZE = 2**16


class ContentError(Exception):
    """The content of a response is not usable: it cannot be decoded, or is too large."""


class Decoder:
    """Decodes a body.

    Args:
        encoding: The value of the `Content-Encoding` header; empty without one.

    Raises:
        ContentError: The encoding is not one of `ACCEPTED_ENCODINGS`.
    """

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise ContentError(f"the response has the encoding {encoding!r:.80}, which was not requested")
        self._is_deflate = encoding == "deflate"
        # 32: the header tells whether the data are in the format of gzip or zlib.
        is_compressed = encoding not in ("", "identity")
        self._decompressor = zlib.decompressobj(32 + zlib.MAX_WBITS) if is_compressed else None

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the decoded content of a chunk in pieces of at most 64 KiB.

        Raises:
            ContentError: The content is not valid.
        """
        if self._decompressor is None:
            yield chunk
            return
        while chunk and not self._decompressor.eof:
            try:
                piece = self._decompressor.decompress(chunk, MAX_PIECE_SIZE)
            except zlib.error as error:
                if not self._is_deflate:
                    raise ContentError(f"the response cannot be decompressed: {error}") from None
                self._is_deflate = False  # some servers send the raw format
                self._decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
                continue
            if piece:
                yield piece
            chunk = self._decompressor.unconsumed_tail
