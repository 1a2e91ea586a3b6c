# Copied by oxen-codegen from templates/package/_runtime/version.py. Do not edit.
"""The version of the distribution."""

__version__ = "0.1.0"
