# Copied by oxen-codegen from templates/package/testing/_state.py. Do not edit.
"""The state of one running hub."""

from collections import OrderedDict
from dataclasses import dataclass, field
from uuid import uuid4

from ._chat_script import ChatScript
from ._dialect import Dialect
from ._drafts import Drafts
from ._events import Broadcast
from ._faults import Faults
from ._jobs import Jobs
from ._links import Links
from ._media import File
from ._models import Media, Models
from ._requests import RequestLog
from ._uploads import Uploads
from ._validation import Validation

MAX_FILES = 1000
_QUEUE_TIMES: dict[Media, float] = {"image": 0.3, "video": 0.8, "audio": 0.3}


@dataclass(slots=True, eq=False)
class State:
    """Everything that the routes of one hub share. Hubs in the same process share nothing."""

    models: Models
    dialect: Dialect
    generation_time: float | None
    """Seconds that each generation takes; None for the default."""
    speed: float
    url: str = ""
    is_stopping: bool = False
    requests: RequestLog = field(default_factory=RequestLog)
    faults: Faults = field(default_factory=Faults)
    chat: ChatScript = field(default_factory=ChatScript)
    files: OrderedDict[str, File] = field(default_factory=OrderedDict[str, File])
    """The newest results of blocking calls, by file name."""
    workspace: str = field(default_factory=lambda: str(uuid4()))
    """The id of the workspace of these results. The id of a job is that of the workspace of its results."""
    jobs: Jobs = field(default_factory=Jobs)
    favorites: set[str] = field(default_factory=set[str])
    """The ids of the favorite models."""
    drafts: Drafts = field(default_factory=Drafts)
    uploads: Uploads = field(init=False)
    validation: Validation = field(init=False)
    links: Links = field(init=False)
    broadcast: Broadcast = field(init=False)

    def __post_init__(self) -> None:
        self.links = Links(self.faults)
        self.uploads = Uploads(self.links)
        self.validation = Validation(self.models, self.dialect, self.drafts, self.links)
        self.broadcast = Broadcast(self.faults)

    def add_file(self, name: str, file: File) -> None:
        """Store a result of a blocking call, and remove the oldest one if there are too many."""
        self.files[name] = file
        if len(self.files) > MAX_FILES:
            self.files.popitem(last=False)

    def scale(self, seconds: float) -> float:
        """Convert seconds of the hub's clock to real seconds."""
        return seconds / self.speed

    def queue_time(self, media: Media) -> float:
        """Return the seconds from the submission of a job to its end."""
        return self.scale(_QUEUE_TIMES[media]) if self.generation_time is None else self.generation_time
