"""The command line, `oxen-models`, an interface of the runner."""
