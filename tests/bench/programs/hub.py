"""The stand-in hub. When its input ends, it prints how often it was asked, and when each job was over."""

import json
import sys
import time
from unittest.mock import patch

from oxen_models.testing import Hub
from oxen_models.testing._jobs import Job, Status

over: dict[str, float] = {}
_ends = Job.ends


def ends(job: Job, status: Status, *, error: str | None = None, file: str | None = None) -> None:
    """As the job's own, with the instant: what the hub tells of it is in whole seconds."""
    _ends(job, status, error=error, file=file)
    over[job.id] = time.monotonic()


with patch.object(Job, "ends", ends), Hub(generation_time=float(sys.argv[1])) as hub:
    print(hub.url, flush=True)
    sys.stdin.read()
    print(json.dumps({"gets": hub.count("GET", "/"), "posts": hub.count("POST", "/"), "over": over}))
