# Copied by oxen-codegen from templates/package/testing/_links.py. Do not edit.
"""Presigned URLs of results, which may expire."""

import time
from itertools import count
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from ._faults import Faults


class Links:
    """Signs URLs, and checks which of them are still valid."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._tickets = count(1)
        self._downloads_left: dict[str, int] = {}

    def sign(self, base_url: str, name: str) -> str:
        """Return a new URL of the file `name`."""
        query: dict[str, str] = {}
        if fault := self._faults.draw("url-downloads"):
            ticket = str(next(self._tickets))
            self._downloads_left[ticket] = int(fault.amount or 0)
            query["ticket"] = ticket
        if fault := self._faults.draw("url-seconds"):
            query["expires"] = f"{time.time() + (fault.amount or 0):.3f}"
        return f"{base_url.rstrip('/')}/files/{name}" + (f"?{urlencode(query)}" if query else "")

    def use(self, query: QueryParams) -> bool:
        """Return whether a URL with this query is still valid, and count a download of it."""
        if "ticket" in query:
            left = self._downloads_left.get(query["ticket"], 0)
            if left < 1:
                return False
            self._downloads_left[query["ticket"]] = left - 1
        try:
            return float(query.get("expires", "inf")) > time.time()
        except ValueError:
            return False
