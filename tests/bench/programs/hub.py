"""Run the stand-in hub until the input ends; then print request counts and the time when each job ended."""

import json
import sys
import time
from unittest.mock import patch

from oxen_models.testing import Hub
from oxen_models.testing._jobs import Job, Status

ended: dict[str, float] = {}
_end = Job.end


def end(job: Job, status: Status) -> None:
    """Record the exact time, because the hub reports whole seconds."""
    _end(job, status)
    ended[job.id] = time.monotonic()


with patch.object(Job, "end", end), Hub(generation_time=float(sys.argv[1])) as hub:
    print(hub.url, flush=True)
    sys.stdin.read()
    print(json.dumps({"gets": hub.count("GET", "/"), "posts": hub.count("POST", "/"), "ended": ended}))
