"""Clients of the package `openai` for the chat endpoint, which is compatible with that of OpenAI."""

from __future__ import annotations

from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeAlias

from .connection_settings import apply_environment
from .errors import ConfigurationError
from .settings import Settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

    OpenAIClient: TypeAlias = OpenAI
    OpenAIAsyncClient: TypeAlias = AsyncOpenAI
else:

    def __getattr__(name: str) -> Any:
        """Return a type of `openai` for `typing.get_type_hints`; Any if the package is not installed."""
        if name not in ("OpenAIClient", "OpenAIAsyncClient"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            import openai
        except ImportError:
            return Any
        return openai.OpenAI if name == "OpenAIClient" else openai.AsyncOpenAI


def create_openai_client(settings: Settings) -> OpenAIClient:
    """Return a synchronous client of `openai`.

    Raises:
        ConfigurationError: The package is not installed, or the proxies or certificates of the environment
            are not usable.
        MissingAPIKeyError: There is no API key.
    """
    openai = _import_openai("openai()")
    client: OpenAI = openai.OpenAI(
        **_options(settings, openai.OpenAI),
        api_key=settings.require_key().get_secret_value(),
        http_client=apply_environment(partial(openai.DefaultHttpxClient, follow_redirects=False)),
    )
    client.organization = client.project = None  # of the environment, for OpenAI's own server
    return client


def create_async_openai_client(settings: Settings) -> OpenAIAsyncClient:
    """Return an asynchronous client of `openai`. Raises as `create_openai_client` does."""
    openai = _import_openai("async_openai()")
    client: AsyncOpenAI = openai.AsyncOpenAI(
        **_options(settings, openai.AsyncOpenAI),
        api_key=settings.require_key().get_secret_value(),
        http_client=apply_environment(partial(openai.DefaultAsyncHttpxClient, follow_redirects=False)),
    )
    client.organization = client.project = None  # of the environment, for OpenAI's own server
    return client


def _options(settings: Settings, client_class: type) -> dict[str, Any]:
    """Return the options of both clients, which are not those of the environment for OpenAI's own server."""
    # Older releases of `openai` have no such key.
    admin_key = {"admin_api_key": ""} if "admin_api_key" in signature(client_class).parameters else {}
    return {
        **admin_key,
        "base_url": settings.url(""),
        "default_headers": settings.default_headers,
        "timeout": settings.request_timeout("/chat/completions", None),
        "max_retries": 0,  # openai also repeats requests that may have been accepted
    }


def _import_openai(feature: str) -> Any:
    try:
        import openai
    except ImportError:
        raise ConfigurationError(f"{feature} needs the package openai: pip install openai") from None
    return openai
