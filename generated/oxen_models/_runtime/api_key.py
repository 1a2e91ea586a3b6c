# Copied by oxen-codegen from codegen/oxen_codegen/api_key.py. Do not edit.
"""The API key as a value that is not shown, and that is removed from the text of a server."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from typing import NoReturn, Protocol, TypeAlias

MIN_REDACTED_LENGTH = 9
"""Minimum length of a key that is removed: replacing a shorter one would corrupt other text."""
_MARK = b"[key]"
_SEARCHED_SIZE = 2**20
_MAX_ESCAPED_LENGTH = 32
"""Maximum length of an escape sequence of one character."""
# Limited repetitions, because the server chooses the text. Compiled on use, as are the patterns of keys.
_ESCAPE = (
    rb"\\\\{0,7}(?:(?:[uU]\{?0{0,6}|[xX])(?P<code>[0-9a-fA-F]{2})\}?|(?P<char>[^0-9a-zA-Z\s\\]))"
    rb"|%(?:25){0,4}(?P<percent>[0-9a-fA-F]{2})"
    rb"|&(?:#[xX]0{0,6}(?P<hex>[0-9a-fA-F]{2})|#0{0,6}(?P<decimal>[0-9]{2,3})|(?P<name>amp|apos|gt|lt|quot));"
)
_ENTITIES = {b"&": b"amp", b"'": b"apos", b">": b"gt", b"<": b"lt", b'"': b"quot"}
_CHARS = {name: char for char, name in _ENTITIES.items()}


class InvalidKeyError(ValueError):
    """The API key is not a string, or contains characters that a header cannot have."""


class SecretLike(Protocol):
    """A secret such as pydantic's `SecretStr`."""

    def get_secret_value(self) -> str | bytes:
        """Return the secret."""
        ...


APIKeyLike: TypeAlias = str | bytes | SecretLike
"""An API key as a caller passes it."""


class APIKey:
    """An API key. Neither its `repr` nor a traceback that shows variables contains it.

    Args:
        value: The key; None for no key. White space around it is removed.

    Raises:
        InvalidKeyError: The value is of another type.
    """

    __slots__ = ("_encodings", "_value")

    def __init__(self, value: APIKeyLike | None) -> None:
        self._value = _read(value).strip().encode("utf-8", "surrogatepass")
        self._encodings: tuple[bytes, ...] | None = None

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}('[key]')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key cannot be pickled")

    def get_secret_value(self) -> str:
        """Return the key."""
        return self._value.decode("utf-8", "surrogatepass")

    @property
    def is_valid(self) -> bool:
        """Whether the key consists of printable ASCII characters."""
        return self._value.isascii() and self._value.decode().isprintable()

    def redact(self, text: str) -> str:
        """Return text of a server with the key replaced by `[key]`, in whatever encoding it is repeated."""
        content = text.encode("utf-8", "surrogatepass")
        redacted = self.redact_bytes(content)
        return text if redacted is content else redacted.decode("utf-8", "surrogatepass")

    def redact_bytes(self, content: bytes) -> bytes:
        """Return content of a server with the key replaced by `[key]`, in whatever encoding it is repeated:
        unchanged, with escape sequences of JSON, URLs or HTML, in base64, or as hexadecimal digits.
        """
        if len(self._value) < MIN_REDACTED_LENGTH:
            return content
        if self._encodings is None:
            self._encodings = tuple(_encode(self._value))
        for encoding in self._encodings:
            if _contains(content, encoding):
                content = content.replace(encoding, _MARK)
        if any(char in content for char in (b"\\", b"%", b"&")) and self._is_escaped_in(content):
            content = re.sub(b"".join(map(_escape_pattern, self._chars())), _MARK, content)
        return content

    def _is_escaped_in(self, content: bytes) -> bool:
        if set(self._value) & set(b"\\%&"):  # its own characters look like an escape sequence
            return True
        size = _SEARCHED_SIZE + _MAX_ESCAPED_LENGTH * len(self._value)
        pieces = (content[start : start + size] for start in range(0, len(content), _SEARCHED_SIZE))
        return any(self._value in re.sub(_ESCAPE, _unescape, piece) for piece in pieces)

    def _chars(self) -> Iterator[bytes]:
        return (self._value[index : index + 1] for index in range(len(self._value)))


def _read(value: APIKeyLike | None) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if value is None or isinstance(value, str):
        return value or ""
    if not hasattr(value, "get_secret_value"):
        raise InvalidKeyError(f"api_key must be a string, got a value of type {type(value).__name__}")
    return _read(value.get_secret_value())


def _encode(key: bytes) -> Iterator[bytes]:
    """Yield a key as it is, in hexadecimal digits, and the part of its base64 that no other text changes."""
    yield key
    yield from (key.hex().encode(), key.hex().upper().encode())
    for offset in range(3):
        length = (offset + len(key)) * 8 // 6
        start = (offset * 8 + 5) // 6
        shifted = bytes(offset) + key
        yield from {encode(shifted)[start:length] for encode in (b64encode, urlsafe_b64encode)}


def _contains(content: bytes, part: bytes) -> bool:
    """Return whether `part` is in `content`. Searched in pieces, so that other threads run in between."""
    starts = range(0, len(content), _SEARCHED_SIZE)
    return any(content.find(part, start, start + _SEARCHED_SIZE + len(part)) >= 0 for start in starts)


def _unescape(match: re.Match[bytes]) -> bytes:
    kind, value = match.lastgroup, match[match.lastgroup or 0]
    if kind == "char":
        return value
    if kind == "name":
        return _CHARS[value]
    code = int(value, 10 if kind == "decimal" else 16)
    return bytes([code]) if code < 256 else b"?"


def _escape_pattern(char: bytes) -> bytes:
    """Return a pattern of a character in each form that `_ESCAPE` matches, and unchanged."""
    code, literal = char.hex().encode(), re.escape(char)
    forms = [
        literal,
        rb"\\{1,8}(?i:u\{?0{0,6}|x)(?i:%s)\}?" % code,
        rb"%%(?:25){0,4}(?i:%s)" % code,
        rb"&#(?:(?i:x0{0,6}%s)|0{0,6}%d);" % (code, ord(char)),
    ]
    if not char.isalnum():
        forms.append(rb"\\{1,8}%s" % literal)
    if name := _ENTITIES.get(char):
        forms.append(rb"&%s;" % name)
    return b"(?:%s)" % b"|".join(forms)
