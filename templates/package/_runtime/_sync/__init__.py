"""The synchronous client, derived from the asynchronous one except `calls`, `concurrency`, `owner`, `poster`
and `threads`.
"""
