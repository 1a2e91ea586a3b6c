"""Run the stand-in hub from a shell: `python -m oxen_models.testing`."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import fields

from ._dialect import Dialect
from ._hub import MAX_PORT, Hub

_DAY = 86_400


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted. The exit code is 2 if the hub cannot start."""
    parser = _make_parser()
    options = parser.parse_args(argv)
    try:
        hub = Hub(options.schemas, Dialect(**dict(options.dialect)), options.port)
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}")
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.WARNING)
    try:
        hub.start()
        _print_exports(hub, parser)
        while True:
            time.sleep(_DAY)
    except OSError as error:
        parser.error(f"port {options.port}: {os.strerror(error.errno or 0)}")
    except KeyboardInterrupt:
        return 0
    finally:
        hub.stop()


def _print_exports(hub: Hub, parser: argparse.ArgumentParser) -> None:
    try:
        print("export OXEN_API_KEY=anything")
        print(f"export OXEN_BASE_URL={hub.url}/api/ai", flush=True)
    except OSError as error:
        sys.stdout = None  # the interpreter would flush it again at its end
        parser.error(f"the standard output cannot be written: {error.strerror}")
    print(f"The stand-in hub listens on {hub.url}. Press Ctrl-C to stop it.", file=sys.stderr)


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
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else MAX_PORT + 1
    if port > MAX_PORT:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to {MAX_PORT}, got {text!r}")
    return port


def _parse_pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    names = [field.name for field in fields(Dialect)]
    if not equals or name not in names:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE with a NAME of {', '.join(names)}, got {text}")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
