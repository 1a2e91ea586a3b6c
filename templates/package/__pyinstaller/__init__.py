"""The hook with which PyInstaller includes the schemas, and the modules that are loaded on first use."""

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """Return the folders of hooks, for the entry point `pyinstaller40`."""
    return [str(Path(__file__).parent)]
