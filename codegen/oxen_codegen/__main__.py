"""`python -m oxen_codegen`, the same as `oxen-codegen`."""

from .cli import main

main(prog_name="oxen-codegen")
