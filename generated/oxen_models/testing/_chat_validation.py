# Copied by oxen-codegen from templates/package/testing/_chat_validation.py. Do not edit.
"""Validate the messages of chat requests, and what the providers restrict."""

from ._errors import RequestError
from ._json import JSON, as_list, as_object
from ._models import Model, developer_name

_URL_PARTS = ("image_url", "video_url", "audio_url")
_MAX_AUDIO_MEGABYTES = 20
_MAX_DOCUMENT_MEGABYTES = 24
_PENALTIES = ("frequency_penalty", "presence_penalty")
# The groups of parameters that a developer's models refuse together.
_REFUSED = {
    "Anthropic": (("temperature", "top_p"), *((name,) for name in _PENALTIES)),
    "Google": tuple((name,) for name in _PENALTIES),
}


def validate_chat(model: Model, body: dict[str, JSON]) -> None:
    """Check the body of a chat request.

    Raises:
        RequestError: It is refused (400).
    """
    messages = as_list(body.get("messages") or [])
    if not messages:
        raise _error("Messages array cannot be empty")
    developer = developer_name(model)
    for names in _REFUSED.get(developer or "", ()):
        if all(body.get(name) is not None for name in names):
            raise _error(f"{' and '.join(names)} cannot be specified for this model")
    for message in map(as_object, messages):
        content = message.get("content")
        if isinstance(content, list):
            if message.get("role") == "system" and developer == "Anthropic":
                raise _error("use the top-level 'system' parameter")
            for part in content:
                _validate_part(as_object(part))


def _validate_part(part: dict[str, JSON]) -> None:
    kind = part.get("type")
    if kind == "text":
        if not isinstance(part.get("text"), str):
            raise _error("a text part must have a text")
    elif kind in _URL_PARTS:
        url = as_object(part.get(str(kind))).get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://", "data:")):
            raise _error(f"{kind}: must have a URL")
        if kind == "audio_url":
            _check_size("audio", url, _MAX_AUDIO_MEGABYTES)
    elif kind == "file":
        file = as_object(part.get("file"))
        data, url = file.get("file_data"), file.get("file_url")
        if (data is None) == (url is None):
            raise _error("file: exactly one of file_data and file_url is required")
        if data is not None and not str(data).startswith("data:application/pdf;"):
            raise _error("file: file_data must be a data: URL of a PDF")
        if data is not None and not file.get("filename"):
            raise _error("file: filename is required with file_data")
        _check_size("file", str(data), _MAX_DOCUMENT_MEGABYTES)
    else:
        raise _error(f"Unsupported content type: {kind}")


def _check_size(name: str, url: str, megabytes: int) -> None:
    if len(url) > megabytes * 2**20 * 4 / 3 + 100:
        raise _error(f"{name}: larger than {megabytes} MB")


def _error(detail: str) -> RequestError:
    return RequestError(400, None, detail)
