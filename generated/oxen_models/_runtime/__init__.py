# Copied by oxen-codegen from templates/package/_runtime/__init__.py. Do not edit.
"""What every generated module stands on. Private: import from `oxen_models`."""
