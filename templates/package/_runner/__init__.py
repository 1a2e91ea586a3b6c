"""The runner: validate, estimate, confirm, send, wait, save and report one call of a model.

The command line and the MCP server are interfaces of it: they have no rules of their own.
"""
