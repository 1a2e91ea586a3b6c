# Copied by oxen-codegen from templates/package/_runtime/_async/__init__.py. Do not edit.
"""The asynchronous client; the synchronous one is derived from it."""
