# Copied by oxen-codegen from templates/package/testing/_links.py. Do not edit.
"""The paths of files in repositories, and their presigned URLs, which expire."""

import hashlib
import re
import time
from datetime import UTC, datetime
from itertools import count
from math import ceil
from secrets import token_bytes
from urllib.parse import parse_qs, quote

from ._faults import Faults
from ._json import JSON

USER = "standin"
PLAYGROUND = "playground"
REPOSITORIES = "/api/repos/"
UPLOADED_FILES = "/file/main/"

_URL_LIFETIME = 3600
_MAX_SLUG_LENGTH = 40


def is_file(path: str) -> bool:
    """Return whether a path is that of a file in a repository, whose signature stands for an API key."""
    return path.startswith(REPOSITORIES) and (UPLOADED_FILES in path or "/workspaces/" in path)


def result_path(workspace: str, name: str) -> str:
    """Return the path of the result `name`, which is in the user's playground."""
    return f"{REPOSITORIES}{USER}/{PLAYGROUND}/workspaces/{workspace}/files/{name}"


def result_name(seconds: float, prompt: JSON, digits: str, extension: str) -> str:
    """Return the name of a result: the time, the start of the prompt, and eight hexadecimal digits."""
    stamp = f"{datetime.fromtimestamp(seconds, UTC):%Y%m%d-%H%M%S}"
    slug = re.sub(r"[^a-z0-9]+", "-", str(prompt or "").lower())[:_MAX_SLUG_LENGTH].strip("-")
    return f"{stamp}_{slug or 'untitled'}_{digits:.8}.{extension}"


class Links:
    """Signs URLs, and checks which of them are still valid."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._secret = token_bytes()
        self._tickets = count(1)
        self._downloads_left: dict[str, int] = {}

    def sign(self, base_url: str, path: str, *, is_result: bool = True) -> str:
        """Return a new URL of a file."""
        now = time.time()
        fault = self._faults.draw("url-seconds")
        lifetime = _URL_LIFETIME if fault is None else fault.amount or 0
        expires = str(ceil(now + lifetime) if lifetime else int(now))
        ticket = ""
        if is_result and (limit := self._faults.draw("url-downloads")):
            ticket = str(next(self._tickets))
            self._downloads_left[ticket] = int(limit.amount or 0)
        query = f"oxen_expires={expires}&oxen_signature={self._make_signature(path, expires, ticket)}"
        query += f"&ticket={ticket}" if ticket else ""
        return f"{base_url.rstrip('/')}{quote(path)}?{query}"

    def is_valid(self, path: str, query: str) -> bool:
        """Return whether the URL of a file with this query is still valid."""
        return self._find_ticket(path, query) is not None

    def use(self, path: str, query: str) -> bool:
        """Return whether a URL is still valid, and count a download of it."""
        ticket = self._find_ticket(path, query)
        if ticket:
            self._downloads_left[ticket] -= 1
        return ticket is not None

    def _find_ticket(self, path: str, query: str) -> str | None:
        """Return the ticket of a valid URL, which is empty if it has none; None if the URL is not valid."""
        names = ("oxen_expires", "oxen_signature", "ticket")
        expires, signature, ticket = (parse_qs(query).get(name, [""])[-1] for name in names)
        is_signed = signature == self._make_signature(path, expires, ticket)
        if not is_signed or int(expires) <= time.time() or self._downloads_left.get(ticket, 1) < 1:
            return None
        return ticket

    def _make_signature(self, path: str, expires: str, ticket: str) -> str:
        text = "\n".join((path, expires, ticket))
        return hashlib.blake2b(text.encode(errors="replace"), key=self._secret, digest_size=32).hexdigest()
