"""A journal says, after whatever happened to the run that wrote it, all that it said it had written."""
