"""`python -m oxen_codegen`, the same as `oxen-codegen`."""

import atexit
import gc
import os
import sys


def main() -> None:
    """Run the command line, or exit with the name of the missing extra."""
    # Collecting the many live objects costs about 20 % of the run time, most of it at the exit.
    gc.set_threshold(100_000, 50, 50)
    atexit.register(gc.freeze)
    # `python -m` puts the working directory there: a module of the project would be executed instead of an
    # installed one with the same name.
    sys.path[:] = [path for path in sys.path if path not in ("", os.getcwd())]
    try:
        from .cli import main as run

        run(prog_name="oxen-codegen")
    except KeyboardInterrupt:  # while modules are loaded; a command reports later ones
        sys.exit(130)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "oxen_codegen":
            raise
        from oxen_models._runtime.extras import describe_missing_extra

        sys.exit(describe_missing_extra("oxen-codegen", missing, "codegen"))


if __name__ == "__main__":
    main()
