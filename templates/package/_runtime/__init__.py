"""What every generated module stands on. Private: import from `oxen_models`."""
