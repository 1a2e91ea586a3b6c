# Copied by oxen-codegen from templates/package/_mcp/__init__.py. Do not edit.
"""The MCP server: the tools of agents, as an interface of the runner."""
