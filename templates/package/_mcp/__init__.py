"""The MCP server: the tools of agents, as an interface of the runner."""
