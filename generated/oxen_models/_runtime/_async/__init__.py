# Copied by oxen-codegen from templates/package/_runtime/_async/__init__.py. Do not edit.
"""The asynchronous client, from which the synchronous one is derived."""
