"""The generator of oxen-models: from the schemas of the API to typed Python."""
