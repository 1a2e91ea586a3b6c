"""The synchronous client, derived from the asynchronous one but for `effects`."""
