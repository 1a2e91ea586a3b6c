# Copied by oxen-codegen from templates/package/_cli/terminal_images.py. Do not edit.
"""Show an image in the terminal, by the protocols of kitty, iTerm2 and sixel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

_MAX_SIZE = 2**24
_CHUNK = 4096
_WIDTH = 40
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def find_protocol() -> str | None:
    """Return the protocol of the terminal: kitty, iterm or sixel; None if it shows no images."""
    if not sys.stdout.isatty() or os.environ.get("TMUX") or os.environ.get("STY"):
        return None
    terminal, program = os.environ.get("TERM", ""), os.environ.get("TERM_PROGRAM", "")
    if "kitty" in terminal or "ghostty" in terminal or os.environ.get("KITTY_WINDOW_ID"):
        return "kitty"
    if program in ("iTerm.app", "WezTerm") or os.environ.get("LC_TERMINAL") == "iTerm2":
        return "iterm"
    is_sixel = "sixel" in terminal or terminal in ("foot", "mlterm", "yaft-256color")
    return "sixel" if is_sixel and shutil.which("img2sixel") else None


def show_image(path: Path) -> None:
    """Show an image file, if the terminal can."""
    protocol = find_protocol()
    if protocol is None or path.suffix.lower() not in _SUFFIXES or path.stat().st_size > _MAX_SIZE:
        return
    if protocol == "sixel":
        subprocess.run(["img2sixel", "-w", "480", str(path)], check=False)
        return
    content = path.read_bytes()
    if protocol == "kitty" and not content.startswith(b"\x89PNG"):
        return  # kitty decodes PNG only
    sys.stdout.write(write_kitty(content) if protocol == "kitty" else write_iterm(content))
    sys.stdout.flush()


def write_kitty(content: bytes) -> str:
    """Return the escape sequences that show a PNG image in kitty."""
    encoded = b64encode(content).decode()
    chunks = [encoded[start : start + _CHUNK] for start in range(0, len(encoded), _CHUNK)]
    parts: list[str] = []
    for index, chunk in enumerate(chunks):
        control = f"a=T,f=100,c={_WIDTH}," if index == 0 else ""
        parts.append(f"\x1b_G{control}m={int(index < len(chunks) - 1)};{chunk}\x1b\\")
    return "".join(parts) + "\n"


def write_iterm(content: bytes) -> str:
    """Return the escape sequence that shows an image in iTerm2."""
    encoded = b64encode(content).decode()
    return f"\x1b]1337;File=inline=1;width={_WIDTH};size={len(content)}:{encoded}\x07\n"
