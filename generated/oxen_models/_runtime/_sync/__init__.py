# Copied by oxen-codegen from templates/package/_runtime/_sync/__init__.py. Do not edit.
"""The synchronous client, derived from the asynchronous one except `calls`, `concurrency`, `owner`, `poster`
and `threads`.
"""
