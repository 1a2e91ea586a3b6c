# Copied by oxen-codegen from templates/package/_workbench/__init__.py. Do not edit.
"""The server of the Workbench: a page on the loopback interface, as an interface of the runner."""
