"""The generator of oxen-models: from the schemas of a hub to typed Python."""
