# Copied by oxen-codegen from templates/package/_workbench/session.py. Do not edit.
"""The state of a server: the runner, the folder of results, the files of the page, and the secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from oxen_models._runner.runner import Runner
from oxen_models._runtime.errors import OxenError


@dataclass(frozen=True, slots=True)
class Session:
    """What all requests share."""

    runner: Runner
    folder: Path
    """Where results are saved, absolute."""
    media_folder: Path
    """Where the files are kept that the page sends, absolute. It is removed when the server ends."""
    media_paths: dict[str, str] = field(default_factory=dict[str, str])
    """The paths of these files by their digests in sidecars."""
    is_demo: bool = False
    """Whether the API is a stand-in."""
    token: str = field(default_factory=token_urlsafe, repr=False)
    """The secret of the address and of the header of each request."""
    cookie: str = field(default_factory=token_urlsafe, repr=False)
    """The secret with which a browser requests the page and its files: another one, because a browser sends
    cookies to all ports of a host.
    """

    def describe(self) -> dict[str, Any]:
        """Return the state of the session as JSON."""
        limits, spending = self.runner.limits, self.runner.spending
        return {
            "demo": self.is_demo,
            "budget": {
                "limit": limits.budget,
                "spent": spending.settled,
                "reserved": spending.total - spending.settled or Decimal(0),
            },
            "confirm_above": limits.confirm_above,
            "folder": str(self.folder),
            "has_key": self._has_key(),
        }

    def _has_key(self) -> bool:
        try:
            return self.runner.oxen._session.settings.find_key() is not None  # pyright: ignore[reportPrivateUsage]
        except OxenError:  # the login file or the key is invalid, which a run reports
            return False
