# Derived by oxen-codegen from _runtime/_async/extension.py. Do not edit.
"""Base class of the packages of further models that `oxen-codegen` generates in other projects."""

from __future__ import annotations

from typing import ClassVar

from ..errors import ConfigurationError
from ..version import __version__
from .client import Client
from .session import SessionBound


class Extension(SessionBound):
    """Further models, called through an existing client with its connections and settings."""

    made_with: ClassVar[str]
    """The version of oxen_models that the package was generated with."""

    def __init__(self, client: Client) -> None:
        # The package uses private modules, which may change with every minor version.
        if self.made_with.split(".")[:2] != __version__.split(".")[:2]:
            raise ConfigurationError(
                f"{type(self).__module__.partition('.')[0]} was generated with oxen-models {self.made_with}, "
                f"and {__version__} is installed: run `oxen-codegen generate`, or install {self.made_with}"
            )
        # A client of the other kind would fail much later, without a helpful message.
        if not isinstance(client, Client):  # pyright: ignore[reportUnnecessaryIsInstance]
            name = type(self).__name__
            expected = "an AsyncOxen" if name.startswith("Async") else "an Oxen"
            raise ConfigurationError(
                f"{name} must be created with {expected}, got a value of type {type(client).__name__}"
            )
        super().__init__(client._session)  # pyright: ignore[reportPrivateUsage]
