"""Run requests with a journal on a disk that may be full; a `JournalError` is the last line of the output."""

from __future__ import annotations

import json
import sys

from oxen_models import JournalError

from . import run
from .kill import make_request, run_async, run_sync


def main(client: str, url: str, journal: str, first: int, count: int, max_size: int) -> None:
    """Run requests with the client of that kind. The size of files is not limited if `max_size` is 0."""
    if max_size:
        import resource

        sys.dont_write_bytecode = True  # a truncated file would break each later import of the module
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_size, resource.RLIM_INFINITY))
    requests = [make_request(first + number) for number in range(count)]
    try:
        if client == "sync":
            run_sync(url, requests, journal, "wait")
        else:
            run(run_async(url, requests, journal, "wait"))
    except JournalError as error:
        print(json.dumps(str(error)))


if __name__ == "__main__":
    client, url, journal, *numbers = sys.argv[1:]
    main(client, url, journal, *map(int, numbers))
