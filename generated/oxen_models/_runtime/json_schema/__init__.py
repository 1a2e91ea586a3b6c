# Copied by oxen-codegen from templates/package/_runtime/json_schema/__init__.py. Do not edit.
"""Modules that read model schemas, copied from the generator."""
