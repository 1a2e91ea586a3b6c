"""Decoding of response bodies in pieces of bounded size. Pure.

httpx decodes each chunk as a whole: 64 KB of a gzip bomb become 64 MB, and with two encodings 64 GB.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPTED_ENCODINGS = "gzip, deflate"
MAX_PIECE_SIZE = 2**16
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # accepts the headers of both
_GZIP_START = b"\x1f"


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
        is_compressed = encoding not in ("", "identity")
        self._decompressor = zlib.decompressobj(_GZIP_OR_ZLIB) if is_compressed else None
        self._has_started = False

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the decoded content of a chunk in pieces of at most 64 KiB.

        Raises:
            ContentError: The content is not valid.
        """
        if self._decompressor is None:
            yield chunk
            return
        self._has_started = self._has_started or bool(chunk)
        piece = b""
        # After a full piece there can be more of them, although the chunk was consumed.
        while chunk or len(piece) == MAX_PIECE_SIZE:
            if self._decompressor.eof:
                if not chunk.startswith(_GZIP_START):
                    return  # padding
                self._decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)  # another member of the file
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
            chunk = self._decompressor.unconsumed_tail or self._decompressor.unused_data

    def check_complete(self) -> None:
        """Raise if the body ended before its compressed content.

        Raises:
            ContentError: It did.
        """
        if self._decompressor is not None and self._has_started and not self._decompressor.eof:
            raise ContentError("the response ended before its compressed content")
