# Copied by oxen-codegen from templates/package/_runtime/connection_settings.py. Do not edit.
"""Explain why the environment's settings of connections, such as its proxies, are not usable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from ssl import SSLError

import httpx

from .errors import ConfigurationError

_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def explain_environment(error: Exception) -> ConfigurationError:
    """Return the error of an httpx client that could not be created.

    Values are not in it, because the URL of a proxy may contain a password.

    Args:
        error: The error of httpx.
    """
    if isinstance(error, OSError | SSLError):
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
