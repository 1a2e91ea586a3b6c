"""Where results are downloaded: presigned URLs, which may expire."""

import time
from itertools import count
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from ._faults import Faults


class Links:
    """Signs the URLs of files, and says which of them still open."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._numbers = count(1)
        self._left: dict[str, int] = {}

    def sign(self, base_url: str, name: str) -> str:
        """A fresh URL of the file `name`, under the hub's `base_url`."""
        query: dict[str, str] = {}
        if fault := self._faults.draw("url-downloads"):
            ticket = str(next(self._numbers))
            self._left[ticket] = int(fault.amount or 0)
            query["ticket"] = ticket
        if fault := self._faults.draw("url-seconds"):
            query["expires"] = f"{time.time() + (fault.amount or 0):.3f}"
        return f"{base_url.rstrip('/')}/files/{name}" + (f"?{urlencode(query)}" if query else "")

    def opens(self, query: QueryParams) -> bool:
        """Whether a download by a URL with this query may go on; it counts as one."""
        if "ticket" in query:
            left = self._left.get(query["ticket"], 0)
            if left < 1:
                return False
            self._left[query["ticket"]] = left - 1
        try:
            return float(query.get("expires", "inf")) > time.time()
        except ValueError:
            return False
