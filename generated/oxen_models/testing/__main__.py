"""`python -m oxen_models.testing`: the stand-in hub from a shell."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import fields

from ._dialect import Dialect
from ._hub import Hub

_DAY = 86_400


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C. The exit code is 0 then, and 2 where the hub cannot start."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        dialect = Dialect(**dict(options.dialect))
        hub = Hub(options.schemas, dialect, options.port)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.WARNING)
    try:
        with hub:
            print(f"The stand-in hub is at {hub.url}; Ctrl-C ends it.\n")
            print("  export OXEN_API_KEY=anything")
            print(f'  python -c "from oxen_models import Oxen; oxen = Oxen(base_url={hub.url!r})"')
            sys.stdout.flush()
            while True:
                time.sleep(_DAY)
    except OSError as error:
        parser.error(f"port {options.port}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m oxen_models.testing",
        description="A stand-in for the Oxen.ai hub on this machine. Any API key passes.",
    )
    names = ", ".join(field.name for field in fields(Dialect))
    parser.add_argument("--port", type=_port, default=0, help="where to listen (default: any free port)")
    parser.add_argument("--schemas", metavar="DIR", help="folder of model files (default: those that ship)")
    parser.add_argument(
        "--dialect",
        metavar="NAME=VALUE",
        type=_pair,
        action="append",
        default=[],
        help=f"answer in another documented way, repeatable; names: {names}",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"a port is 0 to 65535, not {text}")
    return port


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    known = [field.name for field in fields(Dialect)]
    if not equals or name not in known:
        raise argparse.ArgumentTypeError(f"NAME=VALUE, with a NAME of {', '.join(known)}")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
