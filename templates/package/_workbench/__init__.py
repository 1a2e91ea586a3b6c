"""The server of the Workbench: a page on the loopback interface, as an interface of the runner."""
