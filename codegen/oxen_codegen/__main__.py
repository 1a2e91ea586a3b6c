"""`python -m oxen_codegen`, the same as `oxen-codegen`."""

import gc
import sys


def main() -> None:
    """Run the command line, or exit with the name of the missing extra."""
    # Collecting the many live AST nodes costs about 10 % of the run time.
    gc.set_threshold(100_000, 50, 50)
    try:
        from .cli import main as run

        run(prog_name="oxen-codegen")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "oxen_codegen":
            raise
        from oxen_models._runtime.extras import describe_missing_extra

        sys.exit(describe_missing_extra("oxen-codegen", missing, "codegen"))


if __name__ == "__main__":
    main()
