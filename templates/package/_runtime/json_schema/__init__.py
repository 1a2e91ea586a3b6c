"""Modules that read model schemas, copied from the generator."""
