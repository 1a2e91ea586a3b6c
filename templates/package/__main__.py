"""`python -m oxen_models`, the same as `oxen-models`."""

import os
import sys


def main() -> None:
    """Run the command line, or exit with the name of the missing extra."""
    # `python -m` puts the working directory there: a module in it would be executed instead of an installed
    # one with the same name.
    sys.path[:] = [path for path in sys.path if path not in ("", os.getcwd())]
    try:
        from oxen_models._cli.main import cli
    except KeyboardInterrupt:  # a command reports later ones
        sys.exit(130)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "oxen_models":
            raise
        from oxen_models._runtime.extras import describe_missing_extra

        sys.exit(describe_missing_extra("oxen-models", missing, "cli"))
    cli.main(prog_name="oxen-models")


if __name__ == "__main__":
    main()
