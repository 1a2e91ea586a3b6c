# Copied by oxen-codegen from templates/package/_runner/limits.py. Do not edit.
"""What a runner may spend and read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from socket import inet_aton
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from oxen_models._runtime.errors import InvalidRequestError, Problem
from oxen_models._runtime.json_schema.accepted_values import Node
from oxen_models._runtime.json_schema.estimates import Estimate, NoEstimate
from oxen_models._runtime.json_schema.json_types import is_list, is_object
from oxen_models._runtime.settings import DEFAULT_MAX_INLINE
from oxen_models._runtime.values import shorten

from .models import RunnableModel

Unpriced: TypeAlias = Literal["allow", "confirm", "refuse"]
MAX_FILE_SIZE = DEFAULT_MAX_INLINE
"""Bytes of an input file: the client of a runner uploads no file."""
_LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "lan", "home.arpa")
_NAT64 = IPv6Network("64:ff9b::/96")
_MAX_IPV4 = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a runner. By default, it has none."""

    confirm_above: Decimal | None = None
    """Dollars: a request that may cost more is confirmed before it is sent."""
    per_call: Decimal | None = None
    """Dollars: a request that may cost more is rejected."""
    budget: Decimal | None = None
    """Dollars: a request with which the sum of all may exceed this is rejected."""
    unpriced: Unpriced = "allow"
    """Whether a request whose cost cannot be estimated is sent, sent if it is confirmed, or rejected."""
    input_folders: tuple[Path, ...] | None = None
    """The folders below which files are read; None for any."""
    public_urls: bool = False
    """Whether URLs with an address or a name of a private network are rejected."""

    def needs_confirmation(self, estimate: Estimate | NoEstimate) -> bool:
        """Return whether a request with this estimate is sent only if it is confirmed."""
        if not estimate:
            return self.unpriced == "confirm"
        return self.confirm_above is not None and estimate.high > self.confirm_above

    def check_inputs(self, model: RunnableModel, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters with the absolute path, without symbolic links, of each file.

        Raises:
            InvalidRequestError: A file or a URL is not allowed, or a file is too large.
        """
        problems: list[Problem] = []
        nodes: Mapping[str, Node] = {} if model.node is None else model.node["properties"]
        checked = {
            name: self._check(nodes.get(name, {}), value, name, problems) for name, value in values.items()
        }
        if problems:
            raise InvalidRequestError(model.id, tuple(problems))
        return checked

    def _check(self, node: Node, value: Any, name: str, problems: list[Problem]) -> Any:
        if is_list(value):
            items = _find_items(node)
            return [
                self._check(items, item, f"{name}[{index}]", problems) for index, item in enumerate(value)
            ]
        if is_object(value):
            inner, extra = _find_properties(node)
            return {
                key: self._check(inner.get(key, extra), item, f"{name}[{key!r}]", problems)
                for key, item in value.items()
            }
        if not isinstance(value, str):
            return value
        if _is_url(value):
            reason = _explain_rejection(value) if self.public_urls else None
            if reason is not None:
                problems.append(Problem(name, shorten(value), reason))
        elif _is_path(node, value):
            path = _expand_home(value)
            reason = self._explain_path(path)
            if reason is not None:
                problems.append(Problem(name, shorten(value), reason))
            elif self.input_folders is not None:
                return str(path.resolve())
        return value

    def _explain_path(self, path: Path) -> str | None:
        """Return why a file cannot be sent; None if it can."""
        if self.input_folders is not None and not _is_below(path, self.input_folders):
            allowed = ", ".join(repr(str(folder)) for folder in self.input_folders)
            files = f" or a file below {allowed}" if allowed else "; no folder of files is allowed"
            return f"must be a URL{files}"
        with suppress(OSError, ValueError):  # which are explained when the file is read
            if path.stat().st_size > MAX_FILE_SIZE:
                return f"must have at most {MAX_FILE_SIZE:,} bytes; pass the URL of a larger file"
        return None


def _expand_home(text: str) -> Path:
    try:
        return Path(os.path.expanduser(text))
    except ValueError:  # a null byte or a lone surrogate, which is explained when the file is read
        return Path(text)


def _is_below(path: Path, folders: tuple[Path, ...]) -> bool:
    try:
        resolved = path.resolve()
        return any(resolved.is_relative_to(Path(os.path.expanduser(folder)).resolve()) for folder in folders)
    except (OSError, RuntimeError, ValueError):  # a loop of links, a null byte
        return False


def _members(node: Node) -> Iterator[Node]:
    yield node
    yield from node.get("anyOf", ())


def _find_items(node: Node) -> Node:
    found: Iterator[Node] = (member["items"] for member in _members(node) if "items" in member)
    return next(found, Node())


def _find_properties(node: Node) -> tuple[Mapping[str, Node], Node]:
    """Return the nodes of the properties of an object, and that of all other properties."""
    for member in _members(node):
        if "properties" in member:
            return member["properties"], member["additionalProperties"] or {}
    return {}, {}


def _is_path(node: Node, value: str) -> bool:
    """Return whether a string that is not the URL of a host is the path of a file."""
    takes_media = any("media" in member for member in _members(node))
    is_default = any(value in member.get("enum", ()) for member in _members(node))
    return takes_media and not is_default and not value.lower().startswith("data:")


def _is_url(text: str) -> bool:
    return text.strip().lower().startswith(("http:", "https:")) and not any(map(str.isspace, text.strip()))


def _explain_rejection(url: str) -> str | None:
    """Return why a URL is not one of a public host; None if it is."""
    try:
        host = (urlsplit(url.strip()).hostname or "").rstrip(".").lower()
    except ValueError:
        host = ""
    if not host.isascii():  # clients map other characters, such as full-width digits, to those of an address
        return "must have a host name in ASCII, such as xn--bcher-kva.example"
    return "must not be the URL of a private network" if _is_private(host, url) else None


def _is_private(host: str, url: str) -> bool:
    if not host or "%" in host or "\\" in url or ("." not in host and ":" not in host and not host.isdigit()):
        return True
    if any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        try:
            address = ip_address(inet_aton(host))  # such as 127.1 or 0x7f.0.0.1, which clients accept
        except OSError:
            return False
    reached = _unwrap(address)
    is_unicast = not (reached.is_multicast or reached.is_reserved)  # reserved: ::/8, with embedded addresses
    is_site_local = isinstance(reached, IPv6Address) and reached.is_site_local
    return not (reached.is_global and is_unicast) or is_site_local


def _unwrap(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address to which a gateway forwards what is sent to an IPv6 address."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _MAX_IPV4)
    return address.sixtofour or address
