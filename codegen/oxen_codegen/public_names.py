"""The public names of the package with the runtime."""

from __future__ import annotations

from collections.abc import Mapping

PUBLIC_NAMES: Mapping[str, tuple[str, ...]] = {
    "_async_client": ("AsyncOxen",),
    "_client": ("Oxen",),
    "_runtime.account": ("User",),
    "_runtime.version": ("__version__",),
    "_runtime.errors": (
        "APIError", "AuthenticationError", "BadRequestError", "BudgetExceededError", "ConfigurationError",
        "ConflictError", "ContentRejectedAPIError", "ContentRejectedError", "ContentRejectedJobFailed",
        "HubTimeoutError", "HubUnreachableError", "InsufficientCreditsAPIError", "InsufficientCreditsError",
        "InsufficientCreditsJobFailed", "InvalidRequestError", "JobCancelled", "JobError", "JobFailed",
        "JobNotFound", "JobTimeout", "JournalError", "MediaError", "MissingAPIKeyError", "ModelRemovedError",
        "NotFoundError", "OutcomeUnknownError", "OutcomeUnknownTimeout", "OxenError", "PayloadTooLargeError",
        "PermissionDeniedError", "Problem", "RateLimitError", "RunStoppedError", "ServerError",
        "UnexpectedResponseError", "UnpricedRequestError", "UnprocessableError", "UpgradeRequiredError",
        "UploadError",
    ),
    "_runtime.billing": ("BilledNotReturnedWarning",),
    "_runtime.chat_results": ("IncompleteStreamError",),
    "_runtime.fields": ("IntegerInput", "NumberInput", "OMIT", "Omit"),
    "_runtime.media": ("AudioInput", "FileInput", "ImageInput", "VideoInput"),
    "_runtime.generated_files": ("GeneratedFile",),
    "_runtime.generations": ("Generation", "GenerationCompleted", "JobStatus", "MediaType"),
    "_runtime.hub_models": ("HubModel",),
    "_runtime.matching": ("Reconciliation",),
    "_runtime.progress": ("Progress",),
    "_runtime.options": ("RequestOptions",),
    "_runtime.request": (
        "AudioRequest", "ImageRequest", "Request", "RequestLike", "UntypedRequest", "VideoRequest",
    ),
    "_runtime.responses": ("Response",),
    "_runtime.schemas": ("schema",),
    "_runtime.provenance": ("Sidecar", "sidecar"),
    "_runtime.json_schema.estimates": ("Estimate", "NoEstimate"),
    "_runtime._async.batch": ("AsyncBatchRun",),
    "_runtime._async.chat": ("AsyncChatStream",),
    "_runtime._async.dynamic": ("AsyncAnyModel",),
    "_runtime._async.history": ("AsyncGenerations",),
    "_runtime._async.job": ("AsyncJob",),
    "_runtime._async.outcomes": ("AsyncOutcome",),
    "_runtime._sync.batch": ("BatchRun",),
    "_runtime._sync.chat": ("ChatStream",),
    "_runtime._sync.dynamic": ("AnyModel",),
    "_runtime._sync.history": ("Generations", "Page"),
    "_runtime._sync.job": ("Job",),
    "_runtime._sync.outcomes": ("Outcome",),
    "_runtime.saving": ("MediaTypeWarning",),
    "_runtime._async.files": ("AsyncAudio", "AsyncImage", "AsyncVideo"),
    "_runtime._async.results": (
        "AsyncAnyResult", "AsyncAudioResult", "AsyncImageResult", "AsyncVideoResult",
    ),
    "_runtime._sync.files": ("Audio", "Image", "Video"),
    "_runtime._sync.results": ("AnyResult", "AudioResult", "ImageResult", "VideoResult"),
}  # fmt: skip
"""Names by the module that defines them."""
