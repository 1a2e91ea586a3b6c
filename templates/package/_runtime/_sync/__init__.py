"""The synchronous client, derived from the asynchronous one except `concurrency`."""
