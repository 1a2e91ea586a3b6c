"""The folder of a module that each Python process of a test loads first."""

from pathlib import Path

LEAN = Path(__file__).parent
