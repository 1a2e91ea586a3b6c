# Copied by oxen-codegen from templates/package/_cli/__init__.py. Do not edit.
"""The command line, `oxen-models`, an interface of the runner."""
