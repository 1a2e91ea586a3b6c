"""`python -m oxen_codegen`, the same as `oxen-codegen`."""

import gc
import sys


def main() -> None:
    """Run the command line, or say what it lacks."""
    # Syntax trees by the thousand, of which next to none is garbage: to look through them takes a tenth.
    gc.set_threshold(100_000, 50, 50)
    try:
        from .cli import main as run

        run(prog_name="oxen-codegen")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "oxen_codegen":
            raise
        sys.exit(f"oxen-codegen needs {missing}: pip install 'oxen-models[codegen]'")


if __name__ == "__main__":
    main()
