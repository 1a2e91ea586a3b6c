# Derived by oxen-codegen from _runtime/_async/types.py. Do not edit.
"""The types of the signatures of the client, which imports them when an annotation is evaluated."""

from __future__ import annotations

from datetime import datetime as datetime
from decimal import Decimal as Decimal

from ..account import User as User
from ..budget import Unpriced as Unpriced
from ..catalog import ModelInfo as ModelInfo
from ..chat_results import Completion as Completion
from ..comparison import Plan as Plan
from ..generations import CostKey as CostKey
from ..matching import Reconciliation as Reconciliation
from ..media import FileInput as FileInput, ImageInput as ImageInput
from ..openai_clients import OpenAIAsyncClient as OpenAIAsyncClient, OpenAIClient as OpenAIClient
from ..options import RequestOptions as RequestOptions
from ..progress import Progress as Progress
from ..request import (
    AnyRequest as AnyRequest,
    AudioRequest as AudioRequest,
    ChatRequestBase as ChatRequestBase,
    ChatRequestT as ChatRequestT,
    ImageRequest as ImageRequest,
    RequestLike as RequestLike,
    VideoRequest as VideoRequest,
)
from .batch import BatchRun as BatchRun
from .chat import ChatStream as ChatStream
from .comparison import Comparison as Comparison
from .dynamic import AnyModel as AnyModel
from .history import Generations as Generations
from .job import Job as Job
from .models import Models as Models
from .results import (
    AnyResult as AnyResult,
    AudioResult as AudioResult,
    ImageResult as ImageResult,
    VideoResult as VideoResult,
)
