"""`python -m oxen_codegen`, the same as `oxen-codegen`."""

import sys


def main() -> None:
    """Run the command line, or say what it lacks."""
    try:
        from .cli import main as run
    except ModuleNotFoundError as error:
        sys.exit(f"oxen-codegen needs {error.name}: pip install 'oxen-models[codegen]'")
    run(prog_name="oxen-codegen")


if __name__ == "__main__":
    main()
