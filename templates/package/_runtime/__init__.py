"""The code that all generated modules use. Private: import from `oxen_models`."""
