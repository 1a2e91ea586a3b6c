"""Long text, which is read in chunks, and may be base64."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterator

CHUNK_LENGTH = 2**18  # a multiple of 4, the length of the groups of base64


def decode_base64(text: str, start: int = 0) -> Iterator[bytes]:
    """Yield the content of base64 text from `start` on, in chunks.

    Raises:
        ValueError: The text is not valid base64.
    """
    is_padded = False
    for chunk in split_text(text, start):
        if is_padded:
            raise ValueError("data after the padding")
        yield a2b_base64(chunk, strict_mode=True)
        is_padded = chunk.endswith("=")


def count_base64(text: str, start: int = 0) -> int:
    """Return the number of bytes of base64 text from `start` on."""
    return (len(text) - start) // 4 * 3 - text[-2:].count("=")


def split_text(text: str, start: int = 0) -> Iterator[str]:
    """Yield a text from `start` on, in chunks."""
    return (text[index : index + CHUNK_LENGTH] for index in range(start, len(text), CHUNK_LENGTH))
