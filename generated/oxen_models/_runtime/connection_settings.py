# Copied by oxen-codegen from templates/package/_runtime/connection_settings.py. Do not edit.
"""The environment's settings of connections, such as its proxies, and why they are not usable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import httpx

from .errors import ConfigurationError

if TYPE_CHECKING:
    from ssl import SSLContext

HTTPClientT = TypeVar("HTTPClientT", httpx.Client, httpx.AsyncClient)

LOCAL_ADDRESSES = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""The addresses that are never reached through a proxy, in the form of httpx."""
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def load_certificates() -> SSLContext:
    """Return the certificates of the environment, which HTTP clients can share.

    Raises:
        ConfigurationError: They are not usable.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise _explain(error) from None


def apply_environment(create: Callable[..., HTTPClientT]) -> HTTPClientT:
    """Return the HTTP client that `create` makes, with the proxies and certificates of the environment.
    Addresses of this machine are reached without a proxy.

    Raises:
        ConfigurationError: A proxy or the certificates are not usable.
    """
    try:
        return create(mounts=dict.fromkeys(LOCAL_ADDRESSES))
    except Exception as error:
        configuration_error = _explain(error)
    # Raised outside the `except` block: the cause may show the password of a proxy.
    raise configuration_error


def _explain(error: Exception) -> ConfigurationError:
    """Return the error of an httpx client that could not be created.

    Values are not in it, because the URL of a proxy may contain a password.

    Args:
        error: The error of httpx.
    """
    if isinstance(error, OSError):
        variable = next(_list_set("SSL_CERT_FILE", "SSL_CERT_DIR"), None)
        subject = f"the certificates of {variable or 'the system'} cannot be loaded"
        return ConfigurationError(f"{subject}: {error.strerror or error}; nothing was sent")
    name = next(filter(_is_invalid_proxy, _list_set(*_PROXY_VARIABLES)), None)
    if isinstance(error, ImportError):
        proxy = name or "the proxy of the system"
        text = f"{proxy} is a SOCKS proxy, which requires a package: pip install 'httpx[socks]'"
    elif name is not None:
        text = f"{name} must be the URL of a proxy, such as http://proxy.example:8080"
    elif no_proxy := next(_list_set("NO_PROXY"), None):
        text = f"{no_proxy} must be host names and addresses, separated by commas, without brackets"
    else:
        text = "the proxy settings of the system are not valid"
    return ConfigurationError(f"{text}; nothing was sent")


def _list_set(*names: str) -> Iterator[str]:
    """Yield the environment variables that are set, of these and of their lower-case forms."""
    for name in names:
        yield from (variable for variable in (name.lower(), name) if os.environ.get(variable))


def _is_invalid_proxy(name: str) -> bool:
    url = os.environ[name]
    try:
        httpx.HTTPTransport(proxy=url if "://" in url else f"http://{url}", verify=False).close()
    except Exception:
        return True
    return False
