# Copied by oxen-codegen from templates/package/testing/__main__.py. Do not edit.
"""Run the stand-in hub from a shell: `python -m oxen_models.testing`."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import fields

from ._dialect import Dialect
from ._hub import Hub

_DAY = 86_400
_MAX_PORT = 65_535


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted. The exit code is 2 if the hub cannot start."""
    parser = _make_parser()
    options = parser.parse_args(argv)
    try:
        hub = Hub(options.schemas, Dialect(**dict(options.dialect)), options.port)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.WARNING)
    try:
        with hub:
            print("export OXEN_API_KEY=anything")
            print(f"export OXEN_BASE_URL={hub.url}/api/ai")
            print(f"The stand-in hub listens on {hub.url}. Press Ctrl-C to stop it.", file=sys.stderr)
            sys.stdout.flush()
            while True:
                time.sleep(_DAY)
    except OSError as error:
        parser.error(f"port {options.port}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m oxen_models.testing",
        description="Run a stand-in for the Oxen.ai hub on this machine. It accepts any API key.",
        epilog="The standard output is two `export` lines for the shell in which a client runs.",
    )
    names = ", ".join(field.name for field in fields(Dialect))
    parser.add_argument(
        "--port", type=_parse_port, default=0, help="port to listen on (default: any free port)"
    )
    parser.add_argument(
        "--schemas", metavar="DIR", help="folder of model files (default: the models that ship)"
    )
    parser.add_argument(
        "--dialect",
        metavar="NAME=VALUE",
        type=_parse_pair,
        action="append",
        default=[],
        help=f"behavior where sources of the API contradict each other, repeatable; names: {names}",
    )
    return parser


def _parse_port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to {_MAX_PORT}, got {text}")
    return port


def _parse_pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    names = [field.name for field in fields(Dialect)]
    if not equals or name not in names:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE with a NAME of {', '.join(names)}, got {text}")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
