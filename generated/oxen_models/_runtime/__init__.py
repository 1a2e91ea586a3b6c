# Copied by oxen-codegen from templates/package/_runtime/__init__.py. Do not edit.
"""The code that all generated modules use. Private: import from `oxen_models`."""
